"""Files that are whole or not there: what a crash or a power cut may leave of a write."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TEMPORARY = ".tmp"
"""Suffix of a file that is being written; one that is left behind means nothing."""

DAMAGED = ".damaged"
"""Suffix of a file that was set aside."""


def write_whole(path: Path, data: bytes) -> None:
    """Write `path` so that a crash leaves the old file or the new one, never a part."""
    temporary = path.with_name(path.name + TEMPORARY)
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    put_in_place(temporary, path)


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename a synced file to its name and make the name last."""
    temporary.replace(path)
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Wait until the bytes of a file that another library wrote are on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in `folder` are on the disk. Windows has no such call."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def set_aside(path: Path) -> None:
    """Take a damaged file out of the run, under a name that no pattern of the run matches."""
    put_in_place(path, path.with_name(path.name + DAMAGED))


def remove_temporaries(folder: Path) -> None:
    """Remove what writers that died have left half written. The caller holds the lock."""
    for path in folder.glob(f"*{TEMPORARY}"):
        path.unlink(missing_ok=True)
