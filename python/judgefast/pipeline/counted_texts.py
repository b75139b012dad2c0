"""The completions that count, by row of the plan, from a journal that holds them in any order."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pyarrow as pa

from judgefast.journal.answers import COLUMNS

if TYPE_CHECKING:
    from types import TracebackType

    from judgefast.pipeline.results import Reading

PART_ROWS = 65_536
"""Judgments whose texts are held in memory at once, at least."""

MOST_PARTS = 256
"""Files that are open at once, at most; a longer plan has longer parts."""

_SCHEMA = pa.schema([("row", pa.int64()), ("text", pa.large_string())])


class CountedTexts:
    """Texts in plan order, in bounded memory: spread over files by plan row, read back in turn.

    A context manager: the files, which a plan of one part does not need, go at its end.
    """

    def __init__(self, reading: Reading, *, part_rows: int = PART_ROWS) -> None:
        self._reading = reading
        self._length = len(reading.plan)
        self._part_rows = max(part_rows, -(-self._length // MOST_PARTS))
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._held: tuple[int, pa.Array[Any]] = (-1, pa.nulls(0, pa.string()))

    def __enter__(self) -> Self:
        """Go through the journal once."""
        if self._length <= self._part_rows:
            batches = [batch for batch, _ in self._counted()]
            self._held = (0, self._aligned(pa.Table.from_batches(batches, _SCHEMA), 0))
        else:
            self._folder = tempfile.TemporaryDirectory(prefix="judgefast-")
            self._spread()
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

    def slice(self, start: int, end: int) -> pa.Array[Any]:
        """Texts of the judgments `start` to `end`, exclusive; null where nothing was said.

        Cheap for slices in ascending order: each part is read once.
        """
        pieces: list[pa.Array[Any]] = []
        at = start
        while at < end:
            part, offset = divmod(at, self._part_rows)
            length = min(end - at, self._part_rows - offset)
            pieces.append(self._part(part).slice(offset, length))
            at += length
        texts: pa.Array[Any] = pa.concat_arrays(pieces) if pieces else pa.nulls(0, pa.string())
        return texts.cast(pa.string())

    def _counted(self) -> Any:  # noqa: ANN401 - pairs of a batch and its plan rows
        answers = self._reading.table.answers
        for batch in self._reading.directory.completions([*COLUMNS, "text"]):
            counted = np.flatnonzero(answers.counts(batch))
            if len(counted):
                requests = answers.rows(batch.column("request_id"))[counted]
                places, rows = answers.sharing.judgments_of(requests)
                text: Any = batch.column("text").take(pa.array(counted[places]))
                yield pa.record_batch([pa.array(rows), text.cast(pa.large_string())], _SCHEMA), rows

    def _spread(self) -> None:
        writers: dict[int, Any] = {}
        try:
            for batch, rows in self._counted():
                part = rows // self._part_rows
                for number in np.unique(part).tolist():
                    if number not in writers:
                        writers[number] = pa.ipc.new_stream(str(self._path(number)), _SCHEMA)
                    chosen = pa.array(np.flatnonzero(part == number))
                    writers[number].write_batch(batch.take(chosen))
        finally:
            for writer in writers.values():
                writer.close()

    def _path(self, number: int) -> Path:
        assert self._folder is not None  # only a plan of several parts has files
        return Path(self._folder.name) / f"{number:05}.arrows"

    def _part(self, number: int) -> pa.Array[Any]:
        if self._held[0] != number:
            path = self._path(number)
            table = pa.Table.from_batches([], _SCHEMA)
            if path.exists():
                with pa.ipc.open_stream(path.read_bytes()) as stream:
                    table = stream.read_all()
            self._held = (number, self._aligned(table, number))
        return self._held[1]

    def _aligned(self, table: pa.Table, number: int) -> pa.Array[Any]:
        """One text for each row of a part."""
        start = number * self._part_rows
        place = np.full(min(self._part_rows, self._length - start), -1, np.int64)
        place[table.column("row").to_numpy() - start] = np.arange(len(table))
        texts: Any = table.column("text").combine_chunks()
        aligned: pa.Array[Any] = texts.take(pa.array(place, mask=place < 0))
        return aligned
