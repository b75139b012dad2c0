"""A run from its options to its report."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judgefast.codes import Status
from judgefast.config import config_from
from judgefast.datasets.columns import load_item_columns
from judgefast.errors import ConfigError
from judgefast.journal.extension import finish_extension
from judgefast.journal.manifest import read_manifest
from judgefast.journal.recordings import recorded_rows
from judgefast.pipeline.ask import Asked, Work, ask
from judgefast.pipeline.directory import open_run, rows_with_texts
from judgefast.pipeline.judge import Judge, judge_of
from judgefast.pipeline.plan import RunPlan, load_plan, plan_run
from judgefast.pipeline.results import (
    estimates_of,
    read_run,
    reading_of,
    report_of,
    why_incomplete,
)
from judgefast.reports.progress import Progress
from judgefast.stopping import Stop
from judgefast.verdicts.table import COLUMNS, VerdictTable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from judgefast.config import RunConfig
    from judgefast.engines.base import Engine
    from judgefast.journal.run_directory import RunDirectory
    from judgefast.reports.report import Report
    from judgefast.stats.estimate import Estimate


class Finished(NamedTuple):
    """How a start ended."""

    path: Path
    report: Report | None
    """None after an interruption, which leaves no time for one."""
    status: int
    """Exit status: 0 done, 3 incomplete, 130 interrupted."""
    done: int
    """Judgments with an answer, over all starts."""
    planned: int
    why: str | None = None
    """Why it is incomplete, for a person."""
    examples: tuple[str, ...] = ()
    """Completions that could not be read, where a run stopped for them."""
    left: int = 0
    """Judgments that the next start would ask; those with no attempts left are none of them."""


class DryRun(NamedTuple):
    """What a run would do."""

    items: int
    planned: int
    done: int
    to_ask: int
    prompt_tokens: int | None
    """Of what is to be asked; None where no prompts are made."""
    judge: str
    engine: str


class Start(NamedTuple):
    """What one start of a run is given."""

    config: RunConfig
    judge: Judge
    data: Any
    """Whatever `read_items` takes; None to go on without reading the rows again."""
    stop: Stop
    say: Callable[[str], None]
    show_progress: bool


class _Clock:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started


def run(  # noqa: PLR0913 - what a caller may bring along, all by keyword
    config: RunConfig,
    *,
    data: Any = None,  # noqa: ANN401 - whatever `read_items` takes
    recorded: Any = None,  # noqa: ANN401 - rows
    engine: Engine | None = None,
    stop: Stop | None = None,
    say: Callable[[str], None] | None = None,
    dry_run: bool = False,
    show_progress: bool = True,
) -> Finished | DryRun:
    """Judge, or go on judging, and report.

    Args:
        config: The options.
        data: Rows in memory or a data frame, instead of `config.data`.
        recorded: Recorded outputs in memory, instead of `config.recorded`.
        engine: An engine that is there already, instead of `config.engine`. It is closed.
        stop: Where a wish to end is noticed.
        say: Told what a person should know.
        dry_run: Plan, say what would be done, and judge nothing.
        show_progress: Whether progress is written to stderr.

    Raises:
        JudgefastError: Nothing could be judged; its class says what to do.

    """
    if config.out is None:
        msg = "no run directory was named"
        raise ConfigError(msg, hint="add --out DIR")
    say = say or _say_nothing
    recorded = _recordings(config, recorded)
    judge = judge_of(config, engine=engine, recorded=recorded)
    if data is None:
        data = list(config.data) or _recorded_items(judge)
    if data is None and not (Path(config.out) / "manifest.json").is_file():
        msg = "no data was named"
        raise ConfigError(msg, hint="judgefast run DATA ..., with DATA a file, glob, folder or -")
    start = Start(config, judge, data, stop or Stop(), say, show_progress)
    return _go(start, dry_run=dry_run)


def resume(
    path: str | Path,
    *,
    stop: Stop | None = None,
    say: Callable[[str], None] | None = None,
    show_progress: bool = True,
    **changes: Any,  # noqa: ANN401 - options of a run
) -> Finished:
    """Go on with the run in a directory, by the options that it was started with.

    Args:
        path: The run directory.
        stop: Where a wish to end is noticed.
        say: Told what a person should know.
        show_progress: Whether progress is written to stderr.
        changes: Options in place of the run's own: `retry`, `max_attempts`, `max_unreadable`,
            `request_seconds`.

    """
    folder = Path(path)
    if (folder / ".extension").exists():
        finish_extension(folder)
    manifest = read_manifest(folder)
    stored = {name: value for name, value in manifest.config.items() if name != "extend"}
    config = config_from(stored, where=f"`{folder}`").replace(out=str(folder), **changes)
    judge = judge_of(config, recorded=_recordings(config, None))
    start = Start(config, judge, None, stop or Stop(), say or _say_nothing, show_progress)
    finished = _go(start, dry_run=False)
    assert isinstance(finished, Finished)  # only a dry run returns something else
    return finished


def _go(start: Start, *, dry_run: bool) -> Finished | DryRun:
    clock, judge, config = _Clock(), start.judge, start.config
    with ExitStack() as stack:
        stack.callback(judge.engine.close)
        with clock.phase("read"):
            directory = open_run(config, judge, start.data, start.say)
        closing = stack.enter_context(_closing(directory))
        texts = stack.enter_context(rows_with_texts(directory, config, judge, list(config.data)))
        for note in directory.notes:
            start.say(note)
        with clock.phase("plan"):
            if directory.plan_complete():
                plan = load_plan(directory)
            else:
                plan = plan_run(directory, texts, judge, config, start.say)
            table = VerdictTable(
                plan.columns.request_id, judge.rubric.verdict, planned=plan.rendered.decided
            )
            for batch in directory.completions(COLUMNS):
                table.add(batch)
            rows = _to_ask(plan, table, config)
        if dry_run:
            return _dry_run(directory, judge, plan, table, rows)
        asked = None
        if len(rows):
            with clock.phase("load"):
                facts = judge.engine.start()
            directory.record_launch({"engine": {"name": judge.engine.name} | facts})
            asked = _ask(start, directory, Work(plan, table, rows, texts))
            clock.seconds["judge"] = asked.seconds
        mean = None if asked is None else asked.in_flight_mean
        if asked is not None and asked.interrupted:
            closing.to_parquet = False
            directory.finish_launch(seconds=clock.seconds, in_flight_mean=mean, interrupted=True)
            left = len(_to_ask(plan, table, config.replace(retry=())))
            return _interrupted(directory, table, plan, left)
        judge.engine.close()
        if asked is not None:
            directory.journal.close()
        with clock.phase("report"):
            reading = read_run(directory.path, directory=directory)
        directory.finish_launch(seconds=clock.seconds, in_flight_mean=mean)
        left = len(_to_ask(plan, table, config.replace(retry=())))
        return _finished(directory, report_of(reading), asked, left)


class _Closing:
    """How a run directory is to be closed."""

    to_parquet = True


@contextmanager
def _closing(directory: RunDirectory) -> Iterator[_Closing]:
    """Close the directory at the end, soon after an interruption and in full otherwise."""
    how = _Closing()
    try:
        yield how
    except KeyboardInterrupt:
        how.to_parquet = False
        raise
    finally:
        directory.close(to_parquet=how.to_parquet)


def _ask(start: Start, directory: RunDirectory, work: Work) -> Asked:
    items = load_item_columns(directory.path)
    config = start.config.replace(slices=())

    def headline() -> Estimate | None:
        reading = reading_of(directory, config, start.judge.rubric, items, work.plan, work.table)
        estimates = estimates_of(reading)
        return estimates[0] if estimates else None

    progress = Progress(
        len(work.plan),
        already=int(np.count_nonzero(work.table.answers.state)),
        is_silent=not start.show_progress,
    )
    try:
        return ask(
            directory,
            work,
            judge=start.judge,
            config=start.config,
            stop=start.stop,
            progress=progress,
            estimate=headline,
        )
    finally:
        progress.close()


def _to_ask(plan: RunPlan, table: VerdictTable, config: RunConfig) -> NDArray[np.int64]:
    """Rows of the plan that this start asks."""
    status = table.verdicts().status
    retry = np.zeros(len(status), bool)
    if "failed" in config.retry:
        retry |= (status == Status.ENGINE_ERROR) | (status == Status.TIMEOUT)
    if "unparsed" in config.retry:
        retry |= (status >= Status.EMPTY) & (status < Status.ENGINE_ERROR)
    if "truncated" in config.retry:
        retry |= status == Status.TRUNCATED
    rows = table.answers.missing(config.max_attempts, retry)
    to_ask: NDArray[np.int64] = rows[plan.rendered.decided[rows] == Status.PARSED]
    return to_ask


def _dry_run(
    directory: RunDirectory,
    judge: Judge,
    plan: RunPlan,
    table: VerdictTable,
    rows: NDArray[np.int64],
) -> DryRun:
    tokens = None
    if plan.rendered.prompt_tokens is not None:
        tokens = int(plan.rendered.prompt_tokens[rows].sum())
    return DryRun(
        items=directory.manifest.data.items,
        planned=len(plan),
        done=int(np.count_nonzero(table.answers.final_attempt)),
        to_ask=len(rows),
        prompt_tokens=tokens,
        judge=judge.name,
        engine=judge.engine.name,
    )


def _interrupted(
    directory: RunDirectory, table: VerdictTable, plan: RunPlan, left: int
) -> Finished:
    return Finished(
        path=directory.path,
        report=None,
        status=130,
        done=int(np.count_nonzero(table.answers.final_attempt)),
        planned=len(plan),
        why="interrupted",
        left=left,
    )


def _finished(directory: RunDirectory, report: Report, asked: Asked | None, left: int) -> Finished:
    counts = report.results.counts
    why = why_incomplete(counts)
    examples: tuple[str, ...] = ()
    if asked is not None and asked.unreadable.is_too_high:
        why = f"{asked.unreadable.share:.0%} of the last judgments could not be read"
        examples = tuple(asked.unreadable.examples)
    elif asked is not None and asked.lost is not None:
        why = f"the engine was lost: {asked.lost}"
    return Finished(
        path=directory.path,
        report=report,
        status=3 if why else 0,
        done=counts.parsed + sum(counts.unparsed.values()),
        planned=counts.planned,
        why=why,
        examples=examples,
        left=left,
    )


def _say_nothing(words: str) -> None:
    del words


def _recordings(config: RunConfig, recorded: Any) -> Any:  # noqa: ANN401 - rows
    """Rows of a finished run, where one is to be replayed."""
    if recorded is None and config.recorded is not None:
        folder = Path(config.recorded)
        if (folder / "manifest.json").is_file():
            return list(recorded_rows(folder))
    return recorded


def _recorded_items(judge: Judge) -> Any:  # noqa: ANN401 - rows
    """Items made of recorded rows alone."""
    recordings = getattr(judge.engine, "recordings", None)
    return None if recordings is None else list(recordings.items.values())
