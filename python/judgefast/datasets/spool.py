"""Rows in the order of the data, on their way into run order.

What fits into memory stays there; beyond, rows are dealt into files by the top of their shuffle
key, each small enough to be sorted in memory.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from judgefast._native import limit_keys, shuffle_keys
from judgefast.datasets.buffers import numbers, values_of
from judgefast.datasets.rows import batch_of, rows_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from judgefast.datasets.items import Item

BUCKET_BYTES = 32 * 2**20
"""Rows that are sorted in memory at a time, before they are copied in order. Bytes in Arrow."""

MAX_BUCKETS = 200
"""Files open at a time; some systems allow 256. Beyond 6 GB buckets grow."""

DEAL_BYTES = 16 * 2**20
"""Rows that are dealt at a time, so that buckets do not consist of crumbs."""

KEPT_BYTES = 31 * 2**20
"""Just below the most that glibc counts: 32 MiB with its own header."""

WHOLE_BYTES = 64 * 2**10
"""Slices of a bucket that are so large on average are written as they are."""

SEED_LIMIT = 1 << 64


class Spool:
    """Rows of a data set, with the keys they will be sorted and drawn by."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int,
        limit: int | None,
        expected_bytes: int | None,
        texts: bool,
    ) -> None:
        """Start with nothing.

        Args:
            folder: Where files go.
            seed: Of the shuffle and the sample.
            limit: Keep the rows of so many items, drawn by hash.
            expected_bytes: Of the data in memory, about; None where it cannot be known.
            texts: False keeps the hashes of texts only.

        """
        # The allocator of glibc keeps pieces for the next chunk, and clears no fresh memory for it,
        # up to the size of the largest that was ever given back. This one is never touched.
        np.empty(KEPT_BYTES, dtype=np.uint8)
        self._folder = folder
        self._seed = seed
        self._limit = limit
        self._texts = texts
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

    def add(self, items: Sequence[Item], hashes: bytes) -> None:
        """Append a chunk with its item hashes, less what is out of the sample already."""
        shuffle = shuffle_keys([item.cluster for item in items], self._seed)
        draw = np.zeros(len(items), dtype=np.uint64)
        # In the order of buckets, so that the part of each can be cut out.
        bucket = self._bucket_of(shuffle)
        order = np.argsort(bucket, kind="stable")
        if self._limit is not None:
            draw = limit_keys([item.item_id for item in items], self._seed)
            self._draw(draw, self._limit)
            order = order[draw[order] <= self._cut]
        if not len(order):
            return
        of_item = np.frombuffer(hashes, dtype="V16")[order]
        batch = batch_of([items[place] for place in order.tolist()], texts=self._texts)
        columns = [
            *batch.columns,
            numbers(shuffle[order]),
            numbers(draw[order]),
            pa.FixedSizeBinaryArray.from_buffers(
                pa.binary(16), len(order), [None, pa.py_buffer(of_item.tobytes())]
            ),
        ]
        keyed = pa.RecordBatch.from_arrays(columns, schema=self._schema)
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

    def _bucket_of(self, shuffle: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Bucket of each key: they rise together."""
        # Top 32 bits times the count: no wider integer is needed, and order is kept.
        top = shuffle >> np.uint64(32)
        return (top * np.uint64(self._count)) >> np.uint64(32)

    def _deal(self) -> None:
        """Put what is held into its buckets."""
        held, self._held, self._held_bytes = self._held, [], 0
        parts: dict[int, list[pa.RecordBatch]] = {}
        for batch in held:
            bucket = self._bucket_of(values_of(batch.column("shuffle_key")))
            edges = [0, *(np.flatnonzero(np.diff(bucket)) + 1).tolist(), len(bucket)]
            for start, end in pairwise(edges):
                parts.setdefault(int(bucket[start]), []).append(batch.slice(start, end - start))
        for number, slices in parts.items():
            if number not in self._writers:
                self._writers[number] = _writer(self._path(number), self._schema)
            for part in _of_some_size(slices):
                self._writers[number].write_batch(part)

    def _draw(self, keys: NDArray[np.uint64], limit: int) -> None:
        self._best = np.concatenate([self._best, keys[keys <= self._cut]])
        if len(self._best) > limit:
            self._best = np.partition(self._best, limit - 1)[:limit]
            self._cut = self._best.max()

    def _sample(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        draw = values_of(batch.column("limit_key"))
        is_in = draw <= self._cut
        return batch if is_in.all() else batch.take(numbers(np.flatnonzero(is_in)))

    def _table(self, batches: Any) -> pa.Table:  # noqa: ANN401 - an iterable of batches
        return pa.Table.from_batches(map(self._sample, batches), self._schema)

    def _path(self, number: int) -> Path:
        return self._folder / f"bucket-{number:05d}.arrow"


def _of_some_size(slices: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Join slices, unless they are so large that the copy takes longer than what it spares."""
    if len(slices) == 1 or sum(part.nbytes for part in slices) >= WHOLE_BYTES * len(slices):
        return slices
    return [pa.concat_batches(slices, memory_pool=pa.system_memory_pool())]


def _writer(path: Path, schema: pa.Schema) -> ipc.RecordBatchStreamWriter:
    # Not packed: it is read once and removed, and packing takes longer than writing.
    return ipc.new_stream(str(path), schema)


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    # Mapped, not read: rows are copied once, into their order, and from where they lie.
    with pa.memory_map(str(path)) as file, ipc.open_stream(file) as reader:
        yield from reader
