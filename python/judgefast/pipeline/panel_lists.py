"""The lists of what a person should look at: the panel's own, and those that are asked for."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from judgefast.errors import RunDirectoryError
from judgefast.files import write_whole
from judgefast.pipeline.disagreements_file import Listed, check_list, write_anew
from judgefast.pipeline.panel_directory import DISAGREEMENTS, LISTS
from judgefast.pipeline.panel_rows import MOST_LISTED

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.pipeline.panel_read import PanelReading
    from judgefast.reports.panel_report import PanelReport


def write_own(reading: PanelReading) -> Listed:
    """Write a panel's own list, of the first `MOST_LISTED`. The caller holds its lock.

    Raises:
        RunDirectoryError: The disk is full or fails, or the folder may not be written.

    """
    assert reading.folder is not None  # finished runs have no folder of their own
    return _write(reading, reading.folder / DISAGREEMENTS, most=MOST_LISTED)


def reported(
    reading: PanelReading, path: Path | None = None, *, own: Listed | None = None
) -> PanelReport:
    """Make the report; it names the last list that was written.

    Args:
        reading: The judges.
        path: A file of all disagreements; one that is such a list is replaced, no other one is.
        own: The panel's own list, where it was written just now.

    Raises:
        ConfigError: As `check_list`.
        RunDirectoryError: As `write_own`.

    """
    listed = own
    if path is not None:
        check_list(path)
        listed = _write(reading, path)
    report = reading.report()
    if listed is None:
        return report
    return msgspec.structs.replace(report, disagreements_file=str(listed.path), listed=listed.rows)


def _write(reading: PanelReading, path: Path, *, most: int | None = None) -> Listed:
    """Write a list, and note what was written: by that it is known whether somebody changed it."""
    known = {} if reading.folder is None else _known(reading.folder)
    name = str(path.resolve())
    if reading.folder is not None and path.parent.resolve() == reading.folder.resolve():
        name = path.name  # wherever the folder is taken
    write = partial(reading.write_disagreements, overwrite=True, most=most)
    listed = write_anew(path, write, known.get(name))
    if reading.folder is not None and known.get(name) != listed.sha256:
        with suppress(RunDirectoryError):  # a report of a panel that may only be read
            data = msgspec.json.encode(known | {name: listed.sha256})
            write_whole(reading.folder / LISTS, msgspec.json.format(data, indent=2) + b"\n")
    return listed


def _known(folder: Path) -> dict[str, str]:
    """sha256 of each list that was written of a panel; nothing is known where that is damaged."""
    try:
        return msgspec.json.decode((folder / LISTS).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}
