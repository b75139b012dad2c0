"""A user's file of disagreements: one that lists them already may be written anew, no other one."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import msgspec

from judgefast.errors import ConfigError
from judgefast.pipeline.panel_rows import DISAGREEMENTS_FORMAT, disagreements_schema
from judgefast.reports.export import check_target

if TYPE_CHECKING:
    from pathlib import Path

_VERDICT = "_verdict"
"""Ends the first column of each judge."""

_MOST_BYTES = 1 << 26
"""Of the first line of a text file: a longer one is none of ours."""


def check_list(path: Path) -> None:
    """Refuse a file that disagreements would not be written to, before anything is asked for them.

    Raises:
        ConfigError: As `check_target`; or the file is there, and something else than such a list.

    """
    check_target(path, overwrite=True)
    if path.exists() and not _is_ours(path):
        msg = f"`{path}` is there already, and it is no list of disagreements as we write it"
        raise ConfigError(msg, hint="choose another name, or remove the file")


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
        return next(csv.reader([first.decode("utf-8")]), [])
    row = msgspec.json.decode(first)
    return list(row) if isinstance(row, dict) else []
