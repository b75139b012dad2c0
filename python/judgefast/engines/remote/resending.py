"""Prompts that are sent once more: at once, after a pause, in halves, and when it is enough."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic

from judgefast.engines.remote.jobs import J
from judgefast.engines.remote.retries import pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.engines.base import ErrorKind
    from judgefast.engines.remote.endpoints import Endpoint
    from judgefast.engines.remote.waiting import Waiting

_SUSPECT = 3
"""How often a prompt is put off before it goes alone: that may be its own fault."""
_LONGEST_PUT_OFF = 10.0


class Resending(Generic[J]):
    """What becomes of prompts whose answer was none. Belongs to the loop's thread.

    Args:
        waiting: The queue.
        most: How often a prompt is sent again.
        go_on: Called when there is more in the queue.
        give_up: Fails a request, with what kind of error and in which words.
        doubt: Asks a server whether it is the prompt that it has no room for; then the prompt is
            given up, in these words, or comes back.

    """

    def __init__(
        self,
        waiting: Waiting[J],
        *,
        most: int,
        go_on: Callable[[], None],
        give_up: Callable[[J, ErrorKind, str], None],
        doubt: Callable[[Endpoint, J, str], None],
    ) -> None:
        self._waiting, self._most = waiting, most
        self._go_on, self._give_up, self._doubt = go_on, give_up, doubt
        self._handles: dict[int, tuple[asyncio.TimerHandle, list[J]]] = {}
        self._number = 0
        self.count = 0
        """Requests that were sent again."""

    @property
    def pausing(self) -> list[list[J]]:
        """Those that are in no queue yet."""
        return [jobs for _, jobs in self._handles.values()]

    def close(self) -> None:
        """Send nothing any more."""
        for handle, _ in self._handles.values():
            handle.cancel()

    def at_once(self, jobs: list[J]) -> None:
        """Send next what never reached a server."""
        self.count += 1
        self._waiting.add_first(jobs)

    def halve(self, jobs: list[J], words: str) -> None:
        """Send each half by itself, at once; of one that is left alone the words are true."""
        if len(jobs) == 1:
            self._give_up(jobs[0], "engine_error", words)
            return
        self.count += 1
        middle = len(jobs) // 2
        self._waiting.add_first(jobs[middle:])
        self._waiting.add_first(jobs[:middle])

    def again(
        self,
        jobs: list[J],
        words: str,
        *,
        singly: bool = False,
        kind: ErrorKind = "engine_error",
    ) -> None:
        """Send once more after a pause: a list in halves or one by one, one until it is enough."""
        if len(jobs) == 1:
            job = jobs[0]
            job.tries += 1
            if job.tries > self._most:
                said = f"{words} ({job.tries} times)" if job.tries > 1 else words
                self._give_up(job, kind, said)
                return
            self._after(pause(job.tries), jobs)
            return
        size = 1 if singly else -(-len(jobs) // 2)
        for start in range(0, len(jobs), size):
            self._after(pause(1), jobs[start : start + size])

    def put_off(
        self, endpoint: Endpoint, jobs: list[J], words: str, wait: float | None, *, is_quota: bool
    ) -> None:
        """Send again later; one for which there is never room is given up where others pass.

        Args:
            endpoint: Who had no room.
            jobs: For them.
            words: What it said.
            wait: Seconds that it asks for, where it does.
            is_quota: It counts what we send, whatever that is: only where others have passed
                since, that counts against a prompt.

        """
        job = jobs[0]
        place, answered = job.seen
        have_passed = place == endpoint.place and endpoint.answered > answered
        job.put_off += have_passed or not is_quota
        job.seen = (endpoint.place, endpoint.answered)
        if job.put_off < _SUSPECT:
            self._waiting.add_first(jobs)
        elif len(jobs) > 1:
            for each in jobs:
                each.put_off, each.seen = job.put_off, job.seen
                self._waiting.add_first([each])
        elif job.put_off >= _SUSPECT * (self._most + 1):
            said = f"{words} ({job.put_off} times, and others are answered)"
            job.put_off = _SUSPECT
            self._doubt(endpoint, job, said)
        else:
            self._after(max(wait or 0.0, min(_LONGEST_PUT_OFF, pause(job.put_off))), jobs)

    def _after(self, seconds: float, jobs: list[J]) -> None:
        self.count += 1
        self._number += 1
        number = self._number

        def go_on() -> None:
            del self._handles[number]
            self._waiting.add_first(jobs)
            self._go_on()

        handle = asyncio.get_running_loop().call_later(seconds, go_on)
        self._handles[number] = (handle, jobs)
