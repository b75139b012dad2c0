"""Segments of the journal: an open one of checked lines, a closed one in Parquet."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from judgefast import _native
from judgefast.errors import RunDirectoryError
from judgefast.journal.columns import Line, completions_schema, to_batch
from judgefast.journal.files import write_whole, writing

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
    format: int = 1


class Lines(NamedTuple):
    """The whole lines of an open segment."""

    data: bytes
    spans: NDArray[np.uintp]
    torn_bytes: int
    """Bytes behind the last whole line: a write that a crash cut."""


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

    """
    data = path.read_bytes()
    spans, kept, is_damaged = _native.check_lines(data)
    if is_damaged:
        message = f"line {len(spans) + 1} has another CRC-32C than was written"
        raise DamagedSegmentError(message)
    return Lines(data, spans, len(data) - kept)


def line_batches(path: Path, lines: Lines, segment: Segment) -> Iterator[pa.RecordBatch]:
    """The lines of an open segment as batches of the `completions` table."""
    decoder = msgspec.json.Decoder(Line)
    view = memoryview(lines.data)
    for start in range(0, len(lines.spans), _BATCH_ROWS):
        decoded: list[Line] = []
        for begin, end in lines.spans[start : start + _BATCH_ROWS].tolist():
            try:
                decoded.append(decoder.decode(view[begin:end]))
            except msgspec.DecodeError as error:
                message = f"`{path}`, line {start + len(decoded) + 1}: {error}"
                hint = "read it with the judgefast that wrote it, or a newer one"
                raise RunDirectoryError(message, hint=hint) from error
        first_row = segment.first_row + start
        yield to_batch(decoded, launch=segment.launch, first_row=first_row)


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
                table.unify_dictionaries(),
                temporary,
                compression="zstd",
                row_group_size=_ROW_GROUP,
                write_page_checksum=True,
            )
            sidecar = Sidecar(rows=table.num_rows, sha256=_sha256(temporary))
            write_whole(sidecar_of(closed), msgspec.json.encode(sidecar) + b"\n")
    opened.unlink(missing_ok=True)


def sidecar_of(closed: Path) -> Path:
    """The file with row count and sha256 of a closed segment."""
    return closed.with_name(closed.name + ".json")


def verify_closed(closed: Path) -> None:
    """Check a closed segment against the file beside it.

    Raises:
        DamagedSegmentError: It is not what was written, or nothing says what was.

    """
    try:
        sidecar = msgspec.json.decode(sidecar_of(closed).read_bytes(), type=Sidecar)
    except FileNotFoundError:
        message = f"{sidecar_of(closed).name} with its sha256 is missing"
        raise DamagedSegmentError(message) from None
    except msgspec.DecodeError as error:
        message = f"{sidecar_of(closed).name} cannot be read: {error}"
        raise DamagedSegmentError(message) from error
    if _sha256(closed) != sidecar.sha256:
        message = f"its sha256 is not {sidecar.sha256[:8]}…, as it was when it was written"
        raise DamagedSegmentError(message)


def closed_batches(
    closed: Path, columns: Sequence[str] | None, *, batch_rows: int = 16_384
) -> Iterator[pa.RecordBatch]:
    """A closed segment as batches of the `completions` table."""
    with pq.ParquetFile(closed, page_checksum_verification=True) as file:
        names = None if columns is None else list(columns)
        yield from file.iter_batches(batch_size=batch_rows, columns=names)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
