"""A file of disagreements: one that lists them already may be written anew, no other one.

What somebody has changed in a list is work of a person: it is kept beside the new one.
"""

from __future__ import annotations

import csv
import logging
import os
import shutil
from codecs import BOM_UTF8
from itertools import chain, count
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from judgefast.errors import ConfigError
from judgefast.files import disk_errors, put_in_place, sha256_of
from judgefast.pipeline.panel_rows import DISAGREEMENTS_FORMAT, disagreements_schema
from judgefast.reports.export import check_target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOG = logging.getLogger("judgefast")

_VERDICT = "_verdict"
"""Ends the first column of each judge."""

_MOST_BYTES = 1 << 26
"""Of the first line of a text file: a longer one is none of ours."""


class Listed(NamedTuple):
    """A list that was written."""

    path: Path
    rows: int
    sha256: str


def check_list(path: Path) -> None:
    """Refuse a file that disagreements would not be written to, before anything is asked for them.

    Raises:
        ConfigError: As `check_target`; or the file is there, and something else than such a list.

    """
    check_target(path, overwrite=True)
    if path.exists() and not _is_ours(path):
        msg = f"`{path}` is there already, and it is no list of disagreements as we write it"
        raise ConfigError(msg, hint="choose another name, or move the file away")


def write_anew(path: Path, write: Callable[[Path], int], written: str | None) -> Listed:
    """Write a list; one that is there and is not as it was written is kept beside it.

    Args:
        path: Of the list.
        write: Writes it to a file, and says how many rows it has.
        written: sha256 of what was written there last; None where that is not known.

    Raises:
        RunDirectoryError: The disk is full or fails, or the folder may not be written.

    """
    with disk_errors(path):
        there = path.exists() and path.stat().st_size > 0
        before = sha256_of(path) if there else written
    if before == written:
        return Listed(path, write(path), sha256_of(path))
    new = path.with_name(f".{path.stem}.{os.getpid()}.new{path.suffix}")
    rows = write(new)
    after = sha256_of(new)
    with disk_errors(path):
        if after == before:
            new.unlink()
        else:
            kept = _kept_beside(path)
            put_in_place(new, path)
            LOG.warning("`%s` was not as it was written: it is kept as `%s`", path, kept)
    return Listed(path, rows, after)


def _kept_beside(path: Path) -> Path:
    """Give what is there a second name, the first that is free."""
    names = (f"{path.stem}.kept{number}{path.suffix}" for number in chain([""], count(-2, -1)))
    kept = next(each for each in map(path.with_name, names) if not each.exists())
    try:
        kept.hardlink_to(path)
    except OSError:  # a file system without links
        shutil.copyfile(path, kept)
    return kept


def _is_ours(path: Path) -> bool:
    """Whether a file is such a list, untouched as far as its columns tell, or empty."""
    if not path.is_file():
        return False
    if not path.stat().st_size:
        return True
    try:
        columns = _columns_of(path)
    except (OSError, ValueError, csv.Error, msgspec.DecodeError):
        return False
    fixed = len(disagreements_schema([]))
    judges = [name.removesuffix(_VERDICT) for name in columns[fixed:] if name.endswith(_VERDICT)]
    return columns == list(disagreements_schema(judges).names)


def _columns_of(path: Path) -> list[str]:
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet as pq  # noqa: PLC0415 - only one of the suffixes needs it

        schema = pq.read_schema(path)
        is_named = (schema.metadata or {}).get(b"format") == DISAGREEMENTS_FORMAT.encode()
        return list(schema.names) if is_named else []
    with path.open("rb") as file:
        first = file.readline(_MOST_BYTES)
    if path.suffix.lower() == ".csv":
        return next(csv.reader([first.decode("utf-8-sig")]), [])
    row = msgspec.json.decode(first.removeprefix(BOM_UTF8))
    return list(row) if isinstance(row, dict) else []
