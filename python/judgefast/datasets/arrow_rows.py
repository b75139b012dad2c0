"""Rows of Parquet and Arrow files, and of frames that speak the Arrow PyCapsule interface."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import pyarrow as pa
from pyarrow import ipc, parquet

from judgefast.datasets.faults import Reason, RowFault, listed, visible
from judgefast.errors import DataError

if TYPE_CHECKING:
    import io
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from judgefast.datasets.lines import Raw

BATCH_ROWS = 1024
"""Most rows that are Python objects at a time."""
BATCH_BYTES = 16 * 2**20
"""About as much of them, in Arrow's bytes."""


def parquet_rows(path: Path) -> Iterator[tuple[int, Raw]]:
    """Row number, from 1, and fields of each row of a Parquet file."""
    with _own_errors(), parquet.ParquetFile(path) as file:
        yield from _rows(file.iter_batches(batch_size=BATCH_ROWS), str(path))


def ipc_file_rows(path: Path) -> Iterator[tuple[int, Raw]]:
    """The same of an Arrow IPC file (Feather 2)."""
    with _own_errors(), pa.memory_map(str(path)) as source, ipc.open_file(source) as file:
        batches = (file.get_batch(place) for place in range(file.num_record_batches))
        yield from _rows(batches, str(path))


def ipc_stream_rows(stream: BinaryIO, name: str) -> Iterator[tuple[int, Raw]]:
    """The same of an Arrow IPC stream."""
    with _own_errors(), ipc.open_stream(cast("io.IOBase", stream)) as reader:
        yield from _rows(reader, name)


def frame_rows(frame: Any) -> Iterator[tuple[int, Raw]]:  # noqa: ANN401 - any library's frame
    """The same of a data frame of any library (`__arrow_c_stream__`)."""
    with _own_errors(), pa.RecordBatchReader.from_stream(frame) as reader:
        yield from _rows(reader, "frame")


@contextmanager
def _own_errors() -> Iterator[None]:
    """Arrow's errors are of many kinds; each becomes a `ValueError` with its words."""
    try:
        yield
    except pa.ArrowException as error:
        raise ValueError("; ".join(map(str, error.args))) from error


def _rows(batches: Iterable[pa.RecordBatch], name: str) -> Iterator[tuple[int, Raw]]:
    number = 0
    for batch in batches:
        names = batch.schema.names
        if twice := sorted({column for column in names if names.count(column) > 1}):
            message = f"`{visible(name)}` has more than one column {listed(twice)}"
            raise DataError(message, hint="give each column a name of its own")
        # A frame may come as one batch of all its rows, and a row may be large.
        row_bytes = _size(batch) // max(batch.num_rows, 1)
        step = max(1, min(BATCH_ROWS, BATCH_BYTES // max(row_bytes, 1)))
        for start in range(0, batch.num_rows, step):
            for row in _dicts(batch.slice(start, step)):
                number += 1
                yield number, row


def _size(batch: pa.RecordBatch) -> int:
    try:
        return int(batch.nbytes)
    except pa.ArrowTypeError:  # older Arrows cannot tell it of string views, as polars has them
        return int(batch.get_total_buffer_size())


def _dicts(batch: pa.RecordBatch) -> list[Raw]:
    hidden = [name for name in batch.schema.names if name.startswith("__index_level_")]
    if hidden:
        batch = batch.drop_columns(hidden)
    try:
        return [*batch.to_pylist()]
    except (ValueError, OverflowError):  # no UTF-8; a date that Python does not have
        return [_single(batch.slice(place, 1)) for place in range(batch.num_rows)]


def _single(batch: pa.RecordBatch) -> Raw:
    row = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            row[name] = column[0].as_py()
        except UnicodeDecodeError as error:
            words = f"not UTF-8 at byte {error.start} of a text"
            return RowFault(Reason.INVALID_UTF8, words, field=name)
        except (ValueError, OverflowError) as error:
            words = f"cannot be read: {visible(str(error))}"
            return RowFault(Reason.BAD_VALUE, words, field=name)
    return row
