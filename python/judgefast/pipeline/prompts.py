"""Prompts of a run, made again from what its directory keeps: for audits, and for a second look."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np

from judgefast.batches.requests import RequestMaker
from judgefast.batches.sharing import Sharing
from judgefast.config import config_from
from judgefast.datasets.rows import items_of, rows_around
from judgefast.errors import RunDirectoryError
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.directory import rows_with_texts
from judgefast.pipeline.judge import judge_of
from judgefast.pipeline.read_plan import load_plan
from judgefast.prompts.read_rubric import read_rubric

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.engines.base import Engine
    from judgefast.prompts.segments import Prompt


def prompt_of(
    path: str | Path, request_id: bytes, *, engine: Engine | None = None
) -> Prompt | None:
    """Render the prompt of one request as it was sent; `ids_hash` says that it is the same.

    Args:
        path: The run directory.
        request_id: 16 bytes; the key of a judgment that it answers will do.
        engine: The engine of the run, where it was started with one; it is closed, never started.

    Returns:
        The prompt; None where the engine of the run takes none.

    Raises:
        RunDirectoryError: The run has no such request, or the prompt is not the one that was sent.
        DataError: The run keeps no texts, and the data is not what it was.

    """
    directory = RunDirectory.open(path, write=False)
    manifest = directory.manifest
    config = config_from(manifest.config, where=f"`{path}`").replace(out=str(path))
    with ExitStack() as stack:
        rubric = read_rubric(manifest.rubric.toml, manifest.rubric.name)
        started = [facts["engine"] for facts in directory.launches() if "engine" in facts]
        last = started[-1] if started else None
        judge = judge_of(config, engine=engine, rubric=rubric, started=last)
        stack.callback(judge.engine.close)
        plan = load_plan(directory)
        wanted = np.frombuffer(request_id, np.uint8)
        judgments = np.flatnonzero((plan.columns.key == wanted).all(axis=1))
        rows = Sharing(plan.columns.asked_by).requests_of(judgments)
        if not len(rows):
            msg = f"`{path}` has no request `{request_id.hex()}`"
            raise RunDirectoryError(msg, hint="ids are in `plan/requests-*.parquet`")
        maker = RequestMaker(
            plan.columns,
            judge.prompts,
            judge=judge.name,
            rendered=judge.rendered,
            ids_hash=plan.rendered.ids_hash,
        )
        texts = stack.enter_context(rows_with_texts(directory, config, judge, list(config.data)))
        around = rows_around(texts, plan.columns.item[rows])
        batches = ((base, items_of(batch)) for base, batch in around)
        attempts = np.zeros(len(plan), np.int32)
        return next(maker.requests(batches, rows, attempts)).prompt
