"""Rows in the order of the data, on their way into run order.

What fits into memory stays there; beyond, rows are dealt into files by the top of their shuffle
key, each small enough to be sorted in memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import compute, ipc

from judgefast._native import limit_keys, shuffle_keys
from judgefast.datasets.rows import rows_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

BUCKET_BYTES = 32 * 2**20
"""Rows that are sorted in memory at a time, before they are copied in order. Bytes in Arrow."""

MAX_BUCKETS = 200
"""Files open at a time; some systems allow 256. Beyond 6 GB buckets grow."""

DEAL_BYTES = 16 * 2**20
"""Rows that are dealt at a time, so that buckets do not consist of crumbs."""

SEED_LIMIT = 1 << 64


class Spool:
    """Rows of a data set, with the keys they will be sorted and drawn by."""

    def __init__(
        self, folder: Path, *, seed: int, limit: int | None, expected_bytes: int | None
    ) -> None:
        """Start with nothing.

        Args:
            folder: Where files go.
            seed: Of the shuffle and the sample.
            limit: Keep the rows of so many items, drawn by hash.
            expected_bytes: Of the data in memory, about; None where it cannot be known.

        """
        self._folder = folder
        self._seed = seed
        self._limit = limit
        expected = MAX_BUCKETS if expected_bytes is None else -(-expected_bytes // BUCKET_BYTES)
        self._count = max(1, min(expected, MAX_BUCKETS))
        self._cut = np.uint64(SEED_LIMIT - 1)
        self._best: NDArray[np.uint64] = np.empty(0, dtype=np.uint64)
        self._held: list[pa.RecordBatch] = []
        self._held_bytes = 0
        self._writers: dict[int, ipc.RecordBatchStreamWriter] = {}
        self._schema = (
            rows_schema()
            .append(pa.field("shuffle_key", pa.uint64()))
            .append(pa.field("limit_key", pa.uint64()))
            .append(pa.field("item_hash", pa.binary(16)))
        )

    def add(self, batch: pa.RecordBatch, hashes: bytes) -> None:
        """Append a chunk, less the rows that are out of the sample already."""
        if not batch.num_rows:
            return
        shuffle = shuffle_keys(strings(batch, "cluster"), self._seed)
        draw = np.zeros(batch.num_rows, dtype=np.uint64)
        if self._limit is not None:
            draw = limit_keys(strings(batch, "item_id"), self._seed)
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
            keyed = self._sample(keyed)
        self._held.append(keyed)
        self._held_bytes += keyed.nbytes
        if self._held_bytes >= (DEAL_BYTES if self._writers else BUCKET_BYTES):
            self._deal()

    def buckets(self) -> Iterator[pa.Table]:
        """Rows of the sample, bucket after bucket, each with higher shuffle keys than the last."""
        if not self._writers:
            yield self._table(self._held)
            return
        self._deal()
        for writer in self._writers.values():
            writer.close()
        for number in sorted(self._writers):
            path = self._path(number)
            yield self._table(_batches(path))
            path.unlink()

    def _deal(self) -> None:
        """Put what is held into its buckets."""
        held, self._held, self._held_bytes = self._held, [], 0
        if not held:
            return
        pool = pa.system_memory_pool()
        table = pa.Table.from_batches(held, self._schema).combine_chunks(memory_pool=pool)
        # Top 32 bits times the count: no wider integer is needed, and order is kept.
        top = table.column("shuffle_key").to_numpy() >> np.uint64(32)
        bucket = (top * np.uint64(self._count)) >> np.uint64(32)
        order = np.argsort(bucket, kind="stable")
        (rows,) = table.to_batches()
        edges = np.searchsorted(bucket[order], np.arange(self._count + 1, dtype=np.uint64))
        for number in range(self._count):
            start, end = edges[number : number + 2].tolist()
            if start == end:
                continue
            if number not in self._writers:
                self._writers[number] = _writer(self._path(number), self._schema)
            part = compute.take(rows, pa.array(order[start:end]), memory_pool=pool)
            self._writers[number].write_batch(part)

    def _draw(self, keys: NDArray[np.uint64], limit: int) -> None:
        self._best = np.concatenate([self._best, keys[keys <= self._cut]])
        if len(self._best) > limit:
            self._best = np.partition(self._best, limit - 1)[:limit]
            self._cut = self._best.max()

    def _sample(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        draw = batch.column("limit_key").to_numpy()
        is_in = draw <= self._cut
        return batch if is_in.all() else batch.filter(pa.array(is_in))

    def _table(self, batches: Any) -> pa.Table:  # noqa: ANN401 - an iterable of batches
        return pa.Table.from_batches(map(self._sample, batches), self._schema)

    def _path(self, number: int) -> Path:
        return self._folder / f"bucket-{number:05d}.arrow"


def strings(batch: pa.RecordBatch, name: str) -> list[str]:
    """A column of texts."""
    values: Any = batch.column(name)
    return list(values.to_pylist())


def _writer(path: Path, schema: pa.Schema) -> ipc.RecordBatchStreamWriter:
    # Not packed: it is read once and removed, and packing takes longer than writing.
    return ipc.new_stream(str(path), schema)


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    # Mapped, not read: rows are copied once, into their order, and from where they lie.
    with pa.memory_map(str(path)) as file, ipc.open_stream(file) as reader:
        yield from reader
