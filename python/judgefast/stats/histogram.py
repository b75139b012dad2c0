"""The bootstrap of a mean from its histogram: clusters that came out alike are drawn together.

A mean of few distinct sums needs no walk over its clusters: how often each sum is drawn is
multinomial, whatever the number of clusters. The draws of one slice say nothing of another's, so
this is for means that are looked at alone.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from judgefast import _native
from judgefast.codes import FIXED_ONE
from judgefast.stats.replicates import HISTOGRAM, Replicates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.stats.replicates import Resampling

_SAFE = 1 << 62
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
    codes, s, w, clusters = _native.cluster_histogram(
        np.ascontiguousarray(cluster_id64, dtype=np.uint64),
        np.ascontiguousarray(value, dtype=np.int64),
        np.ascontiguousarray(weight, dtype=np.uint8),
        np.ascontiguousarray(slice_, dtype=np.uint32),
        num_slices,
    )
    ends = np.searchsorted(codes, np.arange(num_slices + 1))
    return [
        None
        if end - begin > MOST_BINS
        else Replicates(
            _draw(s[begin:end], w[begin:end], clusters[begin:end], resampling),
            resampling.seed,
            HISTOGRAM,
        )
        for begin, end in pairwise(ends.tolist())
    ]


def _draw(
    s: NDArray[np.int64], w: NDArray[np.int64], clusters: NDArray[np.int64], resampling: Resampling
) -> NDArray[np.float64]:
    """Means of one slice under each draw, each rounded once."""
    total = int(clusters.sum())
    largest = max(int(np.abs(s).max()), int(w.max())) * total
    s, w = (column.astype(object if largest >= _SAFE else np.int64) for column in (s, w))
    draws = np.random.Generator(np.random.PCG64(resampling.seed))
    means: list[float] = []
    block = max(_CELLS // len(s), 1)
    for begin in range(0, resampling.replicates, block):
        size = min(block, resampling.replicates - begin)
        drawn = draws.multinomial(total, clusters / total, size=size)
        tops, bottoms = (drawn @ s).tolist(), (drawn @ w).tolist()
        # Python divides integers of any size and rounds once.
        means += [top / (bottom * FIXED_ONE) for top, bottom in zip(tops, bottoms, strict=True)]
    return np.array(means)
