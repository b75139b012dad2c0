"""Small runs through the real pipeline, with an engine that does as it is told."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from judgefast.config import RunConfig
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.finished import Finished
from judgefast.pipeline.results import read_run, report_of
from judgefast.pipeline.run import resume, run
from judgefast.reports.as_json import to_json
from tests.engines.scripted import ScriptedEngine, answered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion
    from judgefast.pipeline.finished import DryRun
    from judgefast.reports.report import Results


def pairs(count: int, **fields: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": f"item-{number}",
            "question": f"What is {number} + 1?",
            "answer_a": f"It is {number + 1}.",
            "answer_b": f"It is {number}.",
            "model_a": "right",
            "model_b": "wrong",
            **fields,
        }
        for number in range(count)
    ]


def by_hash(request: Request) -> Completion:
    """The same letter for the same request, whoever asks and when."""
    digest = hashlib.sha256(request.request_id).digest()
    return answered(request, "ABC"[digest[0] % 3])


def judge_rows(
    out: Path,
    rows: Any,
    answer: Callable[[Request], Completion | None] = by_hash,
    *,
    engine: ScriptedEngine | None = None,
    **options: Any,
) -> Finished:
    """One start of a run, to its end."""
    finished = start(out, rows, answer, engine=engine, **options)
    assert isinstance(finished, Finished)
    return finished


def start(
    out: Path,
    rows: Any,
    answer: Callable[[Request], Completion | None] = by_hash,
    *,
    engine: ScriptedEngine | None = None,
    dry_run: bool = False,
    say: Callable[[str], None] | None = None,
    **options: Any,
) -> Finished | DryRun:
    config = RunConfig(**({"rubric": "pairwise"} | options), out=str(out))
    return run(
        config,
        data=rows,
        engine=engine or ScriptedEngine(answer),
        dry_run=dry_run,
        say=say,
        show_progress=False,
    )


def go_on(
    out: Path,
    answer: Callable[[Request], Completion | None] = by_hash,
    *,
    engine: ScriptedEngine | None = None,
    **changes: Any,
) -> Finished:
    return resume(out, engine=engine or ScriptedEngine(answer), show_progress=False, **changes)


def results_of(out: Path) -> Results:
    return report_of(read_run(out)).results


def results_json(out: Path) -> str:
    return to_json(results_of(out))


def attempts_of(out: Path) -> list[dict[str, Any]]:
    """Every row of the journal."""
    directory = RunDirectory.open(out, write=False)
    return [row for batch in directory.completions() for row in batch.to_pylist()]
