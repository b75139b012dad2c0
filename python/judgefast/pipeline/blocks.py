"""Rows of a run in blocks: what is planned together.

A block is whole clusters, which stand side by side in the order of the run, up to so many items; a
longer cluster is cut. Prompts are ordered, shared and asked once inside a block, so that planning
takes the same memory however long a run is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.datasets.buffers import values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

BLOCK_ITEMS = 512
"""Most items of a block."""


def blocks_of(batches: Iterable[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    """Cut rows into blocks, the same ones however the rows come.

    Args:
        batches: Rows in run order.

    Yields:
        The rows of a block, none of them copied.

    """
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        while sum([each.num_rows for each in held]) > BLOCK_ITEMS:
            end = _last_cluster_end(held)
            block = []
            while end:
                first = held.pop(0)
                block.append(first.slice(0, end))
                if first.num_rows > end:
                    held.insert(0, first.slice(end))
                end -= block[-1].num_rows
            yield block
    if held:
        yield held


def _last_cluster_end(batches: list[pa.RecordBatch]) -> int:
    """Rows of the clusters that fit a block whole, of more than it holds; else all of it."""
    columns = [values_of(batch.column("cluster_id64")[: BLOCK_ITEMS + 1]) for batch in batches]
    clusters = np.concatenate(columns)[: BLOCK_ITEMS + 1]
    ends = np.flatnonzero(clusters[1:] != clusters[:-1]) + 1
    return int(ends[-1]) if len(ends) else BLOCK_ITEMS
