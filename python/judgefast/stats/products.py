"""Exact sums of products of integer columns, whatever the order of the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Products = tuple[tuple[int, ...], ...]
"""Sum over rows of column i times column j, for each i and j."""

_BITS = 15
_ROWS = 1 << 22
"""Products of two limbs have 30 bits: sums of so many of them are exact in a double."""


def products(columns: NDArray[np.int64]) -> Products:
    """Sum the products of each two columns, exactly.

    Columns are cut into limbs of 15 bits, so that a product of two matrices of doubles holds only
    integers below 2^53: every order of summation gives the same.

    Args:
        columns: Shape (n, k).

    >>> products(np.array([[1, 2], [3, 1 << 40]]))[1]
    (3298534883330, 1208925819614629174706180)

    """
    size = columns.shape[1]
    found = [[0] * size for _ in range(size)]
    for start in range(0, len(columns), _ROWS):
        limbs = _limbs(columns[start : start + _ROWS])
        stacked = np.concatenate(limbs, axis=1)
        joint = (stacked.T @ stacked).astype(np.int64).tolist()
        for row, of_row in enumerate(joint):
            high, i = divmod(row, size)
            for column, total in enumerate(of_row):
                low, j = divmod(column, size)
                found[i][j] += total << (_BITS * (high + low))
    return tuple(map(tuple, found))


def form(sums: Products, left: tuple[int, ...], right: tuple[int, ...]) -> int:
    """Sum over rows of the one combination of columns times the other."""
    return sum(
        a * b * total
        for a, of_row in zip(left, sums, strict=True)
        if a
        for b, total in zip(right, of_row, strict=True)
        if b
    )


def _limbs(columns: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Lowest first; the last one has the sign."""
    limbs = []
    while columns.min(initial=0) < -(1 << _BITS) or columns.max(initial=0) >= 1 << _BITS:
        limbs.append((columns & ((1 << _BITS) - 1)).astype(np.float64))
        columns = columns >> _BITS
    return [*limbs, columns.astype(np.float64)]
