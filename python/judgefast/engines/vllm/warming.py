"""What the process of a replica does before it is known what it will be asked."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CHUNK_BYTES = 8 << 20
_SPARE = 1.2
"""Memory that must be free, in sizes of the weights: what is read must not push out anything."""
_LOWEST = 19


def read_once(paths: Sequence[str]) -> None:
    """Read files in the background, so that they are in memory when they are wanted.

    At the lowest priority, and only where all of them fit into memory that nothing else uses; where
    it is not known what is free, nothing is read.
    """
    sizes = [size for path in paths if (size := _size(path))]
    free = free_bytes(_lines(Path("/proc/meminfo")), _cgroup())
    if sizes and free is not None and sum(sizes) * _SPARE <= free:
        threading.Thread(target=_read, args=(paths,), daemon=True).start()


def free_bytes(meminfo: Iterable[str], cgroup: tuple[int, int] | None) -> int | None:
    """Memory that files may fill.

    Args:
        meminfo: Lines of /proc/meminfo.
        cgroup: What this process's group may use and uses, in bytes; None where it has no limit.

    """
    for line in meminfo:
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            free = int(rest.split()[0]) * 1024
            return free if cgroup is None else min(free, cgroup[0] - cgroup[1])
    return None


def _read(paths: Sequence[str]) -> None:
    if sys.platform.startswith("linux"):
        with suppress(OSError):  # of this thread alone, on Linux
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST)
    buffer = bytearray(_CHUNK_BYTES)
    for path in paths:
        with suppress(OSError), Path(path).open("rb", buffering=0) as file:
            while file.readinto(buffer):
                pass


def _cgroup() -> tuple[int, int] | None:
    root = Path("/sys/fs/cgroup")
    for most, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        told = [*_lines(root / most), *_lines(root / used)]
        if len(told) == 2 and all(each.strip().isdigit() for each in told):  # noqa: PLR2004 - limit and use
            return int(told[0]), int(told[1])
    return None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _size(path: str) -> int:
    with suppress(OSError):
        return Path(path).stat().st_size
    return 0
