"""The version in every file of a run: how it is written, and how an unknown one is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from judgefast.errors import RunDirectoryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT = 1
"""Version of the files that this program writes and reads."""

UNNAMED = 1
"""Version of a file that names none: the first one, whatever later ones are."""

KEY = "judgefast.format"
"""Key in the metadata of a Parquet file; the value is the table and the version."""

T = TypeVar("T")


def mark(table: str) -> dict[str, str]:
    """Metadata of a Parquet file that holds a part of `table`."""
    return {KEY: f"{table} {FORMAT}"}


def check_table(path: Path, metadata: Mapping[bytes, bytes] | None, table: str) -> None:
    """Check the metadata of a Parquet file against :func:`mark`.

    Raises:
        RunDirectoryError: It is of an unknown format, or a part of another table.

    """
    unnamed = f"{table} {UNNAMED}".encode()
    seen = (metadata or {}).get(KEY.encode(), unnamed).decode(errors="replace")
    name, _, version = seen.rpartition(" ")
    if name != table:
        message = f"`{path}` holds a part of `{name or version}`, not of `{table}`"
        raise RunDirectoryError(message, hint="put the file back where it was")
    refuse_unknown(path, version)


def decode_json(path: Path, data: bytes, kind: type[T]) -> T:
    """Read a JSON file, its `format` first.

    Raises:
        RunDirectoryError: It is of an unknown format.
        msgspec.DecodeError: It is no such file.

    """
    try:
        head = msgspec.json.decode(data, type=_Head)
        refuse_unknown(path, str(head.format), head.judgefast)
        return msgspec.json.decode(data, type=kind)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(str(error)) from error


def refuse_unknown(path: Path, version: str, writer: str = "a newer version") -> None:
    """Refuse every version but the one that is known.

    Raises:
        RunDirectoryError: It is another one.

    """
    if version != str(FORMAT):
        message = f"`{path}` has format {version}; this judgefast reads {FORMAT}"
        raise RunDirectoryError(message, hint=f"update judgefast (written by {writer})")


class _Head(msgspec.Struct):
    """What is read first of any format."""

    format: int = UNNAMED
    judgefast: str = "a newer version"
