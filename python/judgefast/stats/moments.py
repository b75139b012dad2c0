"""Exact sums over outcomes and clusters: all that an interval is made from."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from judgefast import _native
from judgefast.codes import FIXED_ONE
from judgefast.stats.integers import integer_columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Moments(NamedTuple):
    """Sums over the clusters g of one slice, in units of 2^-24. Python integers, exact."""

    clusters: int
    outcomes: int
    w: int
    """Sum of the weights."""
    s: int
    """Sum of weight times value."""
    ss: int
    """Sum over clusters of s_g squared, where s_g is s within the cluster."""
    sw: int
    """Sum over clusters of s_g times w_g."""
    ww: int
    """Sum over clusters of w_g squared."""
    is_binary: bool
    """Whether every value is 0 or 1."""

    @property
    def mean(self) -> float | None:
        """Weighted mean, s / w, rounded once; None over no outcomes."""
        return float(Fraction(self.s, self.w * FIXED_ONE)) if self.w else None

    def plus(self, other: Moments) -> Moments:
        """Sums over both, which share no cluster."""
        return Moments(
            clusters=self.clusters + other.clusters,
            outcomes=self.outcomes + other.outcomes,
            w=self.w + other.w,
            s=self.s + other.s,
            ss=self.ss + other.ss,
            sw=self.sw + other.sw,
            ww=self.ww + other.ww,
            is_binary=self.is_binary and other.is_binary,
        )


def cluster_moments(
    cluster_id64: NDArray[np.uint64],
    value: NDArray[np.int64],
    weight: NDArray[np.uint8],
    codes: NDArray[np.integer],
    num_slices: int,
) -> list[Moments]:
    """Sum the outcomes of each slice, exactly, whatever the order of the rows.

    Args:
        cluster_id64: Resampling id of each row. Shape (n,).
        value: Multiples of 2^-24, at most 2048 in size. Shape (n,).
        weight: 1 to 6; 0 leaves the row out. Shape (n,).
        codes: Slice of each row from 0; -1 leaves the row out. Shape (n,).
        num_slices: How many slices there are.

    Returns:
        The sums of each slice, in the order of the codes.

    Raises:
        ColumnError: Columns of different length or not of integers, a number out of range, or a
            sum of squares that leaves 128 bits.

    >>> import numpy as np
    >>> ids = np.array([7, 7, 9], dtype=np.uint64)
    >>> ones = np.array([1 << 24, 0, 1 << 24])
    >>> weight = np.ones(3, dtype=np.uint8)
    >>> moments = cluster_moments(ids, ones, weight, np.zeros(3, dtype=np.int32), 1)[0]
    >>> moments.clusters, moments.outcomes, moments.w, moments.s >> 24, moments.ww
    (2, 3, 3, 2, 5)

    """
    columns = integer_columns(cluster_id64, value, weight, codes)
    return [Moments(*row) for row in _native.cluster_moments(*columns, max(num_slices, 1))]
