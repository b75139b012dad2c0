"""The judge phase: what is missing is asked, journaled, and read as it comes back."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from judgefast.batches.requests import RequestMaker
from judgefast.codes import Status
from judgefast.datasets.rows import items_of, rows_around
from judgefast.engines.drive import Flight, drive
from judgefast.engines.source import FixedPlan
from judgefast.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from judgefast.config import RunConfig
    from judgefast.datasets.items import Item
    from judgefast.engines.base import Completion
    from judgefast.journal.run_directory import RunDirectory
    from judgefast.pipeline.judge import Judge
    from judgefast.pipeline.plan import RunPlan
    from judgefast.reports.progress import Progress
    from judgefast.stats.estimate import Estimate
    from judgefast.stopping import Stop
    from judgefast.verdicts.table import VerdictTable

FIRST_LOOK = 200
"""Judgments of a start after which the unreadable share is looked at."""

WATCHED = 1000
"""Judgments, the last ones, over which it is looked at from then on."""

UNREAD = 65_536
"""Places of items that are passed over together."""

EXAMPLES = 3
"""Unreadable completions that are shown when a run stops for them."""


class Unreadable:
    """Stops a run whose judgments cannot be read: each one costs money and says nothing."""

    def __init__(self, limit: float | None) -> None:
        """Watch for a share above `limit`; None to watch nothing."""
        self._limit = limit
        self._last: deque[bool] = deque(maxlen=WATCHED)
        self._bad = 0
        self._seen = 0
        self.total = 0
        """Unreadable judgments of this start."""
        self.examples: list[str] = []

    def add(self, status: NDArray[np.uint8], texts: Sequence[str]) -> None:
        """Count judgments of this start; `texts` is what came back for each."""
        for code, text in zip(status.tolist(), texts, strict=True):
            is_bad = code != Status.PARSED
            if len(self._last) == WATCHED:
                self._bad -= self._last[0]
            self._last.append(is_bad)
            self._bad += is_bad
            self.total += is_bad
            if is_bad and len(self.examples) < EXAMPLES:
                self.examples.append(f"{Status(code).label}: {text}")
        self._seen += len(status)

    @property
    def share(self) -> float:
        """Unreadable share of the last judgments."""
        return self._bad / len(self._last) if self._last else 0.0

    @property
    def is_too_high(self) -> bool:
        """Whether the run should stop."""
        return self._limit is not None and self._seen >= FIRST_LOOK and self.share > self._limit


class Work(NamedTuple):
    """What is to be asked, and where its answers are read into."""

    plan: RunPlan
    table: VerdictTable
    rows: NDArray[np.int64]
    """Rows of the plan, ascending."""
    texts: Path
    """Folder that holds `rows/` with texts."""


class Asked(NamedTuple):
    """How the judge phase went."""

    seconds: float
    in_flight_mean: float
    unreadable: Unreadable
    interrupted: bool
    lost: str | None
    """Why the engine was lost; None if it was not."""


def ask(  # noqa: PLR0913 - the parts of a run, most by keyword
    directory: RunDirectory,
    work: Work,
    *,
    judge: Judge,
    config: RunConfig,
    stop: Stop,
    progress: Progress,
    estimate: Callable[[], Estimate | None],
) -> Asked:
    """Ask some rows of the plan.

    Args:
        directory: Where completions go, before they are counted.
        work: What is to be asked; its verdicts are filled as completions come back.
        judge: Who judges; its engine has been started.
        config: The options of the run.
        stop: Looked at a few times a second.
        progress: Told what is done.
        estimate: The headline as far as it is known; called when it is shown.

    Returns:
        How it went. A lost engine is no error here: what came back before is judged.

    Raises:
        RunDirectoryError: The journal cannot be written.

    """
    plan, table = work.plan, work.table
    maker = RequestMaker(
        plan.columns,
        judge.prompts,
        judge=judge.name,
        rendered=judge.rendered,
        ids_hash=plan.rendered.ids_hash,
    )
    items = _items(work, stop)
    requests = maker.requests(items, work.rows, table.answers.attempts)
    source = FixedPlan(requests, total=len(work.rows), lanes=len(judge.engine.lanes))
    flight = Flight()
    unreadable = Unreadable(None if judge.engine.name == "replay" else config.max_unreadable)
    done = len(plan) - len(work.rows)
    counters = _Counters()
    started = time.monotonic()
    lost = None
    with stop.graceful():
        try:
            for completions in drive(
                judge.engine,
                source,
                flight=flight,
                request_seconds=config.request_seconds,
                stopping=lambda: stop.requested or unreadable.is_too_high,
            ):
                if not completions:
                    continue
                directory.journal.append(completions)
                status = table.add_live(completions, str(directory.launch))
                unreadable.add(status, [_said(each) for each in completions])
                counters.add(completions)
                done += len(completions)
                progress.update(
                    done,
                    prompt_tokens=counters.prompt,
                    cached_tokens=counters.cached,
                    completion_tokens=counters.completion,
                    unread=unreadable.total,
                    estimate=estimate,
                )
            if not stop.requested:
                directory.journal.flush()  # tells of what the engine gave that is no completion
        except EngineError as error:
            lost = str(error)
    return Asked(time.monotonic() - started, flight.mean, unreadable, stop.requested, lost)


def _items(work: Work, stop: Stop) -> Iterator[Sequence[Item]]:
    """All items, a batch at a time; those around which nothing is asked stay unread."""
    at = 0
    for base, batch in rows_around(work.texts, work.plan.columns.item[work.rows]):
        if stop.requested:
            return
        while at < base:  # nobody looks at what is not read
            at += len(unread := [None] * min(base - at, UNREAD))
            yield unread  # type: ignore[misc]
        yield items_of(batch)
        at += batch.num_rows


class _Counters:
    """Tokens of this start; None as long as the engine says nothing."""

    def __init__(self) -> None:
        self.prompt: int | None = None
        self.cached: int | None = None
        self.completion: int | None = None

    def add(self, completions: Sequence[Completion]) -> None:
        for completion in completions:
            if completion.prompt_tokens is not None:
                self.prompt = (self.prompt or 0) + completion.prompt_tokens
            if completion.cached_tokens is not None:
                self.cached = (self.cached or 0) + completion.cached_tokens
            if completion.completion_tokens is not None:
                self.completion = (self.completion or 0) + completion.completion_tokens


def _said(completion: Completion) -> str:
    return completion.text or completion.error or ""
