"""The bootstrap of a mean from its histogram: clusters that came out alike are drawn together.

A mean of few distinct sums needs no walk over its clusters: how often each sum is drawn is
multinomial, whatever the number of clusters. The draws of one slice say nothing of another's, so
this is for means that are looked at alone.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast import _native
from judgefast.codes import FIXED_ONE
from judgefast.stats.integers import integer_columns
from judgefast.stats.replicates import HISTOGRAM, Replicates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.stats.replicates import Resampling

_EXACT = 1 << 53
_CELLS = 1 << 22
"""Most counts that are held at once."""

MOST_BINS = 4096
"""Distinct sums above which drawing bins is no shorter than walking over clusters."""


def histogram_means(  # noqa: PLR0913, PLR0917 - the columns of `replicate_means`
    cluster_id64: NDArray[np.uint64],
    value: NDArray[np.int64],
    weight: NDArray[np.uint8],
    slice_: NDArray[np.uint32],
    num_slices: int,
    resampling: Resampling,
) -> list[Replicates | None]:
    """Resample the clusters of each slice, multinomially, from the histogram of their sums.

    Args:
        cluster_id64: Resampling id of each row. Shape (n,).
        value: Multiples of 2^-24. Shape (n,).
        weight: 1 to 6; 0 leaves the row out. Shape (n,).
        slice_: Slice of each row, below `num_slices`; each has a row. Shape (n,).
        num_slices: How many slices there are.
        resampling: Seed and number of replicates; each slice begins with the seed anew.

    Returns:
        Replicates of each slice; None for one with more than `MOST_BINS` distinct sums. The draws
        are those of numpy's `Generator(PCG64(seed))`, over the distinct pairs of sums in ascending
        order; another version of numpy may draw others.

    Raises:
        ColumnError: As for `cluster_moments`, or sums of one cluster that leave 64 bits.

    Source:
        Efron 1979, Annals of Statistics 7(1), section 3: the multinomial form of the bootstrap.

    """
    bootstrap = HistogramBootstrap(num_slices, resampling=resampling)
    bootstrap.add_shard(cluster_id64, value, weight, slice_)
    return bootstrap.replicates()


class HistogramBootstrap:
    """The same from rows that come in shards, no cluster in two of them.

    Args:
        num_slices: How many slices there are, at least 1.
        resampling: Seed and number of replicates; each slice begins with the seed anew.

    """

    def __init__(self, num_slices: int, *, resampling: Resampling) -> None:
        self._resampling = resampling
        self._too_many = np.zeros(num_slices, np.bool_)
        self._bins: list[NDArray[Any]] = []
        """Slice, both sums and clusters of each bin, ascending."""

    def add_shard(
        self,
        cluster_id64: NDArray[np.uint64],
        value: NDArray[np.int64],
        weight: NDArray[np.uint8],
        slice_: NDArray[np.uint32],
    ) -> None:
        """Count the clusters of a shard by their sums; columns as for `histogram_means`.

        Raises:
            ColumnError: As for `histogram_means`.

        """
        num_slices = len(self._too_many)
        bins: list[NDArray[Any]] = list(
            _native.cluster_histogram(
                *integer_columns(cluster_id64, value, weight, slice_), num_slices
            )
        )
        if self._bins:
            bins = _merged([np.concatenate(both) for both in zip(self._bins, bins, strict=True)])
        self._too_many |= np.bincount(bins[0], minlength=num_slices) > MOST_BINS
        kept = ~self._too_many[bins[0]]
        self._bins = [column[kept] for column in bins]

    def replicates(self) -> list[Replicates | None]:
        """Replicates of each slice, as of `histogram_means`."""
        codes, s, w, clusters = self._bins
        ends = np.searchsorted(codes, np.arange(len(self._too_many) + 1))
        return [
            None
            if too_many
            else Replicates(
                draw_means(s[begin:end], w[begin:end], clusters[begin:end], self._resampling),
                self._resampling.seed,
                HISTOGRAM,
            )
            for too_many, (begin, end) in zip(
                self._too_many.tolist(), pairwise(ends.tolist()), strict=True
            )
        ]


def _merged(bins: list[NDArray[Any]]) -> list[NDArray[Any]]:
    """Bins of two shards, those with the same sums as one."""
    codes, s, w, clusters = bins
    order = np.lexsort((w, s, codes))
    codes, s, w = codes[order], s[order], w[order]
    is_first = np.ones(len(order), np.bool_)
    is_first[1:] = (np.diff(codes) > 0) | (np.diff(s) != 0) | (np.diff(w) != 0)
    starts = np.flatnonzero(is_first)
    return [codes[starts], s[starts], w[starts], np.add.reduceat(clusters[order], starts)]


def draw_means(
    s: NDArray[np.int64],
    w: NDArray[np.int64],
    clusters: NDArray[np.integer],
    resampling: Resampling,
) -> NDArray[np.float64]:
    """Draw the bins of one histogram again and again, and take the mean of each draw.

    Args:
        s: Sum of weight times value within a cluster of each bin, in units of 2^-24. Shape (k,).
        w: Sum of weights within a cluster of each bin. Shape (k,).
        clusters: Clusters in each bin; at least one. Shape (k,).
        resampling: Seed and number of replicates.

    Returns:
        Exact sums of each draw, divided and rounded once. Shape (replicates,).

    """
    total = int(clusters.sum())
    largest = max(int(np.abs(s).max()), int(w.max())) * total
    # Doubles hold every sum exactly, or else Python's integers do; both divide with one rounding.
    kind = object if largest >= _EXACT else np.float64
    s, w = s.astype(kind), w.astype(kind)
    draws = np.random.Generator(np.random.PCG64(resampling.seed))
    means = np.empty(resampling.replicates)
    block = max(_CELLS // len(s), 1)
    for begin in range(0, resampling.replicates, block):
        size = min(block, resampling.replicates - begin)
        drawn = draws.multinomial(total, clusters / total, size=size).astype(kind)
        means[begin : begin + size] = (drawn @ s) / ((drawn @ w) * FIXED_ONE)
    return means
