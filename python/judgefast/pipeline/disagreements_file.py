"""A file of disagreements: one that lists them already may be written anew, no other one.

A list in which somebody has filled in gold is work of a person: it is kept beside the new one.
"""

from __future__ import annotations

import csv
import logging
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.errors import ConfigError
from judgefast.pipeline.panel_rows import DISAGREEMENTS_FORMAT, disagreements_schema
from judgefast.reports.export import check_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

LOG = logging.getLogger("judgefast")

_VERDICT = "_verdict"
"""Ends the first column of each judge."""

_UNIT = ("item_id", "aspect", "candidate_index", "baseline_index")

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


def write_anew(
    path: Path, write: Callable[[], int], have_gold: Callable[[Sequence[str]], Sequence[bool]]
) -> int:
    """Write a list; one that is there and has gold that the data have not is kept beside it.

    Args:
        path: Of the list; `check_list` has passed.
        write: Writes it, and says how many rows it has.
        have_gold: Whether the data have gold of the items of some ids.

    """
    filled = _golds(path) if path.exists() else {}
    if filled == {}:
        return write()
    kept = next(name for name in _beside(path) if not name.exists())
    path.rename(kept)
    rows = write()
    if filled is None:
        LOG.warning("`%s` could not be read as a list: it is kept as `%s`", path, kept)
        return rows
    known = _golds(path) or {}
    gone = [str(key[0]) for key in filled if key not in known]
    by_hand = sum(known.get(key, gold) != gold for key, gold in filled.items())
    by_hand += sum(not has_gold for has_gold in have_gold(gone))
    if by_hand:
        words = "`%s` had gold in %s rows that the data have not: it is kept as `%s`"
        LOG.warning(words, path, f"{by_hand:,}", kept)
    else:
        kept.unlink()
    return rows


def _beside(path: Path) -> Iterator[Path]:
    yield path.with_name(f"{path.stem}.filled{path.suffix}")
    for number in count(2):
        yield path.with_name(f"{path.stem}.filled-{number}{path.suffix}")


def _golds(path: Path) -> dict[tuple[Any, ...], str] | None:
    """Gold of the units of a list that have some; None where it is no such list any more."""
    if not path.stat().st_size:
        return {}
    csv.field_size_limit(_MOST_BYTES)
    try:
        return {
            tuple(row[name] for name in _UNIT): str(row["gold"])
            for row in _rows(path)
            if row["gold"] not in {None, ""}
        }
    except (OSError, ValueError, KeyError, TypeError, csv.Error, msgspec.DecodeError):
        return None


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.suffix.lower() == ".parquet":
        import pyarrow.parquet as pq  # noqa: PLC0415 - only one of the suffixes needs it

        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=[*_UNIT, "gold"]):
                yield from batch.to_pylist()
    elif path.suffix.lower() == ".csv":
        with path.open(newline="", encoding="utf-8") as lines:
            yield from csv.DictReader(lines)
    else:
        with path.open("rb") as lines_of_json:
            yield from map(msgspec.json.decode, lines_of_json)


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
