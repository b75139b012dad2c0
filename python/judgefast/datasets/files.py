"""One file or stream of rows: what format it has, and its rows."""

from __future__ import annotations

import gzip
import io
import zlib
from stat import S_ISREG
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

import msgspec

from judgefast.datasets.faults import shown, visible
from judgefast.datasets.lines import json_rows
from judgefast.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from judgefast.datasets.lines import Raw

Format = Literal["jsonl", "csv", "tsv", "parquet", "arrow_file", "arrow_stream"]

_BUFFER_BYTES = 1 << 20
_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"PAR1", "parquet"),
    (b"ARROW1", "arrow_file"),
    (b"\xff\xff\xff\xff", "arrow_stream"),
)
_REFUSED = (
    (b"PK\x03\x04", "a ZIP archive", "unpack it first"),
    (b"BZh", "a bzip2 file", "unpack it, or pack it with gzip or zstd"),
    (b"\xfd7zXZ", "an xz file", "unpack it, or pack it with gzip or zstd"),
    (b"FEA1", "a Feather file of version 1", "write it as Feather 2 or Parquet"),
)
_PLAIN_SUFFIXES = (".jsonl", ".ndjson", ".json", ".csv", ".tsv")
PACKED = 4
"""What is packed (Parquet, gzip) may be so many times as large in memory."""
_BINARY_SUFFIXES = {
    ".parquet": "Parquet",
    ".arrow": "Arrow IPC",
    ".feather": "Arrow IPC",
    ".ipc": "Arrow IPC",
}


class FileSource(msgspec.Struct, frozen=True):
    """A file of rows."""

    path: Path
    partitions: dict[str, str | None] = msgspec.field(default_factory=dict)
    """Fields that its folder names hold (`language=de/`)."""
    may_be_empty: bool = False
    """True for the parts of a folder: writers leave empty ones."""

    @property
    def name(self) -> str:
        """Name for messages."""
        return visible(str(self.path))

    @property
    def unit(self) -> str:
        """What its numbers count. Compressed text counts lines too."""
        return "row" if self.path.suffix.casefold() in _BINARY_SUFFIXES else "line"

    @property
    def expected_bytes(self) -> int:
        """What it holds, about; 0 where it is gone."""
        try:
            size = self.path.stat().st_size
        except OSError:
            return 0
        is_plain = self.path.suffix.casefold() in _PLAIN_SUFFIXES
        return size if is_plain else PACKED * size

    def rows(self, max_row_bytes: int) -> Iterator[tuple[int, Raw]]:
        """Number, from 1, and fields of each row.

        Raises:
            DataError: The file cannot be read, is damaged, or changed meanwhile.

        """
        number = 0
        try:
            before = self.path.stat()
            # The times and the size of a pipe say nothing.
            is_file = S_ISREG(before.st_mode)
            for number, row in self._rows(max_row_bytes):
                if self.partitions and isinstance(row, dict):
                    yield number, {**self.partitions, **row}
                else:
                    yield number, row
            after = self.path.stat()
        except FileNotFoundError:
            message = f"`{self.name}` is gone: it was there a moment ago"
            raise DataError(message) from None
        except READ_ERRORS as error:
            place = f"`{self.name}`{f', after {self.unit} {number}' if number else ''}"
            message = f"{place}: cannot be read: {visible(str(error))}"
            raise DataError(message, hint="check the file, or fetch it again") from error
        if is_file and (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            message = (
                f"`{self.name}` changed while it was read: "
                f"{before.st_size:,} bytes before, {after.st_size:,} after"
            )
            raise DataError(message, hint="wait until its writer is done, or copy it first")

    def _rows(self, max_row_bytes: int) -> Iterator[tuple[int, Raw]]:
        with io.BufferedReader(self.path.open("rb", buffering=0), _BUFFER_BYTES) as raw:
            stream = unpacked(raw)
            kind = format_of(stream, self.path)
            if kind in ("parquet", "arrow_file"):
                refuse_unseekable(raw, self.name)
            if kind == "parquet":
                from judgefast.datasets.arrow_rows import parquet_rows  # noqa: PLC0415 - heavy

                yield from parquet_rows(self.path)
            elif kind == "arrow_file":
                from judgefast.datasets.arrow_rows import ipc_file_rows  # noqa: PLC0415 - heavy

                yield from ipc_file_rows(self.path)
            else:
                yield from stream_rows(stream, kind, self.name, max_row_bytes)


READ_ERRORS = (OSError, EOFError, zlib.error, ValueError)
"""What the readers of damaged data raise; those of Arrow come as `ValueError`."""


def stream_rows(
    stream: BinaryIO, kind: Format, name: str, max_row_bytes: int
) -> Iterator[tuple[int, Raw]]:
    """Rows of a stream that need not be sought in."""
    if kind == "arrow_stream":
        from judgefast.datasets.arrow_rows import ipc_stream_rows  # noqa: PLC0415 - heavy

        yield from ipc_stream_rows(stream, name)
    elif kind in ("csv", "tsv"):
        from judgefast.datasets.csv_rows import csv_rows  # noqa: PLC0415 - for CSV alone

        yield from csv_rows(stream, max_row_bytes, name, "\t" if kind == "tsv" else ",")
    else:
        yield from json_rows(stream, max_row_bytes)


def refuse_unseekable(raw: BinaryIO, name: str) -> None:
    """Refuse a format whose table of contents is at the end, where there is no end to go to.

    Raises:
        DataError: The data comes through a pipe.

    """
    if not raw.seekable():
        raise piped(name)


def piped(name: str) -> DataError:
    """Say that a format must be read from a file."""
    message = f"`{name}`: this format cannot be read from a pipe"
    return DataError(message, hint="save it to a file and name the file")


def unpacked(raw: io.BufferedReader[Any]) -> io.BufferedReader[Any]:
    """Bytes of a stream, unpacked if it begins as gzip or zstd do."""
    head = raw.peek(4)[:4]
    if head.startswith(b"\x1f\x8b"):
        return io.BufferedReader(cast("Any", gzip.GzipFile(fileobj=raw)), _BUFFER_BYTES)
    if head == b"\x28\xb5\x2f\xfd":
        import pyarrow as pa  # noqa: PLC0415 - heavy, and for zstd alone

        return io.BufferedReader(cast("Any", pa.CompressedInputStream(raw, "zstd")), _BUFFER_BYTES)
    return raw


def format_of(stream: io.BufferedReader[Any], path: Path) -> Format:
    """Tell the format by the first bytes, text formats by the name.

    Raises:
        DataError: A format that is not read, or a name that promises another.

    """
    head = stream.peek(8)[:8]
    name = visible(str(path))
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    for magic, words, hint in _REFUSED:
        if head.startswith(magic):
            message = f"`{name}` is {words}, which is not read"
            raise DataError(message, hint=hint)
    suffixes = [suffix.casefold() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in (".gz", ".zst", ".zstd"):
        suffixes.pop()
    last = suffixes[-1] if suffixes else ""
    if head and last in _BINARY_SUFFIXES:
        seen = shown(head.decode("latin-1"))
        message = f"`{name}` is no {_BINARY_SUFFIXES[last]} file: it begins with {seen}"
        raise DataError(message, hint="check the file, or give it the suffix of its format")
    return {".csv": "csv", ".tsv": "tsv"}.get(last, "jsonl")  # type: ignore[return-value]  # the three words of the type
