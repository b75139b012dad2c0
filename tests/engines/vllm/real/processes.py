"""Which processes there are, by what Linux tells of each."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def descendants(pid: int) -> dict[int, str]:
    """Names of the processes that `pid` has started, and of theirs, by id."""
    found: dict[int, str] = {}
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").glob("*/children"):
            for child in thread.read_text().split():
                found[int(child)] = Path(f"/proc/{child}/comm").read_text().strip()
                found |= descendants(int(child))
    return found


def sessions_of(pid: int) -> set[int]:
    """Sessions of a process and of all that it has started."""
    return {session for each in (pid, *descendants(pid)) if (session := _session(each))}


def in_sessions(sessions: set[int]) -> list[int]:
    """Living processes of some sessions, which they keep whatever they call themselves."""
    pids = [int(path.name) for path in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if _session(pid) in sessions]


def _session(pid: int) -> int | None:
    """None of one that is dead, though nobody may have waited for it yet."""
    try:
        state, _, _, session = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
    except OSError:
        return None
    return None if state == "Z" else int(session)


def alive(pid: int) -> bool:
    """Whether a process runs: one that nobody has waited for yet does not."""
    return _session(pid) is not None


def none_within(seconds: float, look: Callable[[], list[int]]) -> bool:
    """Whether `look` finds nothing any more before time is up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not look():
            return True
        time.sleep(0.05)
    return False
