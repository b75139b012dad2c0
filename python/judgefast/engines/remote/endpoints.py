"""Servers of one judge: how many prompts each has, whether it is there, when it is asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.engines.remote.retries import pause
from judgefast.engines.remote.windows import Window

if TYPE_CHECKING:
    from judgefast.engines.remote.options import RemoteOptions

_FAILURES = 3
"""Replies in a row that were none, after which a server is taken to be away."""


class Endpoint:
    """One server."""

    def __init__(self, place: int, root: str, window: Window, *, now: float = 0.0) -> None:
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
        self.is_known = True
        """It was seen to be a server of the judge: one that was away at the start is not yet."""
        self.is_left_out = False
        """It is another judge's, or can do less: it is never asked."""
        self.has_failed_again = False
        """It was asked whether it is there again, and was not."""
        self.has_hung = False
        """What it was sent was not answered in time, and nothing else since."""
        self.is_full = False
        """Its last word was that it has no room."""
        self._answered_at = now
        self._paused_at = now
        self._failures = 0
        self._busy = 0

    @property
    def is_up(self) -> bool:
        """Whether it is asked at all."""
        return self.away_since is None

    def silent_seconds(self, now: float) -> float:
        """How long it has only failed; 0 for one that answers."""
        return 0.0 if self.troubled_since is None else now - self.troubled_since

    @property
    def is_doubtful(self) -> bool:
        """Whether only a question can show if it is the server that fails, or what it is sent."""
        return self.is_up and (self.has_hung or not (self.is_full or self.in_flight))

    def may_yet_answer(self, now: float, patience: float) -> bool:
        """Whether its last word is not spoken: it computes, or has asked for time in time."""
        if not self.is_up:
            return not self.has_failed_again
        if self.in_flight:
            return True
        begun = self._paused_at - (self.troubled_since or 0.0)
        return now < self.paused_until and begun < patience

    def room(self, now: float) -> int:
        """Prompts that it may be given now."""
        if not self.is_up or now < self.paused_until:
            return 0
        return self.window.size - self.in_flight

    def worked(self, count: int, seconds: float, now: float) -> None:
        """Note an answer to `count` prompts."""
        self._busy = 0
        self.spoke(now)
        self.answered += count
        self.window.done(count, seconds, now)

    def spoke(self, now: float) -> None:
        """Note a reply that shows that it works, if only a refusal."""
        self._failures = 0
        self.troubled_since = None
        self.has_hung = self.is_full = False
        self._answered_at = now

    def is_busy(self, seconds: float | None, now: float) -> None:
        """Note that it has no room; `seconds` are what it asks for at least, where it says so.

        All that was on its way comes back so: it counts once.
        """
        if now >= self.paused_until:
            self._busy += 1
            self._paused_at = now
        wait = max(seconds or 0.0, pause(self._busy))
        self.is_full = True
        self.window.pushed_back(now)
        self.paused_until = max(self.paused_until, now + wait)

    def trouble(self, now: float, *, waited_since: float | None = None) -> None:
        """Note that it does not work.

        Args:
            now: Monotonic seconds.
            waited_since: Nothing came for what was sent then: it has been silent for so long.

        """
        self.has_hung |= waited_since is not None and waited_since >= self._answered_at
        begun = now if waited_since is None else max(waited_since, self._answered_at)
        if self.troubled_since is None or begun < self.troubled_since:
            self.troubled_since = begun

    def failed(
        self, now: float, *, is_gone: bool = False, waited_since: float | None = None
    ) -> bool:
        """Note that no answer came.

        Args:
            now: Monotonic seconds.
            is_gone: Nothing is there to connect to.
            waited_since: As for `trouble`.

        Returns:
            Whether it is away from now on; its return has to be noticed.

        """
        self._failures += 1
        self.is_full = False
        self.trouble(now, waited_since=waited_since)
        return (is_gone or self._failures >= _FAILURES) and self.leave(now)

    def leave(self, now: float) -> bool:
        """Take it to be away; whether it was not before."""
        if not self.is_up:
            return False
        self.away_since = now
        self.has_failed_again = False
        self.went_away += 1
        return True

    def returned(self, now: float) -> None:
        """Note that it is there again and answers."""
        self.spoke(now)
        self.away_since = None
        self._failures = _FAILURES - 1  # on probation: the next failure counts


def endpoints_of(options: RemoteOptions, *, step: int, now: float) -> list[Endpoint]:
    """The servers of an engine, of which nothing is learnt yet.

    Args:
        options: The settings.
        step: What a window grows by once its server has pushed back.
        now: Monotonic seconds.

    """
    found = []
    for place, root in enumerate(options.base_urls):
        start, most = options.start_concurrency, options.concurrency
        window = Window(start=start, most=most, step=step, now=now)
        found.append(Endpoint(place, root, window, now=now))
    return found
