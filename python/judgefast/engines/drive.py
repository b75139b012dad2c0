"""The loop that keeps an engine busy: a bounded window in flight, no barrier between batches."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from judgefast.engines.base import Completion
from judgefast.engines.surrogates import without_surrogates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from judgefast.engines.base import Engine
    from judgefast.engines.source import Source

COLLECT_SECONDS = 0.2
"""Longest wait for a completion before the loop looks at deadlines and at `stop` again."""

IDLE_SECONDS = 0.01
"""Pause while nothing is in flight and the source has nothing yet: it waits for the clock."""

SENT_AT_ONCE = 32
"""Requests of one call of `submit`: the first ones are at work while the next are taken."""

CANCEL_GRACE_SECONDS = 5.0
"""How long a cancelled request may take to come back before it is given up without the engine."""


class Flight:
    """What is in flight, by request: its lane, when it was sent, whether it was cancelled."""

    def __init__(self) -> None:
        self._flying: dict[bytes, tuple[int, int, float]] = {}
        self._cancelled: dict[bytes, tuple[int, int, float]] = {}
        self._by_lane: dict[int, int] = {}
        self._requests_seconds = 0.0
        self._busy_seconds = 0.0
        self._last = time.monotonic()
        self.first_sent: float | None = None
        """Monotonic time at which the first request was submitted."""

    def __len__(self) -> int:
        """Requests the engine still owes an answer."""
        return len(self._flying) + len(self._cancelled)

    @property
    def mean(self) -> float:
        """Mean requests in flight over the time in which there was at least one."""
        return self._requests_seconds / self._busy_seconds if self._busy_seconds else 0.0

    def on(self, lane: int) -> int:
        """Requests in flight on one lane."""
        return self._by_lane.get(lane, 0)

    def gone(self, lanes: set[int]) -> set[int]:
        """Lanes that requests were submitted to and that are not among `lanes` any more."""
        return self._by_lane.keys() - lanes

    def sent(self, lane: int, requests: Sequence[tuple[bytes, int]]) -> None:
        """Note `(request_id, attempt)` pairs that were just submitted to `lane`."""
        self._tick()
        now = time.monotonic()
        self.first_sent = self.first_sent or now
        self._by_lane[lane] = self.on(lane) + len(requests)
        for request_id, attempt in requests:
            self._flying[request_id] = (lane, attempt, now)

    def came_back(self, completions: list[Completion]) -> list[Completion]:
        """Take completions off the list; those nobody waits for any more are dropped."""
        self._tick()
        known = []
        for completion in completions:
            entry = self._flying.pop(completion.request_id, None)
            if entry is None:
                entry = self._cancelled.pop(completion.request_id, None)
                if entry is not None and completion.finish_reason == "cancelled":
                    completion = _timed_out(completion.request_id, *entry)  # noqa: PLW2901 - from here on it is this one
            if entry is None:
                continue
            self._by_lane[entry[0]] -= 1
            known.append(without_surrogates(completion))
        return known

    def overdue(self, seconds: float) -> list[bytes]:
        """Move requests older than `seconds` to the cancelled ones and name them."""
        before = time.monotonic() - seconds
        ids = []
        for request_id, entry in self._flying.items():  # in the order sent: the oldest come first
            if entry[2] > before:
                break
            ids.append(request_id)
        now = time.monotonic()
        for request_id in ids:
            lane, attempt, _ = self._flying.pop(request_id)
            self._cancelled[request_id] = (lane, attempt, now)
        return ids

    def given_up(self) -> list[Completion]:
        """Completions for cancelled requests that the engine never brought back."""
        before = time.monotonic() - CANCEL_GRACE_SECONDS
        lost = [key for key, entry in self._cancelled.items() if entry[2] <= before]
        made = [_timed_out(request_id, *self._cancelled.pop(request_id)) for request_id in lost]
        for completion in made:
            self._by_lane[completion.lane] -= 1
        return made

    def _tick(self) -> None:
        now = time.monotonic()
        if len(self):
            self._requests_seconds += len(self) * (now - self._last)
            self._busy_seconds += now - self._last
        self._last = now


def drive(  # noqa: PLR0913 - the parts of the loop, most by keyword
    engine: Engine,
    source: Source,
    *,
    flight: Flight,
    request_seconds: float,
    stopping: Callable[[], bool],
    keep: Callable[[list[Completion]], None] | None = None,
) -> Iterator[list[Completion]]:
    """Keep every lane of `engine` full from `source` and yield completions as they finish.

    An empty list comes now and then while nothing has finished, so that whoever reads this can look
    after what waits for the clock.

    A slow request delays itself alone. What comes back has been paid for: `keep` gets it before
    anything else is done that may fail or end the process, and before anything more is sent. Then
    its places are filled, and only then is it handed on, so that the host works on it while the
    engine goes on. Memory is bounded by the lanes' room, whatever `source` holds. A request without
    an answer after `request_seconds` is cancelled and comes back with `error_kind="timeout"`. Once
    `stopping()` is true nothing more is sent and the loop ends with what is in flight abandoned.
    """
    was_idle = False
    waiting = not stopping() and _fill(engine, source, flight)
    while not stopping():
        if not len(flight):
            if not waiting:
                return
            if was_idle:
                time.sleep(IDLE_SECONDS)
            was_idle = True
            yield []  # a source may wait for whoever reads this to make room
            waiting = _fill(engine, source, flight)
            continue
        was_idle = False
        wait = 0.0 if source.make_ahead() else COLLECT_SECONDS
        done = flight.came_back(engine.collect(timeout_seconds=wait)) + flight.given_up()
        if done and keep is not None:
            keep(done)
        try:
            if overdue := flight.overdue(request_seconds):
                engine.cancel(overdue)
            if done:
                source.give(done)
            waiting = not stopping() and _fill(engine, source, flight)
        except Exception:  # raised again
            yield done  # what was collected stays valid
            raise
        yield done


def _fill(engine: Engine, source: Source, flight: Flight) -> bool:
    """Give every lane what it has room for; whether the source may have more later."""
    waiting = False
    lanes = engine.lanes
    for gone in flight.gone({lane.lane for lane in lanes}):
        source.release(gone)
    for lane in lanes:
        while (room := lane.room - flight.on(lane.lane)) > 0:
            more = source.take(lane.lane, min(room, SENT_AT_ONCE))
            if not more:
                break
            flight.sent(lane.lane, [(request.request_id, request.attempt) for request in more])
            engine.submit(lane.lane, more)
        waiting = waiting or source.remaining(lane.lane) > 0
    return waiting


def _timed_out(request_id: bytes, lane: int, attempt: int, cancelled: float) -> Completion:
    del cancelled
    return Completion(
        request_id=request_id,
        attempt=attempt,
        lane=lane,
        text="",
        finish_reason="error",
        error_kind="timeout",
        error="no answer before the deadline of a request; it was cancelled",
    )
