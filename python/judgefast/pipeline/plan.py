"""From rows to a plan on disk: what will be asked, and what never will, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from judgefast.batches.columns import PlanColumns, concat
from judgefast.batches.plan import plan_requests
from judgefast.batches.tables import PlannedPrompts, plan_tables, read_plan
from judgefast.codes import Status
from judgefast.datasets.rows import items_of, iter_rows
from judgefast.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from judgefast.config import RunConfig
    from judgefast.datasets.items import Item
    from judgefast.journal.run_directory import RunDirectory
    from judgefast.pipeline.judge import Judge
    from judgefast.prompts.segments import Prompt

PART_REQUESTS = 65_536
"""Requests of one part of the plan."""

SEAM_SAMPLE = 64
"""Prompts of a run, the first ones of its shuffled order, whose seams are checked."""


class PlanFolder(Protocol):
    """Where a plan is written: a run directory, or an extension of one."""

    def write_plan(self, requests: pa.Table, asks: pa.Table) -> None:
        """Append a part."""

    def seal_plan(self, counts: dict[str, int]) -> None:
        """Say that it is whole."""


class RunPlan(NamedTuple):
    """A plan in memory."""

    columns: PlanColumns
    planned: NDArray[np.uint8]
    """0 to be asked; else the `Status` of a judgment that never will be. Shape (n,)."""
    prompts: PlannedPrompts | None
    """None for an engine that reads coordinates alone."""


class PromptCounts:
    """What rendering did to texts, summed over a plan."""

    def __init__(self) -> None:
        self.replaced_characters = 0
        self.stripped_characters = 0
        self._checked = 0

    def prepare(
        self, judge: Judge, items: Sequence[Item], plan: PlanColumns, base: int
    ) -> tuple[PlannedPrompts, NDArray[np.bool_]]:
        """Render every prompt of a batch once; say which do not fit the judge's context."""
        tokens = np.full(len(plan.item), -1, np.int64)
        hashes = np.zeros((len(plan.item), 16), np.uint8)
        for row, item_row in enumerate(plan.item.tolist()):
            prompt = judge.prompts.render(items[item_row - base], plan.shown_in(row))
            if prompt.token_ids is not None:
                tokens[row] = len(prompt.token_ids)
                if self._checked < SEAM_SAMPLE:
                    self._checked += 1
                    _check_seams(judge, prompt)
            hashes[row] = np.frombuffer(prompt.ids_hash, np.uint8)
            self.replaced_characters += prompt.replaced_characters
            self.stripped_characters += prompt.stripped_characters
        context = judge.engine.model.context_tokens
        too_long = np.zeros(len(plan.item), bool)
        if context is not None:
            too_long = tokens + judge.prompts.decoding.max_tokens > context
        return PlannedPrompts(tokens, hashes), too_long


def plan_batch(
    batch: pa.RecordBatch, judge: Judge, config: RunConfig, base: int, counts: PromptCounts
) -> RunPlan:
    """Plan one batch of rows; `base` is the number of its first item."""
    columns = plan_requests(
        batch,
        mode=judge.rubric.mode,
        orders=config.orders,
        repeats=config.repeats,
        seed=config.seed,
        judge=judge.name,
        prompt_hash=judge.prompts.prompt_hash,
        aspects=[aspect.name for aspect in judge.rubric.aspects],
        base=base,
    )
    items = items_of(batch)
    planned = _decided_by_empty(items, columns, base)
    prompts = None
    if judge.rendered:
        prompts, too_long = counts.prepare(judge, items, columns, base)
        planned[too_long & (planned == Status.PARSED)] = Status.TOO_LONG
    return RunPlan(columns, planned, prompts)


def plan_run(
    directory: PlanFolder,
    rows: Path,
    judge: Judge,
    config: RunConfig,
    say: Callable[[str], None],
) -> RunPlan:
    """Plan a run and write the plan down.

    Args:
        directory: Where the plan goes.
        rows: Folder that holds `rows/` with texts.
        judge: Who judges.
        config: The options of the run.
        say: Told what a person should know.

    """
    counts = PromptCounts()
    plans: list[RunPlan] = []
    pending: list[RunPlan] = []
    item_ids: list[str] = []
    base = 0
    for batch in iter_rows(rows):
        plan = plan_batch(batch, judge, config, base, counts)
        pending.append(plan)
        item_ids += batch.column("item_id").to_pylist()
        base += batch.num_rows
        if sum(len(each.planned) for each in pending) >= PART_REQUESTS:
            plans.append(_write(directory, pending, item_ids, judge))
            pending, item_ids = [], []
    if pending:
        plans.append(_write(directory, pending, item_ids, judge))
    whole = _joined(plans)
    directory.seal_plan(
        {
            "requests": len(whole.planned),
            "too_long": int((whole.planned == Status.TOO_LONG).sum()),
            "not_needed": int((whole.planned == Status.NOT_NEEDED).sum()),
            "replaced_characters": counts.replaced_characters,
            "stripped_characters": counts.stripped_characters,
        }
    )
    if counts.stripped_characters:
        say(f"{counts.stripped_characters:,} blank characters at the ends of texts are not sent")
    return whole


def load_plan(directory: RunDirectory) -> RunPlan:
    """Read the whole plan of a run directory."""
    columns, planned, prompts = read_plan(
        directory.plan_requests(),
        directory.plan_asks(),
        directory.manifest.options["aspects"],
    )
    return RunPlan(columns, planned, prompts)


def _write(
    directory: PlanFolder, plans: list[RunPlan], item_ids: list[str], judge: Judge
) -> RunPlan:
    plan = _joined(plans)
    requests, asks = plan_tables(
        plan.columns,
        plan.planned,
        plan.prompts,
        item_ids=item_ids,
        judge=judge.name,
        prompt_hash=judge.prompts.prompt_hash,
        aspects=[aspect.name for aspect in judge.rubric.aspects],
    )
    directory.write_plan(requests, asks)
    return plan


def _joined(plans: list[RunPlan]) -> RunPlan:
    prompts = [plan.prompts for plan in plans if plan.prompts is not None]
    return RunPlan(
        concat([plan.columns for plan in plans]),
        np.concatenate([plan.planned for plan in plans]),
        PlannedPrompts(
            np.concatenate([each.prompt_tokens for each in prompts]),
            np.concatenate([each.ids_hash for each in prompts]),
        )
        if prompts
        else None,
    )


def _decided_by_empty(items: Sequence[Item], columns: PlanColumns, base: int) -> NDArray[np.uint8]:
    """`NOT_NEEDED` where `--on-empty lose` decides before the judge is asked, else 0."""
    planned = np.zeros(len(columns.item), np.uint8)
    if not any(answer.empty for item in items for answer in item.answers):
        return planned
    for row, item_row in enumerate(columns.item.tolist()):
        answers = items[item_row - base].answers
        if any(answers[index].empty for index in columns.shown_in(row)):
            planned[row] = Status.NOT_NEEDED
    return planned


def _check_seams(judge: Judge, prompt: Prompt) -> None:
    difference = judge.prompts.verify_seams(prompt)
    if difference is not None:
        msg = f"joined token ids are not those of the whole prompt: {difference}"
        raise ModelError(msg, hint="report it with the rubric; this tokenizer breaks the seam rule")
