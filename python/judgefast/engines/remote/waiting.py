"""Requests that wait for a server: one queue for all, in which each group has its server."""

from __future__ import annotations

from collections import OrderedDict, deque
from itertools import chain
from typing import TYPE_CHECKING, Generic

from judgefast.engines.remote.jobs import J

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from judgefast.engines.remote.jobs import Job


class Waiting(Generic[J]):
    """Hands out prompts that share their head together, to one server where it can.

    A server goes on with its own group, then takes one that nobody has, then what is left of
    another's: no server is idle while anything waits.
    """

    def __init__(self, *, servers: int) -> None:
        """Hold nothing yet; with one server there is nothing to keep together but the order."""
        self._is_one = servers == 1
        self._first: deque[list[J]] = deque()
        self._groups: OrderedDict[int, deque[J]] = OrderedDict()
        self._owner: dict[int, int] = {}
        self._own: dict[int, int] = {}
        self._count = 0

    def __len__(self) -> int:
        """Requests that wait, those among them that were given up."""
        return self._count

    def __iter__(self) -> Iterator[J]:
        """All that wait."""
        yield from chain.from_iterable(self._first)
        yield from chain.from_iterable(self._groups.values())

    def add(self, jobs: Iterable[J]) -> None:
        """Let requests wait behind the others."""
        for job in jobs:
            number = 0 if self._is_one else job.request.prefix_group
            group = self._groups.get(number)
            if group is None:
                group = self._groups[number] = deque()
            group.append(job)
            self._count += 1

    def add_first(self, jobs: list[J]) -> None:
        """Let requests go next, together and with no others."""
        self._first.append(jobs)
        self._count += len(jobs)

    def take(self, place: int, most: Callable[[J], int]) -> list[J]:
        """What the server at `place` is sent next; empty where nothing waits.

        Args:
            place: The server's number.
            most: Requests that may go together with a first one.

        """
        while self._first:
            jobs = self._first.popleft()
            self._count -= len(jobs)
            if jobs := [job for job in jobs if not job.is_settled]:
                return jobs
        taken: list[J] = []
        room = 1
        while len(taken) < room and (number := self._next_group(place)) is not None:
            group = self._groups[number]
            while group and len(taken) < room:
                job = group[0]
                if taken and not _alike(job, taken[0]):
                    return taken
                group.popleft()
                self._count -= 1
                if job.is_settled:
                    continue
                if not taken:
                    room = most(job)
                taken.append(job)
            if not group:
                del self._groups[number]
                self._own.pop(self._owner.pop(number, -1), None)
        return taken

    def _next_group(self, place: int) -> int | None:
        own = self._own.get(place)
        if own is not None and own in self._groups:
            return own
        free = next((number for number in self._groups if number not in self._owner), None)
        if free is None:  # all that is left belongs to others
            return max(self._groups, key=lambda number: len(self._groups[number]), default=None)
        self._owner[free] = place
        self._own[place] = free
        return free


def _alike(one: Job, other: Job) -> bool:
    """Whether two prompts may go together: most runs have one decoding, the same object."""
    mine, theirs = one.decoding, other.decoding
    return mine is theirs or mine == theirs
