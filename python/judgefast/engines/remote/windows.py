"""How many prompts a server is given at a time: learnt from its speed, and from its refusals."""

from __future__ import annotations

_EPOCH_SECONDS = 0.25
"""Shortest time over which a speed is measured."""
_GAIN = 1.05
"""A wider window has to be faster by so much, or it only adds waiting."""
_WIDER = 1.5
_HELD_EPOCHS = 12
"""After so many epochs without a change a wider window is tried again: load changes."""


class Window:
    """Grows while more at a time is faster, and is halved when the server has no room.

    A server that queues answers at the same rate whatever it is given: then a wider window makes
    every answer later and none earlier, and the window goes back.

    Args:
        start: Prompts at first.
        most: Prompts at most.
        step: What it grows by once the server has pushed back.
        now: Monotonic seconds.

    """

    def __init__(self, *, start: int, most: int, step: int, now: float) -> None:
        self.size = min(start, most)
        """Prompts that may be at the server."""
        self._most, self._step = most, step
        self._since, self._count = now, 0
        self._before: tuple[int, float] | None = None
        """Size and speed before the last growth."""
        self._was_full = False
        self._held = 0
        self._is_careful = False
        self._last_cut = -1e9
        self._seconds = 0.0
        """Smoothed seconds of an answer."""

    def full(self) -> None:
        """Note that it was the window that kept prompts waiting."""
        self._was_full = True

    def done(self, count: int, seconds: float, now: float) -> None:
        """Note that `count` prompts were answered together after `seconds`."""
        self._seconds += 0.2 * (seconds - self._seconds)
        self._count += count
        if self._count < self.size or now - self._since < _EPOCH_SECONDS:
            return
        speed = self._count / (now - self._since)
        was_full, self._was_full = self._was_full, False
        self._since, self._count = now, 0
        if was_full:
            self._adapt(speed)

    def pushed_back(self, now: float) -> None:
        """Note that the server had no room: half, but once for all that was on its way."""
        if now - self._last_cut < max(self._seconds, _EPOCH_SECONDS):
            return
        self.size = max(1, self.size // 2)
        self._last_cut, self._is_careful = now, True
        self._since, self._count, self._before, self._held = now, 0, None, 0

    def _adapt(self, speed: float) -> None:
        if self._before is not None:
            size, before = self._before
            self._before = None
            if speed < before * _GAIN:
                self.size, self._held = size, _HELD_EPOCHS
                return
        if self._held > 0:
            self._held -= 1
            return
        wider = self.size + self._step if self._is_careful else int(self.size * _WIDER) + 1
        if (wider := min(self._most, wider)) > self.size:
            self._before = (self.size, speed)
            self.size = wider
