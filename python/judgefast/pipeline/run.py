"""A run from its options to its report."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgefast.config import config_from
from judgefast.errors import ConfigError, RunDirectoryError
from judgefast.journal.extension import settle
from judgefast.journal.manifest import NAME, read_manifest
from judgefast.pipeline.adaptive import second_orders_of
from judgefast.pipeline.ask import Asked, Work, ask
from judgefast.pipeline.background import Background
from judgefast.pipeline.budget import OPTIONS, StartBudget
from judgefast.pipeline.cached import cache_in_force
from judgefast.pipeline.closing import closing_of
from judgefast.pipeline.collection import seldom_collected
from judgefast.pipeline.directory import (
    Opened,
    can_read_again,
    open_run,
    options_in_force,
    rows_with_texts,
)
from judgefast.pipeline.dry_run import dry_run as plan_only
from judgefast.pipeline.finished import DryRun, Finished, finished
from judgefast.pipeline.forecast import record_forecast
from judgefast.pipeline.gauge import Gauge
from judgefast.pipeline.headline import Headline
from judgefast.pipeline.judge import Judge, judge_of
from judgefast.pipeline.loading import Loading
from judgefast.pipeline.meter import check_budget, check_money
from judgefast.pipeline.metered import RENTED
from judgefast.pipeline.missing import read_journal, rows_to_ask
from judgefast.pipeline.named_family import refuse_named
from judgefast.pipeline.own_family import strangers_of
from judgefast.pipeline.plan import RunPlan, plan_run
from judgefast.pipeline.read_plan import load_plan
from judgefast.pipeline.remember import remember, speed_facts
from judgefast.pipeline.rented import rented
from judgefast.pipeline.results import READING, read_run, report_of
from judgefast.pipeline.start import Going, Start
from judgefast.pipeline.unused_recordings import unused_recordings
from judgefast.prompts.read_rubric import read_rubric
from judgefast.reports.progress import Progress
from judgefast.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.config import RunConfig
    from judgefast.datasets.columns import ItemColumns
    from judgefast.engines.base import Engine
    from judgefast.journal.run_directory import RunDirectory

__all__ = ["DryRun", "Finished", "resume", "run"]

_OF_ONE_START = ("extend", "retry")
"""Options that a resume does not take over: they were a wish of the start that was given them."""


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
    check: Callable[[ItemColumns], None] | None = None,
) -> Finished | DryRun:
    """Judge, or go on judging, and report.

    Args:
        config: The options.
        data: Rows in memory, a data frame or paths, instead of `config.data`.
        recorded: Recorded outputs in memory, instead of `config.recorded`.
        engine: An engine that is there already, instead of `config.engine`. It is closed.
        stop: Where a wish to end is noticed; without, an interrupt is the caller's.
        say: Told what a person should know.
        dry_run: Say what would be done; judge nothing, and leave nothing behind.
        show_progress: Whether progress is written to stderr.
        check: Looks at the items before anything is asked, and may refuse them.

    Raises:
        JudgefastError: Nothing could be judged; its class says what to do.

    """
    if data is not None and can_read_again(data):
        names = [data] if isinstance(data, str | Path) else data
        config, data = config.replace(data=tuple(map(str, names))), None
    if engine is not None:
        config = config.replace(engine=engine.name)
    start = Start(
        config=config,
        data=data,
        recorded=recorded,
        engine=engine,
        rubric=None,
        stop=stop or Stop(),
        say=say or (lambda _words: None),
        show_progress=show_progress,
        check=check,
    )
    if not dry_run:
        return _go(start)
    with ExitStack() as stack:
        judge = _judge_of(start, stack)
        return plan_only(config, judge, _data_of(start, judge), start.say)


def resume(  # noqa: PLR0913 - as above
    path: str | Path,
    *,
    recorded: Any = None,  # noqa: ANN401 - rows
    engine: Engine | None = None,
    stop: Stop | None = None,
    say: Callable[[str], None] | None = None,
    show_progress: bool = True,
    **changes: Any,  # noqa: ANN401 - options of a run
) -> Finished:
    """Go on with the run in a directory, by the options and the rubric it was started with.

    Args:
        path: The run directory.
        recorded: Recorded outputs in memory, where the run was started with such.
        engine: An engine that is there already, where the run was started with one. It is closed.
        stop: Where a wish to end is noticed; without, an interrupt is the caller's.
        say: Told what a person should know.
        show_progress: Whether progress is written to stderr.
        changes: Options in place of the run's own: `retry`, `max_attempts`, `max_unreadable`,
            `request_seconds`, `budget`, `gpu`, `price`, `provider`.

    Raises:
        JudgefastError: Nothing could be judged; its class says what to do.

    """
    folder = Path(path)
    settle(folder)
    manifest = read_manifest(folder)
    anew = (*_OF_ONE_START, *OPTIONS)  # the options of a budget are those of the last start
    stored = {name: value for name, value in manifest.config.items() if name not in anew}
    config = config_from(stored, where=f"`{folder}`").replace(out=str(folder), **changes)
    rubric = read_rubric(manifest.rubric.toml, manifest.rubric.name)
    start = Start(
        config=config,
        data=None,
        recorded=recorded,
        engine=engine,
        rubric=rubric,
        stop=stop or Stop(),
        say=say or (lambda _words: None),
        show_progress=show_progress,
    )
    return _go(start)


def _go(start: Start) -> Finished:
    """Tell the story; a wish to end that comes anywhere in it is an end like others."""
    going = Going(start.stop)
    try:
        with seldom_collected(), ExitStack() as stack:
            return _story(start, going, stack)
    except KeyboardInterrupt:
        if not start.stop.requested:
            raise
        return going.interrupted(Path(str(start.config.out)))


def _story(start: Start, going: Going, stack: ExitStack) -> Finished:
    judge = _judge_of(start, stack)
    loading = Loading(judge.engine, start.say)
    config = start.config
    data = _data_of(start, judge)
    loading.begin()  # the process of an engine imports and reads weights meanwhile
    with going.phase("read", "reading the data"):
        directory, items = open_run(config, judge, data, start.say)
    closing = stack.enter_context(closing_of(directory))
    if start.check is not None:
        start.check(items)
    for note in [*directory.notes, *strangers_of(config, judge.engine.model.name, items)]:
        start.say(note)
    budget = StartBudget(directory, config, judge, began=going.began, say=start.say)
    stack.enter_context(rented(directory, budget.facts(), going.seconds))
    start = start._replace(config=(config := budget.config))
    work = _planned(start, going, Opened(directory, items), judge, budget, stack)
    asked = None
    if not len(work.rows):
        judge.engine.close()  # it may have begun
        directory.record_launch({RENTED: None})
    else:
        with going.phase("plan", "planning"):
            record_forecast(directory, work.plan, judge, config, work.seconds)
        with going.phase("load", "starting the engine"):
            loading.prepare(work.plan, work.rows, judge.prompts.decoding)
            _record_start(directory, judge, config, _started(loading, directory, budget))
        try:
            with going.phase("judge", "judging"):
                asked = _ask(start, judge, directory, items, work, budget)
        except RunDirectoryError as error:  # the disk is full or fails; what it took is kept
            closing.to_parquet = False
            going.table = read_journal(directory, work.plan, judge.rubric)
            return going.ended(directory.path, 3, str(error))
        facts = budget.ended(asked) | _counted(judge.engine)
        directory.record_launch(facts | _first_request(asked, going))
        if asked.interrupted:
            closing.to_parquet = False
            mean = asked.in_flight_mean
            directory.finish_launch(seconds=going.seconds, in_flight_mean=mean, interrupted=True)
            return going.interrupted(directory.path)
        if words := unused_recordings(judge, work.plan.columns, items.item_id, work.asked):
            start.say(words)
        judge.engine.close()
        budget.refuse_nothing(work.table.answers.num_answered)
    going.let_go()
    del work, items  # the report reads its own, and there is room for one of them
    return _report(start, going, directory, asked)


def _planned(  # noqa: PLR0913, PLR0917 - the parts of a run, in its order
    start: Start,
    going: Going,
    opened: Opened,
    judge: Judge,
    budget: StartBudget,
    stack: ExitStack,
) -> Work:
    """Make the plan, or read it back, and find what is to be asked of it."""
    directory, items = opened
    texts, is_planned_here = None, not directory.plan_complete()
    with going.phase("plan", "planning"):
        if is_planned_here:
            texts = stack.enter_context(_texts(start, directory, judge))
            plan = plan_run(directory, texts, judge, start.config, start.say)
        else:
            plan = load_plan(directory)
        plan = RunPlan(plan.columns.to_send(), plan.rendered)
        going.table = table = read_journal(directory, plan, judge.rubric)
        going.plan = plan
        options, forms = directory.manifest.options, judge.rubric.verdicts
        seconds = second_orders_of(options, plan, items, forms, start.config.seed, start.say)
        rows = rows_to_ask(plan, table, start.config, seconds)
        if not budget.needs_texts:
            rows = budget.affordable(plan, rows, table)
    if texts is None:
        is_asked = len(rows) > 0
        texts = stack.enter_context(_texts(start, directory, judge)) if is_asked else directory.path
    if budget.needs_texts:
        with going.phase("plan", "measuring what is asked"):
            rows = budget.affordable(plan, rows, table, texts)
    return Work(plan, table, rows, texts, verify=not is_planned_here, seconds=seconds)


def _started(loading: Loading, directory: RunDirectory, budget: StartBudget) -> dict[str, Any]:
    """Wait for the engine."""
    directory.record_launch(budget.facts())
    engine = loading.finish()
    directory.record_launch(budget.ready(engine))
    return engine


def _record_start(
    directory: RunDirectory, judge: Judge, config: RunConfig, engine: dict[str, Any]
) -> None:
    """Write down what is known once the engine has started: its own facts among it."""
    facts = {"config": options_in_force(config), "engine": engine}
    facts |= cache_in_force(judge.engine) | speed_facts(judge)
    directory.record_launch(facts)


def _report(start: Start, going: Going, directory: RunDirectory, asked: Asked | None) -> Finished:
    """Close the journal, and say what the run has come to."""
    config = start.config
    try:
        with going.phase("report", "reporting"):
            if asked is not None:
                directory.journal.close()
    except RunDirectoryError as error:  # the disk is full at the end of the last segment
        return going.ended(directory.path, 3, str(error))
    with going.phase("report", "reporting"):
        changes = {name: getattr(config, name) for name in READING}
        reading = read_run(directory.path, directory=directory, to_report=True, **changes)
    mean = None if asked is None else asked.in_flight_mean
    directory.finish_launch(seconds=going.seconds, in_flight_mean=mean)
    no_retry = config.replace(retry=())
    rows = rows_to_ask(reading.plan, reading.table, no_retry, reading.seconds)
    left = len(reading.table.answers.sharing.judgments_of(rows)[1])
    report = report_of(reading)
    if asked is not None and not left:
        remember(directory, report, start.say)
    return finished(directory.path, report, asked, left)


def _judge_of(start: Start, stack: ExitStack) -> Judge:
    """Build the judge; its engine is closed whatever happens."""
    if start.config.out is None:
        msg = "no run directory was named"
        raise ConfigError(msg, hint="add --out DIR")
    check_budget(start.config)
    if start.engine is None:
        refuse_named({"": start.config}, start.data)
    if start.engine is not None:
        stack.callback(start.engine.close)
    folder = Path(str(start.config.out))
    judge = judge_of(
        start.config,
        engine=start.engine,
        recorded=start.recorded,
        rubric=start.rubric,
        made_with=read_manifest(folder).engine if (folder / NAME).is_file() else None,
        say=start.say,
    )
    stack.callback(judge.engine.close)
    check_money(start.config, judge.engine)
    return judge


def _data_of(start: Start, judge: Judge) -> Any:  # noqa: ANN401 - whatever `read_items` takes
    """The rows, or None to go on by those of the run directory."""
    if start.data is not None:
        return start.data
    if start.rubric is not None:
        return None
    data = list(start.config.data) or _recorded_items(judge)
    if data is None and not (Path(str(start.config.out)) / NAME).is_file():
        msg = "no data was named"
        raise ConfigError(msg, hint="judgefast run DATA ..., with DATA a file, glob, folder or -")
    return data


def _texts(start: Start, directory: RunDirectory, judge: Judge) -> Any:  # noqa: ANN401 - a context
    return rows_with_texts(directory, start.config, judge, list(start.config.data))


def _ask(  # noqa: PLR0913, PLR0917 - the parts of a run, in its order
    start: Start,
    judge: Judge,
    directory: RunDirectory,
    items: ItemColumns,
    work: Work,
    budget: StartBudget,
) -> Asked:
    progress = Progress(
        len(work.plan),
        already=work.already,
        is_silent=not start.show_progress,
    )
    headline = Background(
        Headline(directory, start.config, judge.rubric, items, work.plan, work.table)
    )
    gauge = Gauge(judge.engine)
    try:
        asked = ask(
            directory,
            work,
            judge=judge,
            config=start.config,
            stop=start.stop,
            progress=progress,
            estimate=headline,
            budget=budget,
        )
    finally:
        progress.close()
    directory.record_launch(gauge.spent().facts())
    if not asked.interrupted:
        headline.close()  # a report takes the memory that it holds
    return asked


def _counted(engine: Engine) -> dict[str, Any]:
    """What an engine has counted by the end of a launch, where it counts."""
    counters = getattr(engine, "counters", None)
    return {} if counters is None else {"counters": counters()}


def _first_request(asked: Asked, going: Going) -> dict[str, float]:
    """Seconds from the start to the first request; nothing where none was sent."""
    if asked.first_sent is None:
        return {}
    return {"first_request_seconds": asked.first_sent - going.began}


def _recorded_items(judge: Judge) -> Any:  # noqa: ANN401 - rows
    """Items made of recorded rows alone."""
    recordings = getattr(judge.engine, "recordings", None)
    return None if recordings is None else list(recordings.items.values())
