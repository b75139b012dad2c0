"""Rows by their place in an order of one's own, though they come in any, in bounded memory.

They are gone through once and spread over files, a file a part of that order, which are read back
in turn.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from judgefast.files import disk_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    from numpy.typing import NDArray

MOST_PARTS = 256
"""Files that are open at once, at most; a longer order has longer parts."""

_PLACE = "place in the order"


def part_rows_of(length: int, least: int) -> int:
    """Rows of a part: `least`, or what makes `MOST_PARTS` of an order.

    >>> part_rows_of(1_000, 100), part_rows_of(1_000_000, 100)
    (100, 3907)
    """
    return max(least, -(-length // MOST_PARTS))


class PlacedRows:
    """Rows of texts. A context manager: its files, which one part does not need, go at its end.

    Args:
        length: Places of the order.
        names: Columns of the rows.
        part_rows: Rows of a part.

    """

    def __init__(self, length: int, names: Sequence[str], part_rows: int) -> None:
        self._length = length
        self._part_rows = part_rows
        # Their texts together may be longer than 32 bits can say.
        texts = [(name, pa.large_string()) for name in names]
        self._schema = pa.schema([(_PLACE, pa.int64()), *texts])
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._kept: list[pa.RecordBatch] = []
        self._part: tuple[int, pa.Table] | None = None

    def __enter__(self) -> Self:
        """Make the folder of its files."""
        if self._length > self._part_rows:
            self._folder = tempfile.TemporaryDirectory(prefix="judgefast-")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove the files."""
        if self._folder is not None:
            self._folder.cleanup()

    def keep(self, found: Iterable[tuple[NDArray[np.int64], pa.RecordBatch]]) -> None:
        """Take all rows: of each batch the places, none of which comes twice, and the columns.

        Raises:
            RunDirectoryError: The disk of temporary files is full, or fails.

        """
        writers: dict[int, Any] = {}
        try:
            for places, batch in found:
                texts = [batch.column(name).cast(pa.large_string()) for name in batch.schema.names]
                rows = pa.record_batch([pa.array(places), *texts], schema=self._schema)
                if self._folder is None:
                    self._kept.append(rows)
                    continue
                part = places // self._part_rows
                for number in np.unique(part).tolist():
                    chosen = rows.take(pa.array(np.flatnonzero(part == number)))
                    with disk_errors(self._path(number)):
                        if number not in writers:
                            path = str(self._path(number))
                            writers[number] = pa.ipc.new_stream(path, self._schema)
                        writers[number].write_batch(chosen)
        finally:
            for writer in writers.values():
                writer.close()

    def slice(self, start: int, end: int) -> dict[str, pa.Array[Any]]:
        """Texts at the places `start` to `end`, exclusive; null where none was kept.

        Cheap for slices in ascending order: each part is read once.
        """
        pieces: list[pa.Table] = [self._schema.empty_table().drop_columns([_PLACE])]
        at = start
        while at < end:
            number, offset = divmod(at, self._part_rows)
            length = min(end - at, self._part_rows - offset)
            pieces.append(self._read(number).slice(offset, length))
            at += length
        joined = pa.concat_tables(pieces)
        columns: dict[str, Any] = {name: joined.column(name) for name in joined.column_names}
        return {name: column.combine_chunks().cast(pa.string()) for name, column in columns.items()}

    def _path(self, number: int) -> Path:
        assert self._folder is not None  # only an order of several parts has files
        return Path(self._folder.name) / f"{number:05}.arrows"

    def _read(self, number: int) -> pa.Table:
        """One part, a row a place."""
        if self._part is None or self._part[0] != number:
            batches = self._kept
            if self._folder is not None:
                path = self._path(number)
                batches = []
                if path.exists():
                    with pa.ipc.open_stream(path.read_bytes()) as stream:
                        batches = list(stream)
            self._part = (
                number,
                self._aligned(pa.Table.from_batches(batches, self._schema), number),
            )
        return self._part[1]

    def _aligned(self, rows: pa.Table, number: int) -> pa.Table:
        start = number * self._part_rows
        at = np.full(min(self._part_rows, self._length - start), -1, np.int64)
        at[rows.column(_PLACE).to_numpy() - start] = np.arange(len(rows))
        found = rows.drop_columns([_PLACE]).combine_chunks()
        return found.take(pa.array(at, mask=at < 0))
