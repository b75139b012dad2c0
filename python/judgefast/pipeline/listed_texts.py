"""Texts of some outcomes of a run in an order of one's own, in bounded memory.

What a person should look at stands by level and spread, the run's texts by its plan. They are gone
through once and spread over files, a file a part of the list, which are read back in turn.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from judgefast.pipeline.judgment_rows import judgment_batches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from numpy.typing import NDArray

    from judgefast.pipeline.results import Reading

MOST_PARTS = 256
"""Files that are open at once, at most; a longer list has longer parts."""

_PLACE = "place in the list"


def part_rows_of(length: int, least: int) -> int:
    """Rows of a part of a list: `least`, or what makes `MOST_PARTS` of it."""
    return max(least, -(-length // MOST_PARTS))


class ListedTexts:
    """Columns of `judgments` at chosen outcomes. A context manager: its files go at its end.

    Args:
        reading: The run.
        rows: Outcome of each row of the list; negative where the run has none. Shape (n,).
        names: Columns of `judgments` that hold strings.
        part_rows: Rows of a part.

    """

    def __init__(
        self, reading: Reading, rows: NDArray[np.int64], names: Sequence[str], part_rows: int
    ) -> None:
        self._reading = reading
        self._rows = rows
        self._names = list(names)
        self._part_rows = part_rows
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._held: list[pa.RecordBatch] = []

    def __enter__(self) -> Self:
        """Go through the run's texts once."""
        if len(self._rows) <= self._part_rows:
            self._held = [batch for _, batch in self._found()]
            return self
        self._folder = tempfile.TemporaryDirectory(prefix="judgefast-")
        try:
            self._spread()
        except BaseException:  # raised again: no file stays
            self._folder.cleanup()
            raise
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

    def part(self, number: int) -> dict[str, pa.Array[Any]]:
        """Columns of one part of the list; null where the run has no such outcome."""
        start = number * self._part_rows
        place = np.full(min(self._part_rows, len(self._rows) - start), -1, np.int64)
        batches = self._read(number)
        if not batches:
            return {name: pa.nulls(len(place), pa.string()) for name in self._names}
        held = pa.Table.from_batches(batches).combine_chunks()
        place[held.column(_PLACE).to_numpy() - start] = np.arange(len(held))
        taken = held.take(pa.array(place, mask=place < 0)).combine_chunks()
        columns: dict[str, Any] = {name: taken.column(name) for name in self._names}
        return {name: column.combine_chunks() for name, column in columns.items()}

    def _found(self) -> Iterator[tuple[NDArray[np.int64], pa.RecordBatch]]:
        """What is listed of each batch of the run: places in the list, and columns with them."""
        by_row = np.argsort(self._rows, kind="stable")
        wanted = self._rows[by_row]
        base = 0
        if len(wanted) and wanted[-1] >= 0:
            for batch in judgment_batches(self._reading):
                first, last = np.searchsorted(wanted, [base, base + batch.num_rows])
                if last > first:
                    places = by_row[first:last]
                    taken = batch.select(self._names).take(pa.array(wanted[first:last] - base))
                    columns = [pa.array(places), *taken.columns]
                    yield places, pa.record_batch(columns, names=[_PLACE, *self._names])
                base += batch.num_rows

    def _spread(self) -> None:
        writers: dict[int, Any] = {}
        try:
            for places, batch in self._found():
                part = places // self._part_rows
                for number in np.unique(part).tolist():
                    if number not in writers:
                        path = str(self._path(number))
                        writers[number] = pa.ipc.new_stream(path, batch.schema)
                    chosen = pa.array(np.flatnonzero(part == number))
                    writers[number].write_batch(batch.take(chosen))
        finally:
            for writer in writers.values():
                writer.close()

    def _path(self, number: int) -> Path:
        assert self._folder is not None  # only a list of several parts has files
        return Path(self._folder.name) / f"{number:05}.arrows"

    def _read(self, number: int) -> list[pa.RecordBatch]:
        if self._folder is None:
            return self._held
        path = self._path(number)
        if not path.exists():
            return []
        with pa.ipc.open_stream(path.read_bytes()) as stream:
            return list(stream)
