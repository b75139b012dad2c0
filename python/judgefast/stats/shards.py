"""A run cut into parts of bounded size, no cluster in two of them.

Statistics take a part at a time, so that what they need beside the columns of a run does not grow
with it. Sums of clusters are exact integers: those of the parts add up to those of the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARD_ROWS = 1 << 17
"""Judgments of a part, about. One cluster with more of them makes a larger part."""

_MOST_BITS = 16
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


class Shards:
    """Which part each item is in: by its cluster, whatever order the items are in."""

    def __init__(self, cluster_id64: NDArray[np.uint64], rows: int) -> None:
        """Cut items into parts.

        Args:
            cluster_id64: Resampling id of each item. Shape (n,).
            rows: Judgments of the run.

        """
        bits = min((max(rows - 1, 0) // SHARD_ROWS).bit_length(), _MOST_BITS)
        self.number = 1 << bits
        """How many parts there are."""
        spread = cluster_id64 * _SPREAD
        spread >>= np.uint64(64 - _MOST_BITS)
        spread >>= np.uint64(_MOST_BITS - bits)
        self._of_item = spread.astype(np.uint8 if bits <= 8 else np.uint16)  # noqa: PLR2004 - a byte

    def rows(self, shard: int, item: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Rows of a part, ascending; `item` is the item of each row of a table."""
        return np.flatnonzero(self._of_item[item] == shard)
