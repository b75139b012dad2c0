"""Outcomes as they come, for pipelines that have no run directory and no end."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from judgefast.batches.requests import RequestMaker
from judgefast.codes import FIXED_ONE, NO_ANSWER, OutcomeStatus, Position, Status
from judgefast.config import RunConfig, config_from
from judgefast.datasets.reader import ItemReader
from judgefast.datasets.rows import batch_of, items_of
from judgefast.datasets.run_order import in_run_order
from judgefast.datasets.windows import windows
from judgefast.engines.adaptive import Adaptive
from judgefast.engines.drive import Flight, drive
from judgefast.engines.source import FixedPlan
from judgefast.errors import ConfigError, DataError
from judgefast.outcomes.reconcile import reconcile
from judgefast.pipeline.adaptive import Firsts, seconds_among
from judgefast.pipeline.empty_answers import decide_empty
from judgefast.pipeline.judge import Judge, judge_of
from judgefast.pipeline.missing import table_of
from judgefast.pipeline.own_family import models_of, refuse_own
from judgefast.pipeline.plan import plan_window
from judgefast.pipeline.prompt_counts import PromptCounts
from judgefast.reports.families import family_finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from judgefast.batches.request import Request
    from judgefast.datasets.items import Item
    from judgefast.datasets.sources import Source
    from judgefast.datasets.summary import ReadSummary
    from judgefast.engines.base import Completion, Engine
    from judgefast.engines.source import Source as Plan
    from judgefast.pipeline.plan import RunPlan

LOG = logging.getLogger("judgefast")

WITHOUT_MEANING = (
    "data",
    "out",
    "limit",
    "no_texts",
    "extend",
    "retry",
    "max_attempts",
    "max_unreadable",
    "slices",
    "level",
    "budget",
    "gpu",
    "price",
    "provider",
)
"""Options that a stream cannot honour: it keeps nothing, asks once, estimates nothing, and its
caller ends it at will."""

OPEN_WINDOWS = 2
"""Windows that are judged at a time: the next one fills the engine while the last one ends."""


class Judgment(msgspec.Struct, frozen=True, kw_only=True):
    """One judgment behind an outcome."""

    shown: tuple[int, ...]
    """Index of the answer at each position."""
    repeat: int
    status: str
    """Label of `codes.Status`."""
    text: str
    """The completion as it came."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison, or one scored answer, of an item."""

    item_id: str
    cluster: str
    candidate: int
    """Index into the item's answers."""
    baseline: int | None
    """Index into the item's answers; None for a scored answer."""
    candidate_model: str | None
    baseline_model: str | None
    aspect: str
    value: float | None
    """1 is a win of the candidate; a score on the rubric's scale; None where `status` says why."""
    weight: int
    status: str
    """Label of `codes.OutcomeStatus`."""
    position: str
    """Label of `codes.Position`."""
    rule: str
    p_win: float | None
    p_tie: float | None
    p_loss: float | None
    label_mass: float | None
    judgments: tuple[Judgment, ...]
    window: int
    """Number of the window it was planned in, from 0."""


def stream(
    data: Any,  # noqa: ANN401 - whatever `read_items` takes
    /,
    *,
    rubric: str | os.PathLike[str],
    engine: str | Engine = "embedded",
    recorded: Any = None,  # noqa: ANN401 - as described
    window: int = 1000,
    **options: Any,  # noqa: ANN401 - options of a run
) -> Iterator[Outcome]:
    """Judge rows as they come and yield outcomes, in bounded memory.

    Rows are planned window by window: each window is checked, shuffled and ordered by itself, so
    shared prefixes are shared within a window, and an id is unique among the windows in work. There
    is no run directory: nothing is kept, and what is interrupted is lost. Use `run` for what must
    survive.

    Args:
        data: Path or paths, an iterable of dicts, or a data frame, as `run` takes them. It is read
            as the engine has room, never ahead by more than two windows.
        rubric: Name of a built-in rubric, or path of a TOML file.
        engine: Name of an engine, or an engine; it is started with the first outcome that is
            asked for, and closed at the end.
        recorded: Recorded outputs for the engine `replay`: a path, rows or a `Run`.
        window: Rows of a window, at least 1.
        options: Fields of `RunConfig`; those of run directories, samples, attempts and estimates
            are refused.

    Yields:
        Outcomes of a window once all its judgments are in, in run order. Rows that are skipped, by
        `on_bad_row` or `on_empty`, and answers that are shortened are counted by the logger
        `judgefast`, window by window.

    Raises:
        ConfigError: An option is unknown, out of range, or has no meaning here.
        DataError: A row cannot be used; the message names file and line, or the row's number.
        EngineError: The engine does not start, or is lost.

    """
    if window < 1:
        msg = f"`window` is {window}; it must be at least 1"
        raise ConfigError(msg)
    for name in WITHOUT_MEANING:
        if name in options:
            msg = f"`{name}` has no meaning for a stream: it keeps nothing and estimates nothing"
            raise ConfigError(msg, hint="use judgefast.run")
    named = {"rubric": os.fspath(rubric)}
    named["engine"] = engine if isinstance(engine, str) else engine.name
    recorded = getattr(recorded, "path", recorded)  # a `Run`
    if isinstance(recorded, str | os.PathLike):
        named["recorded"], recorded = os.fspath(recorded), None
    config = config_from(options | named, where="judgefast.stream")
    parts = windows(data, window, config.max_row_bytes)
    given = None if isinstance(engine, str) else engine
    judge = judge_of(config, engine=given, recorded=recorded)
    LOG.info("planning window by window, %d rows each", window)
    return _outcomes(parts, judge, config)


def _outcomes(parts: Iterator[list[Source]], judge: Judge, config: RunConfig) -> Iterator[Outcome]:
    windows = _Windows(parts, judge, config)
    try:
        judge.engine.start()
        for _ in drive(
            judge.engine,
            windows,
            flight=Flight(),
            request_seconds=config.request_seconds,
            stopping=lambda: False,
        ):
            for done in windows.finished():
                yield from done.outcomes()
        for done in windows.finished():
            yield from done.outcomes()
    finally:
        judge.engine.close()
        for words in judge.prompts.save_tokens():
            LOG.info(words)


class _Window:
    """Some items, their plan, and what has come back for it."""

    def __init__(self, number: int, items: list[Item], judge: Judge, config: RunConfig) -> None:
        self.number = number
        self._judge = judge
        self._baseline = config.baseline
        batch = in_run_order(batch_of(items), seed=config.seed)
        self._items = items_of(batch)
        counts = PromptCounts(config.seed)
        self._plan: RunPlan = plan_window(batch, judge, config, counts)
        if counts.shortened:
            LOG.info("window %d: %s", number, counts.shortened)
        decided = self._plan.rendered.decided
        can = judge.engine.capabilities
        self._table = table_of(
            self._plan,
            judge.rubric,
            labels_only=can.takes == "state",
            label_mass=can.label_mass,
        )
        is_own = self._table.answers.sharing.own(len(decided))
        self._asked = np.flatnonzero(is_own & (decided == Status.PARSED))
        self._seconds = seconds_among(self._items, config, self._plan, judge)
        self._texts: dict[bytes, str] = {}
        self._source: Plan = FixedPlan(self._requests(), total=len(self._asked))
        if self._seconds is not None:
            firsts = Firsts(self._seconds, self._table.verdicts(), self._table.answers)
            self._source = Adaptive(self._source, firsts)
        self._flying = 0

    @property
    def left(self) -> int:
        """Requests that are still out, or may have to be sent."""
        return self._flying + self._source.remaining(0)

    def ids(self) -> list[bytes]:
        """Ids of the requests of the window."""
        return [self._plan.columns.request_id[row].tobytes() for row in self._asked.tolist()]

    def take(self, n: int) -> list[Request]:
        """Hand out up to `n` requests."""
        taken = self._source.take(0, n)
        self._flying += len(taken)
        return taken

    def _requests(self) -> Iterator[Request]:
        maker = RequestMaker(
            self._plan.columns,
            self._judge.prompts,
            judge=self._judge.name,
            rendered=self._judge.rendered,
        )
        return maker.requests([(0, self._items)], self._asked, self._table.answers.attempts)

    def add(self, completions: Sequence[Completion]) -> None:
        """Take in what came back."""
        self._table.add_live(completions, "stream")
        self._texts |= {each.request_id: each.text for each in completions}
        self._flying -= len(completions)
        self._source.give(completions)

    def outcomes(self) -> Iterator[Outcome]:
        """What the judgments of the window come to."""
        rubric, plan = self._judge.rubric, self._plan
        rule = self._judge.prompts.rule
        verdicts = self._table.verdicts()
        if self._seconds is not None:
            verdicts = self._seconds.with_decided(verdicts)
        flags = [[answer.empty for answer in item.answers] for item in self._items]
        columns = reconcile(
            plan.columns,
            decide_empty(flags, plan, verdicts, rubric),
            mode=rubric.mode,
            rule=rule,  # type: ignore[arg-type]  # the rubric has checked it
            one_failed=rubric.one_failed,
            format=rubric.verdicts,
            baseline=None if self._baseline is None else _answers_of(self._baseline, self._items),
        )
        for row in range(len(columns.item)):
            item = self._items[int(columns.item[row])]
            candidate, baseline = int(columns.candidate[row]), int(columns.baseline[row])
            against = None if baseline == NO_ANSWER else baseline
            first = int(columns.first_judgment[row])
            scored = columns.status[row] == OutcomeStatus.SCORED
            yield Outcome(
                item_id=item.item_id,
                cluster=item.cluster,
                candidate=candidate,
                baseline=against,
                candidate_model=item.answers[candidate].model,
                baseline_model=None if against is None else item.answers[against].model,
                aspect=self._judge.aspects[int(columns.aspect[row])],
                value=int(columns.value[row]) / FIXED_ONE if scored else None,
                weight=int(columns.weight[row]),
                status=OutcomeStatus(int(columns.status[row])).label,
                position=Position(int(columns.position[row])).label,
                rule=rule,
                p_win=_known(columns.p_win[row]),
                p_tie=_known(columns.p_tie[row]),
                p_loss=_known(columns.p_loss[row]),
                label_mass=_known(columns.label_mass[row]),
                judgments=tuple(
                    self._judgment(place, int(verdicts.status[place]))
                    for place in range(first, first + int(columns.judgments[row]))
                ),
                window=self.number,
            )

    def _judgment(self, row: int, status: int) -> Judgment:
        plan = self._plan.columns
        return Judgment(
            shown=plan.shown_in(row),
            repeat=int(plan.repeat[row]),
            status=Status(status).label,
            text=self._texts.get(plan.request_id[row].tobytes(), ""),
        )


class _Windows:
    """A source that opens a window when the engine has room for it."""

    def __init__(self, parts: Iterator[list[Source]], judge: Judge, config: RunConfig) -> None:
        self._parts = parts
        self._judge = judge
        self._config = config
        self._open: list[_Window] = []
        self._owner: dict[bytes, _Window] = {}
        self._number = 0
        self._ended = False

    def take(self, lane: int, n: int) -> list[Request]:
        """Hand out requests of the oldest window, opening the next one where there is room."""
        del lane
        taken: list[Request] = []
        for window in self._open:
            taken += window.take(n - len(taken))
        while len(taken) < n and len(self._open) < OPEN_WINDOWS and self._open_next():
            taken += self._open[-1].take(n - len(taken))
        return taken

    def make_ahead(self) -> bool:
        """Nothing: what is read ahead are windows."""
        return False

    def give(self, completions: Sequence[Completion]) -> None:
        """Pass each completion to its window."""
        by_window: dict[int, list[Completion]] = {}
        for completion in completions:
            owner = self._owner.pop(completion.request_id)
            by_window.setdefault(owner.number, []).append(completion)
        for window in self._open:
            if window.number in by_window:
                window.add(by_window[window.number])

    def remaining(self, lane: int) -> int:
        """1 until the rows have ended and every request was handed out."""
        del lane
        return 0 if self._ended and not any(window.left for window in self._open) else 1

    def release(self, lane: int) -> None:
        """Nothing: no lane has anything of its own."""

    def finished(self) -> list[_Window]:
        """Windows that are complete; they are closed."""
        done = [window for window in self._open if not window.left]
        self._open = [window for window in self._open if window.left]
        return done

    def _open_next(self) -> bool:
        sources = next(self._parts, None)
        if sources is None:
            self._ended = True
            return False
        reader = ItemReader(sources, self._judge.read_options(self._config, is_whole=False))
        items = list(reader)
        _tell(self._number, reader.summary)
        found = refuse_own(self._config, self._judge.engine.model.name, models_of(items))
        for words in family_finding(found):
            LOG.warning("window %d: %s", self._number, words)
        window = _Window(self._number, items, self._judge, self._config)
        self._number += 1
        ids = window.ids()
        if any(key in self._owner for key in ids):
            msg = f"window {window.number}: an item of the window before comes again"
            raise DataError(msg, hint="give each row an id of its own")
        self._owner |= dict.fromkeys(ids, window)
        self._open.append(window)
        return True


def _tell(number: int, summary: ReadSummary) -> None:
    """Count the rows of a window that are left out: none goes without a word."""
    for reason, count in summary.skipped.items():
        example = summary.examples[reason][0]
        LOG.warning("window %d: %d rows skipped (%s), as %s", number, count, reason, example)


def _answers_of(model: str, items: Sequence[Item]) -> NDArray[np.int64]:
    """Index of the model's answer in each item; -1 where it has none."""
    found = [[answer.model for answer in item.answers] for item in items]
    return np.array([models.index(model) if model in models else -1 for models in found], np.int64)


def _known(value: Any) -> float | None:  # noqa: ANN401 - a numpy scalar
    return None if np.isnan(value) else float(value)
