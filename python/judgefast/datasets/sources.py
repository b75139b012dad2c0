"""Where rows come from: files, globs, folders, stdin, rows in memory, frames."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import msgspec

from judgefast.datasets.faults import Reason, RowFault, closest, listed, shown, visible
from judgefast.datasets.files import (
    READ_ERRORS,
    FileSource,
    format_of,
    piped,
    stream_rows,
    unpacked,
)
from judgefast.datasets.lines import Raw  # noqa: TC001 - msgspec reads it of a Struct
from judgefast.errors import DataError

if TYPE_CHECKING:
    import io

STDIN = "-"
_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"


class StdinSource:
    """Rows on standard input: JSON lines (plain, gzip, zstd) or an Arrow IPC stream."""

    name = "stdin"
    unit = "line"
    may_be_empty = False

    def rows(self, max_row_bytes: int) -> Iterator[tuple[int, Raw]]:
        """Number, from 1, and fields of each row."""
        number = 0
        if sys.stdin is None:
            message = "stdin is closed"
            raise DataError(message, hint="pipe rows in, or name a file in place of `-`")
        try:
            stream = unpacked(cast("io.BufferedReader", sys.stdin.buffer))
            kind = format_of(stream, Path("stdin"))
            if kind in ("parquet", "arrow_file"):
                raise piped(self.name)
            for number, row in stream_rows(stream, kind, self.name, max_row_bytes):
                yield number, row
        except READ_ERRORS as error:
            message = f"stdin, after line {number}: cannot be read: {visible(str(error))}"
            raise DataError(message, hint="check what is piped in") from error


class RowsSource(msgspec.Struct):
    """Rows in memory, or made one by one."""

    iterable: Iterable[Any]
    name: str = "rows"
    unit: str = "row"
    may_be_empty: bool = False

    def rows(self, _max_row_bytes: int) -> Iterator[tuple[int, Raw]]:
        """Number, from 1, and fields of each row."""
        for number, row in enumerate(self.iterable, start=1):
            if not isinstance(row, Mapping):
                words = f"expected a dict, saw {shown(row)}"
                is_path = isinstance(row, str | os.PathLike)
                hint = "to name files, pass a list of paths" if is_path else "pass dicts"
                yield number, RowFault(Reason.NOT_AN_OBJECT, words, hint=hint)
            elif all(isinstance(name, str) for name in row):
                yield number, dict(row)
            else:
                odd = next(name for name in row if not isinstance(name, str))
                words = f"names of fields are text, saw {shown(odd)}"
                yield number, RowFault(Reason.WRONG_TYPE, words)


class FrameSource(msgspec.Struct):
    """A data frame of any library that speaks the Arrow PyCapsule interface."""

    frame: Any
    name: str = "frame"
    unit: str = "row"
    may_be_empty: bool = False

    def rows(self, _max_row_bytes: int) -> Iterator[tuple[int, Raw]]:
        """Number, from 1, and fields of each row."""
        from judgefast.datasets.arrow_rows import frame_rows  # noqa: PLC0415 - heavy

        number = 0
        try:
            for number, row in frame_rows(self.frame):
                yield number, row
        except ValueError as error:
            place = f"`{self.name}`{f', after row {number}' if number else ''}"
            message = f"{place}: cannot be read: {visible(str(error))}"
            raise DataError(message, hint="give each column one type that Arrow has") from error


class WindowSource(msgspec.Struct):
    """Rows of another source that are in memory, under the numbers that they have there."""

    name: str
    unit: str
    numbered: list[tuple[int, Raw]]
    may_be_empty: bool = True

    def rows(self, _max_row_bytes: int) -> Iterator[tuple[int, Raw]]:
        """Number and fields of each row."""
        return iter(self.numbered)


Source = FileSource | StdinSource | RowsSource | FrameSource | WindowSource


def find_sources(data: Any) -> list[Source]:  # noqa: ANN401 - see read_items
    """Resolve what a caller names as data, in a fixed order: files of a glob or folder by name.

    Raises:
        DataError: Something that is not there, cannot hold rows, or is named twice.

    """
    if isinstance(data, str | os.PathLike):
        data = [data]
    if hasattr(data, "__arrow_c_stream__"):
        return [FrameSource(data)]
    if isinstance(data, Mapping) or not isinstance(data, Iterable):
        message = f"data is {shown(type(data).__name__)}, not files, rows or a frame"
        raise DataError(message, hint="pass a path, a list of dicts, or a data frame")
    if isinstance(data, list | tuple) and data and isinstance(data[0], str | os.PathLike):
        return _from_paths(data)
    return [RowsSource(data)]


def _from_paths(names: Sequence[str | os.PathLike[str]]) -> list[Source]:
    odd = [name for name in names if not isinstance(name, str | os.PathLike)]
    if odd:
        message = f"data names files, and among them {shown(odd[0])}"
        raise DataError(message, hint="pass either paths or rows")
    sources: list[Source] = []
    seen: set[str] = set()
    for name in names:
        for source in _from_path(os.fspath(name)):
            where = str(source.path.resolve()) if isinstance(source, FileSource) else STDIN
            if where in seen:
                message = f"`{source.name}` is named twice"
                raise DataError(message, hint="name each file once")
            seen.add(where)
            sources.append(source)
    return sources


def _from_path(name: str) -> Iterable[Source]:
    if name == STDIN:
        return [StdinSource()]
    try:
        return _from_disk(name)
    except OSError as error:  # a name too long, a folder that may not be read
        message = f"`{visible(name)}` cannot be read: {error.strerror}"
        raise DataError(message, hint="check the path, and who may read it") from error


def _from_disk(name: str) -> Iterable[Source]:
    path = Path(name)
    if not name:
        message = "the path of the data is empty"
        raise DataError(message, hint="name a file, glob or folder; `.` is the current folder")
    if (path / "manifest.json").is_file() and (path / "rows").is_dir():
        message = f"`{visible(name)}` is a run directory, not data"
        raise DataError(
            message, hint="judge its rows anew by their files, or replay it: --recorded"
        )
    if path.is_dir():
        return _from_folder(path)
    if path.exists():
        return [FileSource(path)]
    if glob.has_magic(name):
        found = sorted(glob.glob(name, recursive=True))  # noqa: PTH207 - the pattern is absolute or not
        files = [FileSource(Path(part)) for part in found if Path(part).is_file()]
        if files:
            return files
        message = f"no file matches `{visible(name)}`"
        raise DataError(message, hint="quote globs; ** needs a slash")
    siblings = [part.name for part in path.parent.iterdir()] if path.parent.is_dir() else []
    near = closest(path.name, siblings)
    hint = f"did you mean `{visible(str(path.parent / near))}`?" if near else "check the path"
    message = f"there is no file `{visible(name)}`"
    raise DataError(message, hint=hint)


def _from_folder(folder: Path) -> list[FileSource]:
    """Parquet files of a folder and its folders; hidden and `_` names are a writer's own."""
    files = []
    for path in sorted(folder.rglob("*.parquet")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith((".", "_")) for part in parts):
            files.append(FileSource(path, _partitions(parts[:-1]), may_be_empty=True))
    if not files:
        held = sorted(part.name for part in folder.iterdir())
        message = (
            f"the folder `{visible(str(folder))}` holds no Parquet file; there is {listed(held, 5)}"
        )
        raise DataError(
            message, hint="for other formats name the files, or a glob such as 'dir/*.jsonl'"
        )
    return files


def _partitions(folders: Iterable[str]) -> dict[str, str | None]:
    pairs = (folder.split("=", 1) for folder in folders if "=" in folder)
    return {
        unquote(key): None if value == _NO_PARTITION else unquote(value) for key, value in pairs
    }
