"""Requests that take too long, sent to a second server as well: the first answer counts.

Off unless it is asked for: it makes busy servers busier. It helps where one of several servers now
and then hangs, for the run waits for its last answer.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from judgefast.engines.http.asked import AskedPrompts
    from judgefast.engines.http.options import HttpOptions
    from judgefast.engines.remote.endpoints import Endpoint

MOST_SHARE = 0.05
"""Of all prompts that were sent, those that may be sent twice."""

_KNOWN = 256
"""Answers, the last ones, that say how long one takes."""
_LEAST_KNOWN = 20
_RANK = 0.95
_LONGEST_LOOK, _SHORTEST_LOOK = 0.25, 0.01
"""Seconds between two looks at what is on its way."""


class Hedges:
    """Doubles requests of one sender, in the loop's thread.

    Args:
        options: The settings.
        endpoints: The servers.
        asked: What is on its way, in the order sent.
        send: Sends a request to another server as well.

    """

    def __init__(
        self,
        options: HttpOptions,
        endpoints: Sequence[Endpoint],
        asked: Mapping[int, AskedPrompts],
        send: Callable[[AskedPrompts, Endpoint], None],
    ) -> None:
        self._endpoints, self._asked, self._send = endpoints, asked, send
        self._fixed = options.hedge_seconds
        self.is_on = options.is_hedged
        self.doubled = 0
        """Prompts that were sent to a second server."""
        self._sent = 0
        self._seconds: deque[float] = deque(maxlen=_KNOWN)
        self._timer: asyncio.TimerHandle | None = None

    def sent(self, prompts: int) -> None:
        """Note a request for so many prompts, and have an eye on it."""
        self._sent += prompts
        if self.is_on and self._timer is None:
            self._wait()

    def answered(self, seconds: float) -> None:
        """Note what an answer took."""
        if self.is_on:
            self._seconds.append(seconds)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
        self.is_on = False

    @property
    def limit(self) -> float | None:
        """Seconds after which a request takes too long; None as long as that is not known."""
        if self._fixed is not None:
            return self._fixed
        if len(self._seconds) < _LEAST_KNOWN:
            return None
        return sorted(self._seconds)[int(_RANK * len(self._seconds))]

    def _wait(self) -> None:
        seconds = min(_LONGEST_LOOK, max(_SHORTEST_LOOK, (self.limit or 1.0) / 4))
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        if not self.is_on or not self._asked:
            return
        limit, now = self.limit, time.monotonic()
        for asked in [] if limit is None else list(self._asked.values()):
            if now - asked.started < (limit or 0.0):
                break  # those behind it are younger
            count = sum(not job.is_settled for job in asked.jobs)
            is_in_share = self.doubled + count <= MOST_SHARE * self._sent
            if count and is_in_share and asked.twin is None and (other := self._other(asked, now)):
                self.doubled += count
                self._send(asked, other)
        self._wait()

    def _other(self, asked: AskedPrompts, now: float) -> Endpoint | None:
        """The server with the most room beside the one that has it."""
        rooms = [
            (endpoint.room(now), -endpoint.place, endpoint)
            for endpoint in self._endpoints
            if endpoint is not asked.endpoint and endpoint.room(now) >= len(asked.jobs)
        ]
        return max(rooms)[2] if rooms else None
