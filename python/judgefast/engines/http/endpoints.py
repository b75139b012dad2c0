"""Servers of one judge: how many prompts each has, whether it is there, when it is asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.engines.http.retries import pause

if TYPE_CHECKING:
    from judgefast.engines.http.windows import Window

_FAILURES = 3
"""Replies in a row that were none, after which a server is taken to be away."""


class Endpoint:
    """One server."""

    def __init__(self, place: int, root: str, window: Window) -> None:
        self.place, self.root, self.window = place, root, window
        self.in_flight = 0
        """Prompts that it has."""
        self.paused_until = 0.0
        """Monotonic; it has asked for so much time."""
        self.away_since: float | None = None
        """Monotonic; None while it is there."""
        self.answered = 0
        """Prompts that it has answered."""
        self.troubled_since: float | None = None
        """Monotonic; of the first failure after its last answer."""
        self.went_away = 0
        """How often it did."""
        self._failures = 0
        self._busy = 0

    @property
    def is_up(self) -> bool:
        """Whether it is asked at all."""
        return self.away_since is None

    @property
    def failing_since(self) -> float | None:
        """Monotonic; None for one that answers, or that computes: it may yet."""
        return None if self.is_up and self.in_flight else self.troubled_since

    def room(self, now: float) -> int:
        """Prompts that it may be given now."""
        if not self.is_up or now < self.paused_until:
            return 0
        return self.window.size - self.in_flight

    def worked(self, count: int, seconds: float, now: float) -> None:
        """Note an answer to `count` prompts."""
        self._failures = self._busy = 0
        self.troubled_since = None
        self.answered += count
        self.window.done(count, seconds, now)

    def is_busy(self, seconds: float | None, now: float) -> None:
        """Note that it has no room; `seconds` are what it asks for, where it says so.

        All that was on its way comes back so: it counts once.
        """
        if now >= self.paused_until:
            self._busy += 1
        wait = pause(self._busy) if seconds is None else seconds
        self.window.pushed_back(now)
        self.paused_until = max(self.paused_until, now + wait)

    def trouble(self, now: float) -> None:
        """Note that it is there and does not work."""
        if self.troubled_since is None:
            self.troubled_since = now

    def failed(self, now: float, *, is_gone: bool) -> bool:
        """Note that no answer came.

        Args:
            now: Monotonic seconds.
            is_gone: Nothing is there to connect to.

        Returns:
            Whether it is away from now on; its return has to be noticed.

        """
        self._failures += 1
        self.trouble(now)
        if not self.is_up or (not is_gone and self._failures < _FAILURES):
            return False
        self.away_since = now
        self.went_away += 1
        return True

    def returned(self) -> None:
        """Note that it is there again."""
        self.away_since = None
        self._failures = _FAILURES - 1  # on probation: the next failure counts
