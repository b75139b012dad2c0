"""A source that asks the second order of a comparison only where the first leaves it open.

The plan holds both orders. A second one that the plan hands out before its first has come back is
set aside, its prompt made already, and is asked or dropped by what the first says. So no more is
held than what is in flight, and the seconds that the plan puts before their firsts.
"""

from __future__ import annotations

from collections import deque
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion
    from judgefast.engines.source import Source


class First(IntEnum):
    """What is known of a first order in this start."""

    UNKNOWN = 0
    """Nothing has come back."""
    CLOSED = 1
    """It was read, and is sure enough."""
    OPEN = 2
    """It is not sure enough, could not be read, or has failed."""
    LOST = 3
    """It was given up on without an answer: another start asks it again."""


class Firsts(Protocol):
    """Which requests wait for which, known from the plan; a request is known by its row."""

    rows: int
    """Of the plan."""

    def waited_for(self, requests: Sequence[Request]) -> list[tuple[int, ...]]:
        """Rows of the firsts that each request waits for; none for what is asked whatever comes."""
        ...

    def came(self, completions: Sequence[Completion]) -> list[tuple[int, First]]:
        """What came back of those that something may wait for, by row."""
        ...


class Reserve(Protocol):
    """Who has reckoned with what is set aside: a budget."""

    def set_aside(self, request: Request) -> None:
        """It was handed out, and is not sent yet."""
        ...

    def taken_up(self, request: Request) -> None:
        """It is sent after all."""
        ...

    def dropped(self, request: Request) -> None:
        """It is not sent: what it would have cost is free again."""
        ...


class _Aside(NamedTuple):
    lane: int | None
    """None once the lane that it was kept for is gone."""
    request: Request
    firsts: tuple[int, ...]


class Adaptive:
    """Another source's requests, second orders only where they are needed."""

    def __init__(self, source: Source, firsts: Firsts, reserve: Reserve | None = None) -> None:
        """Stand between a source and the engine.

        Args:
            source: Both orders of every comparison.
            firsts: Which of its requests wait.
            reserve: Told what becomes of those.

        """
        self._source = source
        self._firsts = firsts
        self._reserve = reserve
        self._said = bytearray(firsts.rows)
        """`First` of each row of the plan."""
        self._aside: dict[bytes, _Aside] = {}
        self._waiting: dict[int, list[bytes]] = {}
        """Ids of what waits for each first."""
        self._ready: dict[int | None, deque[Request]] = {None: deque()}
        """What was set aside and is needed, by lane; under None what any lane may have."""
        self._flying = 0
        self.decided = 0
        """Judgments that were dropped: their first orders have decided."""

    def take(self, lane: int, n: int) -> list[Request]:
        """Hand out what has become needed, then what the source has."""
        taken: list[Request] = []
        for ready in (self._ready.get(lane), self._ready[None]):
            while ready and len(taken) < n:
                taken.append(self._taken_up(ready.popleft()))
        while len(taken) < n and (more := self._source.take(lane, n - len(taken))):
            for request, firsts in zip(more, self._firsts.waited_for(more), strict=True):
                said = self._said_of(firsts)
                if said is First.OPEN:
                    taken.append(request)
                    continue
                if self._reserve is not None:
                    self._reserve.set_aside(request)
                if said is First.UNKNOWN:
                    self._set_aside(_Aside(lane, request, firsts))
                else:
                    self._drop(request, said)
        self._flying += len(taken)
        return taken

    def make_ahead(self) -> bool:
        """Let the source make requests."""
        return self._source.make_ahead()

    def give(self, completions: Sequence[Completion]) -> None:
        """Learn what came back, and settle what has waited for it."""
        self._flying -= len(completions)
        self._source.give(completions)
        for row, first in self._firsts.came(completions):
            self._said[row] = first
            for request_id in self._waiting.pop(row, ()):
                if request_id in self._aside:
                    self._settle(request_id)

    def remaining(self, lane: int) -> int:
        """Requests that may still be handed out: none that waits for what nobody has asked."""
        left = self._source.remaining(lane) + len(self._ready[None])
        left += len(self._ready.get(lane, ()))
        return left + (len(self._aside) if self._flying else 0)

    def release(self, lane: int) -> None:
        """Let other lanes have what was kept for `lane`."""
        self._ready[None] += self._ready.pop(lane, ())
        for request_id, aside in self._aside.items():
            if aside.lane == lane:
                self._aside[request_id] = aside._replace(lane=None)
        self._source.release(lane)

    def _said_of(self, firsts: Sequence[int]) -> First:
        """What several firsts say together; what waits for none is asked."""
        said = {self._said[row] for row in firsts}
        for first in (First.OPEN, First.UNKNOWN, First.LOST):
            if first in said:
                return first
        return First.CLOSED if said else First.OPEN

    def _set_aside(self, aside: _Aside) -> None:
        request_id = aside.request.request_id
        self._aside[request_id] = aside
        for row in aside.firsts:
            if self._said[row] == First.UNKNOWN:
                self._waiting.setdefault(row, []).append(request_id)

    def _settle(self, request_id: bytes) -> None:
        """Look again at what was set aside, now that one more of its firsts has come back."""
        lane, request, firsts = self._aside[request_id]
        said = self._said_of(firsts)
        if said is First.UNKNOWN:
            return
        del self._aside[request_id]
        if said is First.OPEN:
            self._ready.setdefault(lane, deque()).append(request)
        else:
            self._drop(request, said)

    def _drop(self, request: Request, said: First) -> None:
        if said is First.CLOSED:
            self.decided += len(request.keys)
        if self._reserve is not None:
            self._reserve.dropped(request)

    def _taken_up(self, request: Request) -> Request:
        if self._reserve is not None:
            self._reserve.taken_up(request)
        return replace(request, next_ids=None)  # what was planned to follow it no longer does
