"""Items -> the `rows` table in run order, by external sorting.

Run order is the seeded shuffle of clusters. Items are spooled as they are read, since duplicate
checks, hashes and the shuffle need them all; then they are dealt into buckets by the top of their
shuffle key, and each bucket, small enough for memory, is sorted and written.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
from pyarrow import compute, ipc, parquet

from judgefast._native import limit_keys, shuffle_keys
from judgefast.datasets.identity import IDENTITY_MODULUS
from judgefast.datasets.rows import ROWS_FOLDER, batch_of, rows_schema
from judgefast.errors import ConfigError, RunDirectoryError
from judgefast.formats import mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from judgefast.datasets.reader import ItemReader

BUCKET_BYTES = 128 * 2**20
"""Rows that are sorted in memory at a time, before they are copied in order. Bytes in Arrow."""
MAX_BUCKETS = 200
"""Files open at a time; some systems allow 256. Beyond 25 GB buckets grow."""
DEAL_BYTES = 32 * 2**20
"""Rows that are dealt into buckets at a time, so that buckets do not consist of crumbs."""
PART_ROWS = 65_536
GROUP_ROWS = 2_048
_DICTIONARY: Any = ["answers.list.element.model"]
"""Columns whose values come again and again."""
_WORDS = 4
_ORDER = ("shuffle_key", "cluster", "item_id")
_SEED_LIMIT = 1 << 64


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
    if not 0 <= seed < _SEED_LIMIT or (limit is not None and limit < 1):
        message = f"seed is {seed}, limit is {limit}: a seed is 0 to 2^64 - 1, a limit at least 1"
        raise ConfigError(message)
    final = Path(folder) / ROWS_FOLDER
    if final.exists() and any(final.iterdir()):
        message = f"`{folder}` holds rows already"
        raise RunDirectoryError(message, hint="resume that run, or name another directory")
    with _work_folder(folder) as work:
        with _disk_errors(final):
            spool = _Spool(work / "spool.arrow", seed, limit)
        for chunk in reader.chunks():  # errors of reading are the reader's, or the iterable's own
            with _disk_errors(final):
                spool.add(batch_of(chunk.items, texts=texts), chunk.hashes)
        with _disk_errors(final):
            out = _written(spool, work, final)
    return SnapshotSummary(
        items=out.rows,
        sampled_out=reader.summary.items - out.rows,
        parts=out.parts,
        identity=f"{out.identity % IDENTITY_MODULUS:032x}",
    )


def _written(spool: _Spool, work: Path, final: Path) -> _Parts:
    """Sort what was spooled and put it in place."""
    spool.close()
    out = _Parts(work / ROWS_FOLDER)
    for table in _buckets(spool, work):
        out.write(table)
    out.close()
    if final.exists():
        final.rmdir()
    _sync_folder(work / ROWS_FOLDER)
    (work / ROWS_FOLDER).rename(final)
    _sync_folder(final.parent)
    return out


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """A full disk is the user's to mend."""
    try:
        yield
    except OSError as error:
        message = f"cannot write `{path}`: {os.strerror(error.errno) if error.errno else error}"
        hint = "make room on the disk or let me write there, then start the same command again"
        raise RunDirectoryError(message, hint=hint) from error


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    with _disk_errors(folder):
        work = Path(tempfile.mkdtemp(prefix=".rows-", dir=folder))
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def in_run_order(batch: pa.RecordBatch, *, seed: int) -> pa.RecordBatch:
    """Sort rows that are in memory as `snapshot` sorts a run's."""
    keyed = batch.append_column(
        "shuffle_key", pa.array(shuffle_keys(_strings(batch, "cluster"), seed))
    )
    keys: Any = [(name, "ascending") for name in _ORDER]
    return batch.take(compute.sort_indices(keyed, sort_keys=keys))


class _Spool:
    """Rows in the order of the data, with the keys they will be sorted and drawn by."""

    def __init__(self, path: Path, seed: int, limit: int | None) -> None:
        self.path = path
        self.bytes = 0
        self.cut = np.uint64(_SEED_LIMIT - 1)
        """Rows above it are not in the sample."""
        self._seed = seed
        self._limit = limit
        self._best: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)
        self._schema = (
            rows_schema()
            .append(pa.field("shuffle_key", pa.uint64()))
            .append(pa.field("limit_key", pa.uint64()))
            .append(pa.field("item_hash", pa.binary(16)))
        )
        self._writer = _writer(path, self._schema)

    def add(self, batch: pa.RecordBatch, hashes: bytes) -> None:
        """Append a chunk, less the rows that are out of the sample already."""
        if not batch.num_rows:
            return
        shuffle = shuffle_keys(_strings(batch, "cluster"), self._seed)
        draw = np.zeros(batch.num_rows, dtype=np.uint64)
        if self._limit is not None:
            draw = limit_keys(_strings(batch, "item_id"), self._seed)
        columns = [
            *batch.columns,
            pa.array(shuffle),
            pa.array(draw),
            pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(16), batch.num_rows, [None, pa.py_buffer(hashes)]
            ),
        ]
        keyed = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        if self._limit is not None:
            self._draw(draw, self._limit)
            keyed = keyed.filter(pa.array(draw <= self.cut))
        self.bytes += keyed.nbytes
        self._writer.write_batch(keyed)

    def _draw(self, keys: NDArray[np.uint64], limit: int) -> None:
        self._best = np.concatenate([self._best, keys[keys <= self.cut]])
        if len(self._best) > limit:
            self._best = np.partition(self._best, limit - 1)[:limit]
            self.cut = self._best.max()

    def close(self) -> None:
        """End of the data."""
        self._writer.close()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Rows of the sample, in the order of the data."""
        for batch in _batches(self.path):
            draw = batch.column("limit_key").to_numpy()
            yield (
                batch
                if draw.max(initial=0) <= self.cut
                else batch.filter(pa.array(draw <= self.cut))
            )


def _strings(batch: pa.RecordBatch, name: str) -> list[str]:
    values: Any = batch.column(name)
    return list(values.to_pylist())


def _writer(path: Path, schema: pa.Schema) -> ipc.RecordBatchStreamWriter:
    codec = pa.Codec("lz4") if pa.Codec.is_available("lz4") else None
    return ipc.new_stream(str(path), schema, options=ipc.IpcWriteOptions(compression=codec))


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    with pa.OSFile(str(path), "rb") as file, ipc.open_stream(file) as reader:
        yield from reader


def _buckets(spool: _Spool, work: Path) -> Iterator[pa.Table]:
    """Rows of the run, bucket after bucket, sorted by shuffle key, cluster and id."""
    count = min(-(-spool.bytes // BUCKET_BYTES), MAX_BUCKETS)
    if count <= 1:
        yield _sorted(pa.Table.from_batches(spool.batches()))
        return
    paths = [work / f"bucket-{number:05d}.arrow" for number in range(count)]
    writers: dict[int, ipc.RecordBatchStreamWriter] = {}
    try:
        for table in _tables(spool.batches()):
            # Top 32 bits times the count: no wider integer is needed, and order is kept.
            top = table.column("shuffle_key").to_numpy() >> np.uint64(32)
            bucket = (top * np.uint64(count)) >> np.uint64(32)
            for number in np.unique(bucket).tolist():
                if number not in writers:
                    writers[number] = _writer(paths[number], table.schema)
                writers[number].write_table(table.filter(pa.array(bucket == number)))
    finally:
        for writer in writers.values():
            writer.close()
    spool.path.unlink()
    for number in sorted(writers):
        yield _sorted(pa.Table.from_batches(_batches(paths[number])))
        paths[number].unlink()


def _tables(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches put together until they are worth dealing."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        if size >= DEAL_BYTES:
            yield pa.Table.from_batches(held).combine_chunks()
            held, size = [], 0
    if held:
        yield pa.Table.from_batches(held).combine_chunks()


def _sorted(table: pa.Table) -> pa.Table:
    keys: Any = [(name, "ascending") for name in _ORDER]
    return table.take(compute.sort_indices(table, sort_keys=keys))


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
            compression="zstd",
            compression_level=1,
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
        with self._path.open("rb+") as file:
            os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a rename outlive a power loss; Windows has no such call."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


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
