"""Rows of the catalogue: those of the package, then the user's own, which add or override.

A file holds one JSON object a line, each with a `key`. The user's file of the same name lies in the
folder `$JUDGEFAST_CATALOGUE`, by default `judgefast/catalogue` where settings are kept.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from datetime import date as Date  # noqa: N812 - `date` is a field of a price
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec

from judgefast.config import in_words
from judgefast.errors import ConfigError
from judgefast.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

FOLDER = "JUDGEFAST_CATALOGUE"
"""Environment variable that names the folder of the user's own files."""

_ALIKE = 5
"""Names that are shown where one is not known."""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where some fields of a row are from."""

    fields: list[str]
    source: str
    date: str
    """ISO; of the fact, else of when it was seen."""


Row = TypeVar("Row", bound=msgspec.Struct)
Check: TypeAlias = "Callable[[Row, Mapping[str, Row]], None]"
_FIELDS = "see docs/costs.md for the fields of a row"


def refuse_dates(date: str | None, seen: str | None) -> None:
    """Refuse a price without a day, or with one that is none.

    Raises:
        ValueError: Says which field.

    """
    if date is None and seen is None:
        message = "`date` is missing; write the day of the price, as 2026-11-26"
        raise ValueError(message)
    for name, day in (("date", date), ("seen", seen)):
        if day is not None and not _is_day(day):
            message = f"`{name}` is `{day}`; write a day as 2026-11-26"
            raise ValueError(message)


def _is_day(text: str) -> bool:
    try:
        return Date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def when(date: str | None, seen: str | None) -> str:
    """Say the day of a price, or that there is none and when it was read.

    >>> when("2026-11-09", "2026-11-26"), when(None, "2026-11-26")
    ('2026-11-09', 'undated, seen 2026-11-26')
    """
    return date or f"undated, seen {seen}"


def user_file(name: str) -> Path:
    """Path of the user's own rows; the file need not be there."""
    folder = os.environ.get(FOLDER)
    if folder:
        return Path(folder) / f"{name}.jsonl"
    settings = os.environ.get("XDG_CONFIG_HOME")
    home = Path(settings) if settings else Path.home() / ".config"
    return home / "judgefast" / "catalogue" / f"{name}.jsonl"


def read_rows(name: str, row: type[Row], check: Check[Row] | None = None) -> dict[str, Row]:
    """Read rows of the package, then the user's own.

    A row of the user with a known key overrides the fields that it gives; any other is added. A
    field that is overridden is no longer credited to the package's source, but to the user's file.

    Args:
        name: Of the file, without its suffix.
        row: Type of a row: with a `key`, and `sources` or a `source` with its `date`.
        check: Called with each row of the user and the rows before it; its `ValueError` says what
            is wrong with it.

    Returns:
        Rows by key, in the order of the files.

    Raises:
        ConfigError: A line is not a row; the message names file, line and field.

    """
    packaged = files("judgefast.catalogue") / "data" / f"{name}.jsonl"
    known = {
        given["key"]: given
        for _, given in _lines(packaged.read_text(encoding="utf-8"), f"{name}.jsonl", row)
    }
    rows = {key: msgspec.convert(given, row) for key, given in known.items()}
    own = user_file(name)
    for where, given in _lines(_text_of(own), str(own), row):
        key = given["key"]
        merged = _override(known[key], given, own, where) if key in known else given
        if "is_own" in row.__struct_fields__:
            merged = merged | {"is_own": True}
        rows[key] = _row_of(merged, row, where, known)
        _check(rows[key], rows, check, where)
    return rows


def add_row(
    name: str, given: Mapping[str, Any], row: type[Row], check: Check[Row] | None = None
) -> Path:
    """Write a row into the user's own file, in the place of one with the same key.

    Args:
        name: As in :func:`read_rows`.
        given: Its fields.
        row: As there.
        check: As there.

    Raises:
        ConfigError: The row or the file as it is cannot be read.
        RunDirectoryError: The file cannot be written.

    """
    own = user_file(name)
    kept = [old for _, old in _lines(_text_of(own), str(own), row) if old["key"] != given["key"]]
    _check_fields(given, row, f"`{own}`")
    _check(_row_of(given, row, f"`{own}`"), read_rows(name, row), check, f"`{own}`")
    own.parent.mkdir(parents=True, exist_ok=True)
    lines = [msgspec.json.encode(each) for each in [*kept, dict(given)]]
    write_whole(own, b"\n".join(lines) + b"\n")
    return own


def find(kind: str, name: str, rows: Mapping[str, Row]) -> Row:
    """Find a row by its key or one of its `names`, if it has such; capitals and dashes may differ.

    Raises:
        ConfigError: There is none, or several; the message says which are alike.

    """
    if name in rows:
        return rows[name]
    for plain in (str.casefold, _bare):
        found = [
            row
            for key, row in rows.items()
            if plain(name) in {plain(each) for each in _names(key, row)}
        ]
        if len(found) == 1:
            return found[0]
        if found:
            keys = ", ".join(f"`{getattr(row, 'key', '')}`" for row in found)
            message = f"`{name}` may be any of the {kind}s {keys}"
            raise ConfigError(message, hint="name one of them")
    raise _unknown(kind, name, rows)


def _unknown(kind: str, name: str, rows: Mapping[str, Row]) -> ConfigError:
    by_bare = {_bare(each): key for key, row in rows.items() for each in _names(key, row)}
    close = get_close_matches(_bare(name), by_bare, n=_ALIKE, cutoff=0.5)
    keys = list(dict.fromkeys(by_bare[each] for each in close))
    message = f"no {kind} is named `{name}`"
    hint = f"did you mean `{keys[0]}`?" if keys else f"known: {', '.join(rows)}"
    if len(keys) > 1:
        hint = f"did you mean one of {', '.join(f'`{key}`' for key in keys)}?"
    return ConfigError(message, hint=hint)


def _names(key: str, row: msgspec.Struct) -> Iterable[str]:
    return [key, *getattr(row, "names", ())]


def _bare(name: str) -> str:
    """Take off what people write differently: hub organisation, capitals, separators.

    >>> _bare("Qwen/Qwen2.5-72B_Instruct")
    'qwen2572binstruct'
    """
    return re.sub(r"[^a-z0-9]", "", name.rpartition("/")[2].casefold())


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")  # some editors begin with a mark
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        message = f"`{path}` cannot be read: {why}"
        raise ConfigError(message, hint="mend it, or move it away") from None


def _lines(text: str, path: str, row: type[Row]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Objects of a file with their places; their fields are known ones, their keys unique."""
    seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        where = f"`{path}`, line {number}"
        try:
            given = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            message = f"{where}: this is not JSON: {error}"
            raise ConfigError(message, hint="write one JSON object a line") from None
        if not isinstance(given, dict):
            message = f"{where}: this is no JSON object"
            raise ConfigError(message, hint="write one JSON object a line")
        key = given.get("key")
        if not isinstance(key, str) or not key:
            message = f"{where}: `key` is missing"
            raise ConfigError(message, hint="name the row it overrides, or one of your own")
        if key in seen:
            message = f"{where}: `key` `{key}` is that of line {seen[key]} too"
            raise ConfigError(message, hint="keep one of them")
        seen[key] = number
        _check_fields(given, row, where)
        yield where, given


def _check_fields(given: Mapping[str, Any], row: type[Row], where: str) -> None:
    for field in given:
        if field not in row.__struct_fields__:
            close = get_close_matches(field, row.__struct_fields__, n=1)
            fields = ", ".join(row.__struct_fields__)
            hint = f"did you mean `{close[0]}`?" if close else f"fields: {fields}"
            message = f"{where}: unknown field `{field}`"
            raise ConfigError(message, hint=hint)


def _override(old: dict[str, Any], given: dict[str, Any], own: Path, where: str) -> dict[str, Any]:
    """Lay the user's fields over a row, and say that they are the user's."""
    changed = [field for field in given if field not in {"key", "sources", "source"}]
    merged = old | given
    if "sources" in old:
        kept = [
            each | {"fields": fields}
            for each in old["sources"]
            if (fields := [field for field in each["fields"] if field not in changed])
        ]
        theirs = given.get("sources")
        if theirs is None and changed:
            day = datetime.fromtimestamp(own.stat().st_mtime, tz=UTC).date().isoformat()
            theirs = [{"fields": changed, "source": str(own), "date": day}]
        return merged | {"sources": kept + (theirs or [])}
    if changed and "date" not in given:
        message = f"{where}: `date` is missing"
        raise ConfigError(message, hint="give the day on which this was so, as 2026-11-26")
    return merged | {"source": given.get("source", str(own))}


def _row_of(given: Mapping[str, Any], row: type[Row], where: str, known: Iterable[str] = ()) -> Row:
    try:
        return msgspec.convert(dict(given), row)
    except msgspec.ValidationError as error:
        message = f"{where}: {in_words(str(error))}"
        close = _near_key(given["key"], known) if "missing required" in message else None
        hint = f"a key of the package is `{close}`: did you mean that?" if close else _FIELDS
        raise ConfigError(message, hint=hint) from None


def _near_key(key: str, known: Iterable[str]) -> str | None:
    by_bare = {_bare(each): each for each in known if each != key}
    close = get_close_matches(_bare(key), by_bare, n=1, cutoff=0.8)
    return by_bare[close[0]] if close else None


def _check(row: Row, rows: Mapping[str, Row], check: Check[Row] | None, where: str) -> None:
    if check is None:
        return
    try:
        check(row, rows)
    except ValueError as error:
        message = f"{where}: {error}"
        raise ConfigError(message, hint=_FIELDS) from None
