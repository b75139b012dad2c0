"""Files that are whole or not there: what a crash or a power cut may leave of a write."""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from judgefast.errors import RunDirectoryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEMPORARY = ".tmp"
"""Suffix of a file that is being written; one that is left behind means nothing."""

COPY_BACK = "copy the file back, or start a new run directory"
"""Hint where a file that is written once is missing or damaged."""

DAMAGED = ".damaged"
"""Suffix of a file that was set aside."""


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Say of `path` that it cannot be written, and what to do: a full disk is the user's to mend.

    Raises:
        RunDirectoryError: The disk is full or fails, or the folder may not be written.

    """
    try:
        yield
    except OSError as error:
        words = (
            os.strerror(error.errno) if error.errno else str(error)
        )  # Arrow has words of its own
        message = f"cannot write `{path}`: {words}"
        hint = "make room on the disk or let me write there, then start the same command again"
        raise RunDirectoryError(message, hint=hint) from error


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give the temporary name of `path`; at the end of the block it takes its place.

    Raises:
        RunDirectoryError: The disk is full or fails, or the folder may not be written.

    """
    temporary = path.with_name(path.name + TEMPORARY)
    with disk_errors(path):
        try:
            yield temporary
            sync_file(temporary)
            put_in_place(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def write_whole(path: Path, data: bytes) -> None:
    """Write `path` so that a crash leaves the old file or the new one, never a part.

    Raises:
        RunDirectoryError: The disk is full or fails, or the folder may not be written.

    """
    with writing(path) as temporary:
        temporary.write_bytes(data)


def put_in_place(temporary: Path, path: Path) -> None:
    """Rename a synced file to its name and make the name last."""
    temporary.replace(path)
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Wait until what a file holds is on the disk."""
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


def sha256_of(path: Path) -> str:
    """sha256 of what a file holds, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def set_aside(path: Path) -> None:
    """Take a damaged file out of the run, under a name that no pattern of the run matches."""
    put_in_place(path, path.with_name(path.name + DAMAGED))


def temporaries(folder: Path) -> list[Path]:
    """What writers have half written, those that died among them."""
    return list(folder.glob(f"*{TEMPORARY}"))


def remove_temporaries(folder: Path) -> None:
    """Remove what writers that died have left half written. The caller holds the lock."""
    for path in temporaries(folder):
        path.unlink(missing_ok=True)
