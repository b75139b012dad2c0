"""What a start that died before its manifest was written leaves behind."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from judgefast.errors import RunDirectoryError
from judgefast.files import TEMPORARY
from judgefast.journal.manifest import NAME, PANEL

if TYPE_CHECKING:
    from pathlib import Path

_BEFORE_THE_MANIFEST = ("lock", "rows", NAME + TEMPORARY)
_SPOOL = ".rows-"
"""Prefix of the folder in which rows are sorted."""


def refuse_foreign(path: Path) -> None:
    """Refuse a folder that holds anything a run could overwrite or be mistaken for.

    Raises:
        RunDirectoryError: It is a file, holds a run, or holds what no unfinished start leaves.

    """
    if not path.exists():
        return
    if not path.is_dir():
        message = f"`{path}` is a file, not a folder"
        raise RunDirectoryError(message, hint="name a folder that is new or empty")
    if (path / PANEL).is_file():
        message = f"`{path}` holds several judges, and a run takes a folder of its own"
        raise RunDirectoryError(message, hint="choose a new or an empty folder")
    held = sorted(entry.name for entry in path.iterdir())
    if NAME in held:
        message = f"`{path}` holds a run already"
        raise RunDirectoryError(message, hint="resume it, or choose another folder")
    foreign = [name for name in held if not _is_ours(name)]
    if foreign:
        more = f" and {len(foreign) - 1:,} more" if len(foreign) > 1 else ""
        message = f"`{path}` is no run directory: it holds `{foreign[0]}`{more}"
        raise RunDirectoryError(message, hint="choose a new or an empty folder")


def clear_unfinished(path: Path) -> None:
    """Remove the rows of a start that came to no run. The caller holds the lock."""
    for entry in path.iterdir():
        if entry.name == "rows" or entry.name.startswith(_SPOOL):
            shutil.rmtree(entry)


def _is_ours(name: str) -> bool:
    return name in _BEFORE_THE_MANIFEST or name.startswith(_SPOOL)
