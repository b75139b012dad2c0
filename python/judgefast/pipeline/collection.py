"""How often Python looks for dead cycles of objects while runs go on.

A run makes objects by the million that die by themselves, without a cycle among them; looking for
cycles after every few hundred of them takes 3 us of each judgment and finds nothing.
"""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SELDOM = 50_000
"""Objects made and not yet freed after which the youngest are looked through; Python's own figure
is 700 to 2,000."""

_changing = threading.Lock()
_runs = 0
_before = 0


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look seldom until this ends, and the last of those that go on beside it.

    A process that never collects, or more seldom still, keeps its own figure.
    """
    _begin()
    try:
        yield
    finally:
        _end()


def _begin() -> None:
    global _runs, _before  # noqa: PLW0603 - the setting is the process's
    with _changing:
        _runs += 1
        if _runs == 1:
            _before = gc.get_threshold()[0]
            if 0 < _before < SELDOM:
                gc.set_threshold(SELDOM, *gc.get_threshold()[1:])


def _end() -> None:
    global _runs  # noqa: PLW0603 - as above
    with _changing:
        _runs -= 1
        # What somebody else has set meanwhile stays.
        if not _runs and 0 < _before < SELDOM and gc.get_threshold()[0] == SELDOM:
            gc.set_threshold(_before, *gc.get_threshold()[1:])
