"""Which processes there are, by what Linux tells of each."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MARK = "JUDGEFAST_TEST_MARK"
"""A variable of the environment that every process of a test's command has from it."""


def descendants(pid: int) -> dict[int, str]:
    """Names of the processes that `pid` has started, and of theirs, by id."""
    found: dict[int, str] = {}
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found[int(child)] = Path(f"/proc/{child}/comm").read_text().strip()
            found |= descendants(int(child))
    return found


def marked(mark: str) -> list[int]:
    """Processes with this mark; those that are dead and not yet waited for have none."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if wanted in path.read_bytes().split(b"\0"):
                found.append(int(path.parent.name))
    return found


def in_session_of(pid: int) -> list[int]:
    """Living processes of the session that `pid` leads."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, session = path.read_text().rpartition(")")[2].split()[:4]
            if int(session) == pid and state != "Z":
                found.append(int(path.parent.name))
    return found


def none_within(seconds: float, look: Callable[[], list[int]]) -> bool:
    """Whether `look` finds nothing any more before time is up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not look():
            return True
        time.sleep(0.05)
    return False
