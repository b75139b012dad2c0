"""What a run would do: planned beside the run directory, which is only read."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.batches.tables import PLANNED
from judgefast.costs.budget import parse_budgets
from judgefast.datasets.run_order import snapshot
from judgefast.errors import RunDirectoryError
from judgefast.journal.answers import AnswerIndex
from judgefast.journal.extension import requests_of
from judgefast.journal.manifest import NAME
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.adaptive import seconds_in
from judgefast.pipeline.budget import kept_budget
from judgefast.pipeline.buys import buys_of
from judgefast.pipeline.directory import (
    data_facts,
    differences_of,
    manifest_of,
    reader_of,
    refuse,
    refuse_new,
)
from judgefast.pipeline.finished import DryRun
from judgefast.pipeline.fit import check_answers, check_fit
from judgefast.pipeline.missing import read_journal, rows_to_ask, table_of
from judgefast.pipeline.own_family import as_started
from judgefast.pipeline.plan import plan_run
from judgefast.pipeline.read_plan import load_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from numpy.typing import NDArray

    from judgefast.config import RunConfig
    from judgefast.pipeline.judge import Judge
    from judgefast.pipeline.plan import RunPlan
    from judgefast.verdicts.table import VerdictTable


def dry_run(
    config: RunConfig,
    judge: Judge,
    data: Any,  # noqa: ANN401 - whatever `read_items` takes
    say: Callable[[str], None],
) -> DryRun:
    """Read and plan, and leave nothing behind.

    Args:
        config: The options of the run.
        judge: Who would judge; its engine is not started.
        data: The rows; None to go by those of the run directory.
        say: Told what a person should know.

    Raises:
        DataError: The data cannot be used.
        RunDirectoryError: The directory belongs to another run, or is none.

    """
    path = Path(str(config.out))
    directory = None
    if (path / NAME).is_file():
        directory = RunDirectory.open(path, write=False)
    else:
        refuse_new(path, config, data)
    with tempfile.TemporaryDirectory(prefix="judgefast-") as scratch:
        plan, items = _plan(directory, config, judge, data, Path(scratch), say)
        folder = Path(scratch) if (Path(scratch) / "rows").exists() else path
        seconds = seconds_in(folder, config, plan, judge)
        if directory is None:
            table, in_force = table_of(plan, judge.rubric), config
        else:
            table = read_journal(directory, plan, judge.rubric)
            in_force = kept_budget(config, directory)
        rows = rows_to_ask(plan, table, config, seconds)
        has_texts = folder != path or (directory is not None and directory.manifest.data.texts)
        buys = None
        if has_texts:
            buys = buys_of(in_force, directory, judge, plan, rows, table, folder)
    least = None if seconds is None else rows[seconds.settled(table.verdicts())[0][rows]]
    tokens = plan.rendered.prompt_tokens
    return DryRun(
        items=items,
        planned=len(plan),
        done=table.answers.num_answered,
        to_ask=_judgments(table, rows),
        requests=len(rows),
        prompt_tokens=None if tokens is None else int(tokens[rows].sum()),
        judge=judge.name,
        engine=judge.engine.name,
        digest=plan.digest,
        too_long=int(np.count_nonzero(plan.rendered.planned == PLANNED.index("too_long"))),
        not_needed=int(np.count_nonzero(plan.rendered.planned == PLANNED.index("not_needed"))),
        least_to_ask=None if least is None else _judgments(table, least),
        least_requests=None if least is None else len(least),
        audit=None if seconds is None else seconds.audit_words,
        budget=tuple(map(str, parse_budgets(in_force.budget))),
        buys=None if buys is None else buys._asdict() | {"words": buys.words},
    )


def _judgments(table: VerdictTable, rows: NDArray[np.uint32]) -> int:
    return len(table.answers.sharing.judgments_of(rows)[0])


def _plan(  # noqa: PLR0913, PLR0917 - the parts of a run, in its order
    directory: RunDirectory | None,
    config: RunConfig,
    judge: Judge,
    data: Any,  # noqa: ANN401 - as above
    scratch: Path,
    say: Callable[[str], None],
) -> tuple[RunPlan, int]:
    """The plan that a run would have, and its items."""
    if directory is not None and data is None and directory.plan_complete():
        plan = load_plan(directory)
        return plan, directory.plan_counts["items"]
    reader = reader_of(config, judge, data)
    written = snapshot(reader, scratch, seed=config.seed, limit=config.limit)
    check_answers(judge, is_single=reader.summary.mode == "single")
    now = manifest_of(config, judge, data_facts(reader, texts=not config.no_texts))
    if directory is not None:
        extend = config.extend
        refuse(
            directory.path, differences_of(directory.manifest, now, extend=extend), extend=extend
        )
        config = as_started(config, directory.manifest)
    check_fit(scratch, config, judge)
    plan = plan_run(Nowhere(directory), scratch, judge, config, say)
    if directory is not None:
        _refuse_loss(directory, plan)
    return plan, written.items


def _refuse_loss(directory: RunDirectory, plan: RunPlan) -> None:
    index = AnswerIndex(plan.columns.request_id, plan.columns.asked_by)
    lost = sum(
        int((index.rows(batch.column(0)) < 0).sum())
        for batch in directory.plan_requests(["request_id"])
    )
    if lost:
        msg = f"the new plan would lack {lost:,} requests of the plan of `{directory.path}`"
        raise RunDirectoryError(msg, hint="only appended rows, orders, repeats, pairs extend a run")


class Nowhere:
    """A plan that is not kept; it would take the place of that of a run."""

    def __init__(self, directory: RunDirectory | None = None) -> None:
        is_planned = directory is not None and directory.plan_complete()
        self._before = requests_of(directory) if directory is not None and is_planned else None

    def write_plan(self, requests: pa.Table, asks: pa.Table) -> None:
        """Forget a part."""

    def seal_plan(self, counts: dict[str, int], digest: str | None = None) -> None:
        """Forget the counts."""

    def asked_before(self, request_ids: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
        """Requests of the run that is there."""
        return None if self._before is None else self._before.rows(request_ids) >= 0
