"""What the processes that die and the tests that look at what they left have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tests.pipeline.judging import pairs
from tests.pipeline.logged_engine import LoggedEngine

if TYPE_CHECKING:
    from pathlib import Path

ACKNOWLEDGED = "acknowledged"
"""File with the number behind the last completion that was acknowledged."""
FIRST = 100
"""Number of the first completion of the process that dies."""
PLANNED = 3
"""Parts of the plan."""
ITEMS = 20
"""Of a run from start to report: it has twice as many requests."""
ROOM = 4
"""Requests in flight."""
WAITING = 2
"""Completions that may wait for the journal's thread in a process that dies."""
MOST_TWICE = ROOM + WAITING
"""Requests that one death may make to be served again."""


def plan_part(number: int) -> pa.Table:
    return pa.table({"number": [number, number + 10]})


def rows_of(items: int) -> list[dict[str, Any]]:
    return pairs(items)


def engine_of(folder: Path) -> LoggedEngine:
    return LoggedEngine(log=str(folder / "log"), room=ROOM)
