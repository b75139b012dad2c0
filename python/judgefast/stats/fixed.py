"""Ratios of integers as multiples of 2^-24, rounded once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.codes import FIXED_ONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAFE = 1 << 62


def fixed_ratio(numerator: NDArray[np.int64], denominator: NDArray[np.int64]) -> NDArray[np.int64]:
    """Round `numerator / denominator` to multiples of 2^-24, half to even. Shape (n,) each.

    Denominators are positive. Products beyond 62 bits are taken as Python integers.

    >>> fixed_ratio(np.array([1, -1]), np.array([2, 3])) / 2**24
    array([ 0.5       , -0.33333331])

    """
    return rounded_quotient(numerator, denominator, FIXED_ONE)


def rounded_quotient(
    numerator: NDArray[np.int64], denominator: NDArray[np.int64], factor: int = 1
) -> NDArray[np.int64]:
    """Round `factor * numerator / denominator` to an integer, half to even."""
    largest = factor * int(np.abs(numerator).max(initial=0))
    big = max(largest, 2 * int(denominator.max(initial=1))) >= _SAFE
    top: NDArray[np.int64] = numerator.astype(object if big else np.int64) * factor
    bottom: NDArray[np.int64] = denominator.astype(object if big else np.int64)
    quotient = top // bottom
    twice = 2 * (top - quotient * bottom)
    up = (twice > bottom) | ((twice == bottom) & (quotient % 2 == 1))
    rounded: NDArray[np.int64] = (quotient + up).astype(np.int64)
    return rounded


def for_products(
    left: NDArray[np.int64], right: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Ready two arrays of any shape for sums of two products: left by right, or right by right.

    They come back as they are, or as Python integers where such a sum might leave 62 bits.
    """
    factor = int(np.abs(right).max(initial=0))
    largest = max(int(np.abs(left).max(initial=0)), factor) * factor
    kind = object if 2 * largest >= _SAFE else np.int64
    return left.astype(kind, copy=False), right.astype(kind, copy=False)
