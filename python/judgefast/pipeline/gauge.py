"""What an engine's processes and the whole machine spent of the CPU meanwhile, by the kernel."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from judgefast.engines.base import Engine

_PROC = Path("/proc")
_OF_PROCESS = slice(11, 13)
"""utime and stime in /proc/PID/stat, behind the name."""
_IDLE = (3, 4)
"""idle and iowait of the first line of /proc/stat."""
_STOLEN = 7


class CpuSpent(NamedTuple):
    """Between two readings."""

    wall: float
    """Seconds."""
    cpu: float | None
    """CPU seconds of the engine's processes; None where they cannot be read, or one has ended."""
    others: float | None
    """Share of the machine's CPU time that all but the engine and this process took."""
    stolen: float | None
    """Share of it that a hypervisor gave to other machines."""

    def facts(self) -> dict[str, float]:
        """For the record of a launch: what is known."""
        named = {
            "judge_wall_seconds": self.wall,
            "engine_cpu_seconds": self.cpu,
            "cpu_share_of_others": self.others,
            "cpu_share_stolen": self.stolen,
        }
        return {name: round(value, 4) for name, value in named.items() if value is not None}


class _Reading(NamedTuple):
    wall: float
    by_root: dict[int, float]
    """CPU seconds of each of the engine's processes with all that it has started."""
    own: float
    machine: tuple[float, float, float] | None
    """CPU seconds of the machine: all, idle, stolen."""


class Gauge:
    """Reads once now, and again at the end.

    Args:
        engine: It has started.

    """

    def __init__(self, engine: Engine) -> None:
        self._pids = pids_of(engine)
        self._begun = _read(self._pids)

    def spent(self) -> CpuSpent:
        """Since it was made."""
        before, after = self._begun, _read(self._pids)
        wall = after.wall - before.wall
        same = before.by_root.keys() == after.by_root.keys()
        cpu = None
        if same and self._pids:
            spent = [after.by_root[pid] - seconds for pid, seconds in before.by_root.items()]
            cpu = sum(spent) if min(spent) >= 0 else None
        others = stolen = None
        if before.machine is not None and after.machine is not None:
            every, idle, taken = (
                late - early for early, late in zip(before.machine, after.machine, strict=True)
            )
            if every > 0:
                ours = (cpu or 0.0) + after.own - before.own
                others = min(1.0, max(0.0, (every - idle - taken - ours) / every))
                stolen = taken / every
        return CpuSpent(wall, cpu, others, stolen)


def pids_of(engine: Engine) -> list[int]:
    """Processes of an engine on this machine; none where it has none, or they are elsewhere."""
    named = getattr(engine, "pids", None)
    if named is None:
        named = [getattr(engine, "pid", None)]
    return [int(pid) for pid in named if pid]


def _read(pids: Iterable[int]) -> _Reading:
    own = os.times()
    return _Reading(time.monotonic(), _by_root(list(pids)), own.user + own.system, _machine())


def _by_root(pids: list[int]) -> dict[int, float]:
    """CPU seconds of some processes, each with those that it has started and that still run."""
    if not pids or not _PROC.is_dir():
        return {}
    tick = os.sysconf("SC_CLK_TCK")
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for entry in os.scandir(_PROC):
        if not entry.name.isdigit():
            continue
        with suppress(OSError, ValueError, IndexError):  # it may end meanwhile
            fields = _fields(int(entry.name))
            parents[int(entry.name)] = int(fields[1])
            seconds[int(entry.name)] = sum(map(int, fields[_OF_PROCESS])) / tick
    sums = {pid: seconds[pid] for pid in pids if pid in seconds}
    for pid in seconds.keys() - sums.keys():
        above = parents.get(pid, 0)
        while above and above not in sums:
            above = parents.get(above, 0)
        if above:
            sums[above] += seconds[pid]
    return sums


def _fields(pid: int) -> list[str]:
    """Of /proc/PID/stat, behind the name, which may hold anything."""
    said = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    return said.rpartition(")")[2].split()


def _machine() -> tuple[float, float, float] | None:
    """CPU seconds of this machine since it began: all, idle, stolen."""
    try:
        first = (_PROC / "stat").read_text(encoding="ascii").partition("\n")[0]
        ticks = [int(field) for field in first.split()[1:9]]
    except (OSError, ValueError):
        return None
    if len(ticks) <= _STOLEN:
        return None
    tick = os.sysconf("SC_CLK_TCK")
    return sum(ticks) / tick, sum([ticks[at] for at in _IDLE]) / tick, ticks[_STOLEN] / tick
