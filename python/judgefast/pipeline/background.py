"""A figure that takes long to work out, kept up to date beside the work."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Background(Generic[T]):
    """Calls a function in a thread of its own and hands out what it last gave.

    Whoever calls never waits: an engine would stand still meanwhile. At most one thread is at
    work. A figure that cannot be worked out is none, and is not tried again: the work goes on.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        """Do nothing before the first call."""
        self._work = work
        self._thread: threading.Thread | None = None
        self._last: T | None = None
        self._is_closed = False
        self.error: BaseException | None = None
        """Why there is no figure, where the function failed."""

    def __call__(self) -> T | None:
        """What is known; None before there is anything."""
        if not self._is_closed and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._run, name="judgefast-figure", daemon=True)
            self._thread.start()
        return self._last

    def close(self) -> None:
        """Begin no more, and wait for what was begun. Safe to call twice."""
        self._is_closed = True
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._last = self._work()
        except BaseException as error:  # noqa: BLE001 - a figure beside the work never ends it
            self._last, self._is_closed, self.error = None, True, error
