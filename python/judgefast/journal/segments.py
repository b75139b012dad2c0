"""Segments of the journal: an open one of checked lines, a closed one in Parquet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from judgefast import _native
from judgefast.errors import RunDirectoryError
from judgefast.files import sha256_of, write_whole, writing
from judgefast.formats import FORMAT, check_table, decode_json, mark, refuse_unknown
from judgefast.journal.columns import (
    TABLE,
    Line,
    completions_schema,
    read_batch,
    to_batch,
    with_added,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

SEGMENT_ROWS = 65_536
"""An open segment of so many lines is closed. `row` of a completion counts on it."""

SEGMENT_BYTES = 256 << 20
"""An open segment of so many bytes is closed."""

_BATCH_ROWS = 4_096
_ROW_GROUP = 16_384
_NAME = re.compile(r"(?P<launch>[0-9a-f]{32})-(?P<number>[0-9]{6,})\.(?:open|parquet)")


class DamagedSegmentError(RunDirectoryError):
    """A segment holds other bytes than were written to it."""


class Segment(NamedTuple):
    """Part `number` of the completions of one launch."""

    launch: str
    number: int

    @property
    def first_row(self) -> int:
        """Place of its first line in the launch; segments leave gaps, places stay in order."""
        return self.number * SEGMENT_ROWS

    def opened(self, folder: Path) -> Path:
        """Where its lines are, until it is closed."""
        return folder / f"{self.launch}-{self.number:06}.open"

    def closed(self, folder: Path) -> Path:
        """Where its Parquet file is, once it is closed."""
        return folder / f"{self.launch}-{self.number:06}.parquet"


class Sidecar(msgspec.Struct, frozen=True):
    """`<segment>.parquet.json`: what the file beside it must be."""

    rows: int
    sha256: str
    format: int = FORMAT


class _Head(msgspec.Struct):
    """The first line of an open segment."""

    format: int
    table: str


class Lines(NamedTuple):
    """The whole lines of an open segment."""

    data: bytes
    spans: NDArray[np.uintp]
    first_line: int
    """Place of the first of them in the file, from 1: a head may stand before it."""
    torn_bytes: int
    """Bytes behind the last whole line: a write that a crash cut."""

    @property
    def last_line(self) -> int:
        """Place of the last whole line in the file, from 1."""
        return self.first_line + len(self.spans) - 1


def list_segments(folder: Path) -> list[Segment]:
    """Segments of all launches, by launch and number."""
    if not folder.is_dir():
        return []
    found = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted({Segment(name["launch"], int(name["number"])) for name in found if name})


def read_lines(path: Path) -> Lines:
    """Check the lines of an open segment.

    Raises:
        DamagedSegmentError: A whole line stands behind one that is not.
        RunDirectoryError: It is of an unknown format.

    """
    data = path.read_bytes()
    spans, kept, is_damaged = _native.check_lines(data)
    if is_damaged:
        message = f"line {len(spans) + 1} has another CRC-32C than was written"
        raise DamagedSegmentError(message)
    heads = int(_has_head(path, data, spans))
    return Lines(data, spans[heads:], 1 + heads, len(data) - kept)


def line_batches(path: Path, lines: Lines, segment: Segment) -> Iterator[pa.RecordBatch]:
    """The lines of an open segment as batches of the `completions` table."""
    for start in range(0, len(lines.spans), _BATCH_ROWS):
        spans, first_row = lines.spans[start : start + _BATCH_ROWS], segment.first_row + start
        batch = read_batch(lines.data, spans, launch=segment.launch, first_row=first_row)
        if batch is None:  # of another version, perhaps
            decoded = _decoded(path, lines.data, spans, lines.first_line + start)
            batch = to_batch(decoded, launch=segment.launch, first_row=first_row)
        yield batch


def _decoded(path: Path, data: bytes, spans: NDArray[np.uintp], first_line: int) -> list[Line]:
    decoder = msgspec.json.Decoder(Line)
    view = memoryview(data)
    decoded: list[Line] = []
    for begin, end in spans.tolist():
        try:
            decoded.append(decoder.decode(view[begin:end]))
        except msgspec.DecodeError as error:
            message = f"`{path}`, line {first_line + len(decoded)}: {error}"
            hint = "read it with the judgefast that wrote it, or a newer one"
            raise RunDirectoryError(message, hint=hint) from error
    return decoded


def close_segment(folder: Path, segment: Segment, lines: Lines) -> None:
    """Turn an open segment into Parquet; a crash at any point leaves one that is whole.

    Raises:
        RunDirectoryError: The disk is full or fails; the open segment stays.

    """
    opened, closed = segment.opened(folder), segment.closed(folder)
    if len(lines.spans):
        table = pa.Table.from_batches(line_batches(opened, lines, segment), completions_schema())
        with writing(closed) as temporary:
            pq.write_table(
                table.unify_dictionaries().replace_schema_metadata(mark(TABLE)),
                temporary,
                compression="zstd",
                row_group_size=_ROW_GROUP,
                write_page_checksum=True,
            )
            sidecar = Sidecar(rows=table.num_rows, sha256=sha256_of(temporary))
            write_whole(sidecar_of(closed), msgspec.json.encode(sidecar) + b"\n")
    opened.unlink(missing_ok=True)


def sidecar_of(closed: Path) -> Path:
    """The file with row count and sha256 of a closed segment."""
    return closed.with_name(closed.name + ".json")


def verify_closed(closed: Path) -> None:
    """Check a closed segment against the file beside it.

    Raises:
        DamagedSegmentError: It is not what was written, or nothing says what was.
        RunDirectoryError: It is of an unknown format.

    """
    sidecar_path = sidecar_of(closed)
    try:
        sidecar = decode_json(sidecar_path, sidecar_path.read_bytes(), Sidecar)
    except FileNotFoundError:
        message = f"{sidecar_path.name} with its sha256 is missing"
        raise DamagedSegmentError(message) from None
    except msgspec.DecodeError as error:
        message = f"{sidecar_path.name} cannot be read: {error}"
        raise DamagedSegmentError(message) from error
    if sha256_of(closed) != sidecar.sha256:
        message = f"its sha256 is not {sidecar.sha256[:8]}…, as it was when it was written"
        raise DamagedSegmentError(message)


def closed_batches(
    closed: Path, columns: Sequence[str] | None, *, batch_rows: int = 16_384
) -> Iterator[pa.RecordBatch]:
    """A closed segment as batches of the `completions` table.

    Raises:
        RunDirectoryError: It is of an unknown format.

    """
    with pq.ParquetFile(closed, page_checksum_verification=True) as file:
        check_table(closed, file.metadata.metadata, TABLE)
        names = None if columns is None else list(columns)
        for batch in file.iter_batches(batch_size=batch_rows, columns=names):
            yield with_added(batch, columns)


def _has_head(path: Path, data: bytes, spans: NDArray[np.uintp]) -> bool:
    """Whether the first line says what the others are; one that a crash cut says nothing."""
    if not len(spans):
        return False
    begin, end = spans[0].tolist()
    try:
        head = msgspec.json.decode(memoryview(data)[begin:end], type=_Head)
    except msgspec.DecodeError:
        return False
    refuse_unknown(path, str(head.format))
    return True
