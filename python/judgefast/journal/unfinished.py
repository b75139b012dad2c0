"""What a start that died before its manifest was written leaves behind."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from judgefast.errors import RunDirectoryError
from judgefast.journal.files import TEMPORARY
from judgefast.journal.manifest import NAME

if TYPE_CHECKING:
    from pathlib import Path

_OURS = ("lock", "rows", NAME + TEMPORARY)
_SPOOL = ".rows-"
"""Prefix of the folder in which rows are sorted."""


def refuse_foreign(path: Path) -> None:
    """Refuse a folder that holds anything but what a start that died has left.

    Raises:
        RunDirectoryError: It does; the message names what.

    """
    if not path.exists():
        return
    if not path.is_dir():
        msg = f"`{path}` is a file, not a folder"
        raise RunDirectoryError(msg, hint="name a folder that is new or empty")
    held = sorted(entry.name for entry in path.iterdir())
    foreign = [name for name in held if name not in _OURS and not name.startswith(_SPOOL)]
    if foreign:
        more = f" and {len(foreign) - 1:,} more" if len(foreign) > 1 else ""
        msg = f"`{path}` is no run directory: it holds `{foreign[0]}`{more}"
        raise RunDirectoryError(msg, hint="choose a new or an empty folder")


def clear_unfinished(path: Path) -> None:
    """Remove the rows of a start that came to no run. The caller holds the lock."""
    for entry in path.iterdir():
        if entry.name == "rows" or entry.name.startswith(_SPOOL):
            shutil.rmtree(entry)
