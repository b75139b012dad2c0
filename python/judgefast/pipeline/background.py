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
    work; an error of it is raised by the next call.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        """Do nothing before the first call."""
        self._work = work
        self._thread: threading.Thread | None = None
        self._last: T | None = None
        self._error: Exception | None = None

    def __call__(self) -> T | None:
        """What is known; None before there is anything."""
        if self._error is not None:
            raise self._error
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="judgefast-figure", daemon=True)
            self._thread.start()
        return self._last

    def _run(self) -> None:
        try:
            self._last = self._work()
        except Exception as error:  # noqa: BLE001 - raised in the caller
            self._error = error
