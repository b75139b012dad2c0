"""The rows of one run for another one over the same data: written once, and read once."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from judgefast.datasets.rows import ROWS_FOLDER
from judgefast.errors import RunDirectoryError
from judgefast.files import disk_errors, sync_file, sync_folder
from judgefast.journal.manifest import read_manifest

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.journal.manifest import DataFacts

_MAKING = f".{ROWS_FOLDER}-shared"
"""Where rows are put together; a start that died leaves it, and the next one clears it."""


class SharedRows:
    """Rows that another run has read already, by the same options of reading, sample and seed.

    Args:
        folder: Directory of that run.

    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def facts(self) -> DataFacts:
        """What is known of them.

        Raises:
            RunDirectoryError: There is no such run.

        """
        return read_manifest(self.folder).data


def link_rows(rows: SharedRows, path: Path) -> DataFacts:
    """Give a run directory that has no rows those of another one.

    Files of rows are written once and never changed, so that both runs can have the same: by hard
    links, or copies on a file system that has none.

    Args:
        rows: Of the other run.
        path: The run directory; it exists.

    Returns:
        What is known of the data.

    Raises:
        RunDirectoryError: The other run has no rows, or the disk is full or fails.

    """
    facts = rows.facts
    parts = sorted((rows.folder / ROWS_FOLDER).glob("part-*.parquet"))
    if not parts:
        msg = f"`{rows.folder}/{ROWS_FOLDER}` holds no rows to share"
        raise RunDirectoryError(msg, hint="copy the folder back, or start a new run directory")
    making, final = path / _MAKING, path / ROWS_FOLDER
    with disk_errors(final):
        making.mkdir()
        try:
            for part in parts:
                _link(part, making / part.name)
            sync_folder(making)
            making.rename(final)
            sync_folder(path)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return facts


def _link(part: Path, place: Path) -> None:
    with suppress(OSError):  # a file system without hard links, or with too many to one file
        os.link(part, place)
        return
    shutil.copyfile(part, place)
    sync_file(place)
