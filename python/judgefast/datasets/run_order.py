"""Items -> the `rows` table in run order, by external sorting.

Run order is the seeded shuffle of clusters. Items are spooled as they are read, since duplicate
checks, hashes and the shuffle need them all: dealt into buckets by the top of their shuffle key
(`spool`). Then each bucket, small enough for memory, is sorted and written.
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
from pyarrow import compute, parquet

from judgefast._native import shuffle_keys
from judgefast.datasets.buffers import numbers, values_of
from judgefast.datasets.identity import IDENTITY_MODULUS
from judgefast.datasets.rows import ROWS_FOLDER, rows_schema
from judgefast.datasets.spool import SEED_LIMIT, Spool
from judgefast.errors import ConfigError, RunDirectoryError
from judgefast.files import disk_errors, sync_file, sync_folder
from judgefast.formats import mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgefast.datasets.reader import ItemReader

PART_ROWS = 65_536
GROUP_ROWS = 2_048
_DICTIONARY: Any = ["answers.list.element.model"]
"""Columns whose values come again and again."""
_WORDS = 4
_ORDER = ("shuffle_key", "cluster", "item_id")


class SnapshotSummary(msgspec.Struct, frozen=True):
    """What was written."""

    items: int
    sampled_out: int
    """Items that were read and are not in the sample of `limit`."""
    parts: int
    identity: str
    """Sum of the item hashes written mod 2^128, 32 hex digits."""


def snapshot(
    reader: ItemReader, folder: Path, *, seed: int, limit: int | None = None, texts: bool = True
) -> SnapshotSummary:
    """Read all items and write `rows/part-00000.parquet`, ... of a run directory.

    Args:
        reader: From `read_items`, not used yet.
        folder: The run directory; it exists, and holds no rows.
        seed: Of the shuffle and the sample. 0 to 2^64 - 1.
        limit: Keep this many items, drawn by hash: adding rows to the data changes the sample
            only by the added ones. All by default.
        texts: False keeps the hashes of texts only.

    Raises:
        DataError: As `read_items`. Nothing is left behind.
        RunDirectoryError: The folder holds rows already, or the disk is full or fails.

    """
    if not 0 <= seed < SEED_LIMIT or (limit is not None and limit < 1):
        message = f"seed is {seed}, limit is {limit}: a seed is 0 to 2^64 - 1, a limit at least 1"
        raise ConfigError(message)
    final = Path(folder) / ROWS_FOLDER
    if final.exists() and any(final.iterdir()):
        message = f"`{folder}` holds rows already"
        raise RunDirectoryError(message, hint="resume that run, or name another directory")
    with _work_folder(folder) as work:
        with disk_errors(final):
            spool = Spool(
                work, seed=seed, limit=limit, expected_bytes=reader.expected_bytes, texts=texts
            )
        for chunk in reader.chunks():  # errors of reading are the reader's, or the iterable's own
            with disk_errors(final):
                spool.add(chunk.items, chunk.hashes)
        with disk_errors(final):
            out = _written(spool, work, final)
    return SnapshotSummary(
        items=out.rows,
        sampled_out=reader.summary.items - out.rows,
        parts=out.parts,
        identity=f"{out.identity % IDENTITY_MODULUS:032x}",
    )


def _written(spool: Spool, work: Path, final: Path) -> _Parts:
    """Sort what was spooled and put it in place."""
    out = _Parts(work / ROWS_FOLDER)
    for bucket in spool.buckets():
        for table in _sorted(bucket):
            out.write(table)
    out.close()
    if final.exists():
        final.rmdir()
    sync_folder(work / ROWS_FOLDER)
    (work / ROWS_FOLDER).rename(final)
    sync_folder(final.parent)
    return out


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    with disk_errors(folder):
        work = Path(tempfile.mkdtemp(prefix=".rows-", dir=folder))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def in_run_order(batch: pa.RecordBatch, *, seed: int) -> pa.RecordBatch:
    """Sort rows that are in memory as `snapshot` sorts a run's."""
    clusters: Any = batch.column("cluster")
    keyed = batch.append_column("shuffle_key", numbers(shuffle_keys(clusters.to_pylist(), seed)))
    keys: Any = [(name, "ascending") for name in _ORDER]
    return batch.take(compute.sort_indices(keyed, sort_keys=keys))


def _sorted(table: pa.Table) -> Iterator[pa.Table]:
    """Rows in run order, a row group at a time."""
    if not table.num_rows:
        return
    keys: Any = [(name, "ascending") for name in _ORDER]
    order = compute.sort_indices(table, sort_keys=keys)
    pieces = _pieces(table)
    for start in range(0, len(order), GROUP_ROWS):
        rows = order.slice(start, GROUP_ROWS)
        yield pa.Table.from_batches([_taken(pieces, rows)])


def _pieces(table: pa.Table) -> list[pa.RecordBatch]:
    """The table in one piece, or in a few where texts are more than the 2 GiB that one holds."""
    # The default pool gives large pieces back at once, and fresh memory costs more than the copy.
    whole = table.combine_chunks(memory_pool=pa.system_memory_pool())
    pieces: list[pa.RecordBatch] = whole.to_batches()
    return pieces


def _taken(pieces: list[pa.RecordBatch], rows: pa.Array[Any]) -> pa.RecordBatch:
    """Take rows; Arrow would join all pieces for it, and fail."""
    pool = pa.system_memory_pool()
    if len(pieces) == 1:
        return compute.take(pieces[0], rows, memory_pool=pool)
    starts = np.cumsum([0, *(piece.num_rows for piece in pieces)])
    places = values_of(rows).astype(np.int64)
    piece_of = np.searchsorted(starts, places, side="right") - 1
    parts = []
    for number in np.unique(piece_of).tolist():
        inside = numbers(places[piece_of == number] - starts[number])
        parts.append(compute.take(pieces[number], inside, memory_pool=pool))
    (joined,) = pa.Table.from_batches(parts).combine_chunks(memory_pool=pool).to_batches()
    back = np.argsort(np.argsort(piece_of, kind="stable"), kind="stable")
    return compute.take(joined, numbers(back), memory_pool=pool)


class _Parts:
    """Parquet files of the table, of equal length but for the last."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.rows = 0
        self.parts = 0
        self.identity = 0
        self._folder = folder
        self._room = 0
        self._writer: parquet.ParquetWriter | None = None
        self._path = folder

    def write(self, table: pa.Table) -> None:
        """Append sorted rows."""
        self.identity += _sum(table.column("item_hash"))
        table = table.select(rows_schema().names)
        done = 0
        while done < table.num_rows:
            if not self._room:
                self._next()
            rows = min(self._room, table.num_rows - done)
            assert self._writer is not None  # `_next` opened it
            self._writer.write_table(table.slice(done, rows), row_group_size=GROUP_ROWS)
            done += rows
            self._room -= rows
            self.rows += rows

    def _next(self) -> None:
        self.close()
        self._path = self._folder / f"part-{self.parts:05d}.parquet"
        self._writer = parquet.ParquetWriter(
            self._path,
            rows_schema().with_metadata(mark(ROWS_FOLDER)),
            # Texts are written once and read twice in a run; zstd takes half the room and twice as
            # long.
            compression="lz4",
            # Statistics of long texts would be written whole, twice a row group.
            write_statistics=["item_id", "cluster_id64", "row"],
            use_dictionary=_DICTIONARY,
            write_page_checksum=True,
        )
        self.parts += 1
        self._room = PART_ROWS

    def close(self) -> None:
        """Finish the last part; it is on the disk when this returns."""
        if self._writer is None:
            return
        self._writer.close()
        self._writer = None
        sync_file(self._path)


def _sum(hashes: pa.ChunkedArray[Any]) -> int:
    """Sum of 16-byte little-endian integers, by 32-bit words so that nothing overflows."""
    total = 0
    for chunk in hashes.chunks:
        data: Any = chunk.buffers()[1]
        words = np.frombuffer(data, dtype="<u4").reshape(-1, _WORDS)
        words = words[chunk.offset : chunk.offset + len(chunk)]
        sums: Sequence[int] = words.sum(axis=0, dtype=np.uint64).tolist()
        total += sum(word << (32 * place) for place, word in enumerate(sums))
    return total
