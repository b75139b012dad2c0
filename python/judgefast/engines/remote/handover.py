"""Completions on their way to the host, in groups: to wake it costs both threads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.engines.base import Completion

_LATEST_SECONDS = 0.01
"""Longest that a completion is held while there is enough to send."""


class HandOver:
    """Holds completions for a moment. Belongs to the loop's thread.

    Args:
        put: Takes completions, or the error that ends the engine.

    """

    def __init__(self, put: Callable[[list[Completion] | Exception], None]) -> None:
        self.put = put
        self._ready: list[Completion] = []
        self._timer: asyncio.TimerHandle | None = None
        self._is_soon = False

    def __len__(self) -> int:
        """Completions that are held: a crash would lose them."""
        return len(self._ready)

    def add(self, completions: list[Completion]) -> None:
        """Hand over with others, a little later."""
        if not self._ready and not self._is_soon:
            self._timer = asyncio.get_running_loop().call_later(_LATEST_SECONDS, self.flush)
        self._ready += completions

    def soon(self) -> None:
        """Hand over what is there in this turn of the loop: the host has to send more."""
        if self._ready and not self._is_soon:
            self._is_soon = True
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Hand over what is there."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._is_soon = None, False
        if self._ready:
            ready, self._ready = self._ready, []
            self.put(ready)
