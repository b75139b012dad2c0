"""Where requests come from while a run goes on: a two-way source.

Two-way, because what is asked next may depend on what came back: retries, a budget, an early stop,
a second order only where the first leaves a doubt. A fixed plan is its first implementation.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion
    from judgefast.engines.tail import Tail

LONGEST_HELD_GROUP = 4096
"""Requests of one prefix group that are held for its lane; a longer group may be split."""

MADE_AHEAD = 256
"""Requests that are made before the engine has room for them, so that it gets them at once."""

MADE_AT_ONCE = 8
"""So many, before completions are looked for again."""


class Source(Protocol):
    """Requests out, completions back."""

    def take(self, lane: int, n: int) -> list[Request]:
        """Hand out up to `n` requests for `lane`; fewer, or none, when it has no more for now."""
        ...

    def make_ahead(self) -> bool:
        """Do a little of what the next `take` will need, while there is nothing else to do.

        Returns:
            Whether something was done; false when there is nothing to do for now.

        """
        ...

    def give(self, completions: Sequence[Completion]) -> None:
        """Learn what came back. Called once for every completion, in the order of arrival."""
        ...

    def remaining(self, lane: int) -> int:
        """Count the requests that `take(lane, ...)` may still hand out; 0 once there are none."""
        ...

    def release(self, lane: int) -> None:
        """Let other lanes have what was kept for `lane`: it is gone. More than once is no harm."""
        ...


class _Ahead:
    """Requests, some of them made before they are taken; the last ones in an order of their own."""

    def __init__(self, requests: Iterable[Request], total: int, tail: Tail | None) -> None:
        self._requests = iter(requests)
        self._ready: deque[Request] = deque()
        self._left = total
        self._tail = tail

    def __iter__(self) -> Iterator[Request]:
        return self

    def __next__(self) -> Request:
        if self._tail is not None and self._left <= self._tail.size:
            self._arrange(self._tail)
        request = self._ready.popleft() if self._ready else next(self._requests)
        self._left -= 1
        return request

    def _arrange(self, tail: Tail) -> None:
        """Put what is left into its order.

        A run that is so short that nothing has come back by now keeps the order of the plan: its
        requests need not all be made before the first ones are sent.
        """
        self._tail = None
        if tail.knows:
            rest = [*self._ready, *self._requests]
            self._requests = iter(())
            self._ready = deque(tail.arranged(rest))

    def make(self) -> bool:
        """Make a few more, up to the limit; false if none was made."""
        if len(self._ready) >= self._limit:
            return False
        made = list(islice(self._requests, MADE_AT_ONCE))
        self._ready += made
        return bool(made)

    @property
    def _limit(self) -> int:
        """All of the tail is made before it is put into its order."""
        is_near = self._tail is not None and self._left <= self._tail.size + MADE_AHEAD
        return self._tail.size if self._tail is not None and is_near else MADE_AHEAD


class FixedPlan:
    """A plan handed out in its own order, each prefix group on one lane.

    An idle lane takes the next whole group, so that the group's shared prefix is computed by one
    replica only. With a single lane nothing is held back. Requests are made one by one as the
    engine takes them, and a few ahead while it works: memory is bounded by its room and
    `MADE_AHEAD`, whatever the plan's length. The last ones of all may be handed out in another
    order (`Tail`).
    """

    def __init__(
        self, requests: Iterable[Request], *, total: int, lanes: int = 1, tail: Tail | None = None
    ) -> None:
        """Take over `requests`, in plan order, of which there are `total`, for `lanes` lanes."""
        self._requests = _Ahead(requests, total, tail)
        self._tail = tail
        self._left = total
        self._lanes = lanes
        self._held: dict[int, deque[Request]] = {}
        self._released: deque[deque[Request]] = deque()
        """Rests of groups whose lane is gone."""
        self._next: Request | None = None

    def take(self, lane: int, n: int) -> list[Request]:
        """Hand out up to `n` requests for `lane`, in plan order within a group."""
        if self._lanes == 1:
            taken = list(islice(self._requests, n))
        else:
            taken = []
            held = self._held.setdefault(lane, deque())
            while len(taken) < n and (held or self._hold_next_group(held)):
                taken.append(held.popleft())
        if self._tail is not None:
            self._tail.sent(taken)
        self._left = self._left - len(taken) if taken or n == 0 else self._held_elsewhere(lane)
        return taken

    def make_ahead(self) -> bool:
        """Make a few requests that the engine will take next."""
        return self._requests.make()

    def give(self, completions: Sequence[Completion]) -> None:
        """Learn how long answers are; the plan is fixed but for its end."""
        if self._tail is not None:
            self._tail.came(completions)

    def remaining(self, lane: int) -> int:
        """Requests not handed out yet, less those held for other lanes."""
        return max(0, self._left - self._held_elsewhere(lane))

    def release(self, lane: int) -> None:
        """Let the next idle lane have the rest of the group that `lane` held."""
        if held := self._held.pop(lane, None):
            self._released.append(held)

    def _held_elsewhere(self, lane: int) -> int:
        return sum(len(held) for other, held in self._held.items() if other != lane)

    def _hold_next_group(self, held: deque[Request]) -> bool:
        if self._released:
            held += self._released.popleft()
            return True
        first = self._next or next(self._requests, None)
        self._next = None
        if first is None:
            return False
        held.append(first)
        for request in self._requests:
            if request.prefix_group != first.prefix_group or len(held) >= LONGEST_HELD_GROUP:
                self._next = request
                break
            held.append(request)
        return True
