"""Krippendorff's alpha: agreement of any number of judges, values missing or not.

    alpha = 1 - (disagreement within units) / (disagreement of values whatever their unit)

Values of units with two values or more count. Two values disagree by 1 (nominal), by the square of
how many values lie between them (ordinal), or by the square of their difference (interval).

Source:
    Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"; 2004, Content Analysis, ch. 11.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.stats.left_out import Coefficient, groups_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.stats.left_out import Groups
    from judgefast.stats.ratings import Ratings

_AT_ONCE = 1 << 22
"""Cells of the tables that are weighed together."""

_NOTHING = 1e-12
"""Of the largest possible: numbers that differ by less are one, and their sums rounded."""


def alpha_of(ratings: Ratings) -> Coefficient:
    """Alpha of all judges, for the scale of the ratings."""
    judged = (~np.isnan(ratings.values)).sum(axis=1)
    rows = np.flatnonzero(judged > 1)
    some = ratings._replace(values=ratings.values[rows], clusters=ratings.clusters[rows])
    missing = len(judged) - len(rows)
    if not len(rows):
        return _coefficient(_Sums.none(), some, groups_of(some.clusters), missing)
    if ratings.categories is None or ratings.rounded:
        groups = groups_of(some.clusters)
        return _coefficient(_of_numbers(some.values, groups), some, groups, missing)
    groups = groups_of(some.clusters, len(ratings.categories))
    return _coefficient(_of_categories(some, groups), some, groups, missing)


class _Sums(NamedTuple):
    """What alpha is made of, for all units and without each group."""

    within: float
    """Disagreement of values within units, a unit as often as it has values."""
    across: float
    """Disagreement of all values, each with each."""
    values: int
    left_out: NDArray[np.float64]
    most: float
    """Largest disagreement of two values."""

    @classmethod
    def none(cls) -> _Sums:
        return cls(0.0, 0.0, 0, np.zeros(0), 0.0)


def _coefficient(sums: _Sums, some: Ratings, groups: Groups, missing: int) -> Coefficient:
    lowest = np.nanmin(some.values, axis=1) if len(some.values) else np.zeros(0)
    highest = np.nanmax(some.values, axis=1) if len(some.values) else np.zeros(0)
    why_not = ""
    if not sums.values:
        why_not = "no unit has two values"
    elif not sums.across:
        why_not = "every value is the same: all agreement is chance"
    number = max(sums.values, 1)
    return Coefficient(
        "alpha",
        "all",
        observed=sums.within / number,
        expected=sums.across / (number * max(number - 1, 1)),
        left_out=sums.left_out,
        most=sums.most,
        clusters=groups.clusters,
        disagreeing=groups.touched(lowest < highest),
        outcomes=len(some.values),
        missing=missing,
        why_not=why_not,
    )


def _of_categories(some: Ratings, groups: Groups) -> _Sums:
    steps = np.array(some.categories)
    codes = some.codes()
    within = _coincidences(codes, groups, len(steps))
    numbers = _numbers(codes, groups, len(steps))
    whole, number = within.sum(axis=0), numbers.sum(axis=0)
    distance = _distances(some.scale, steps, number[None])[0]
    left_out = np.empty(groups.number)
    at_once = max(_AT_ONCE // len(steps) ** 2, 1)
    for start in range(0, groups.number, at_once):
        part = slice(start, start + at_once)
        rest = number - numbers[part]
        apart = _distances(some.scale, steps, rest)
        left_out[part] = _ratio(
            ((whole - within[part]) * apart).sum(axis=(1, 2)),
            (rest[:, :, None] * apart * rest[:, None, :]).sum(axis=(1, 2)),
            rest.sum(axis=1),
        )
    return _Sums(
        float((whole * distance).sum()),
        float(number @ distance @ number),
        int(number.sum()),
        left_out,
        float(distance.max()),
    )


def _coincidences(codes: NDArray[np.int16], groups: Groups, categories: int) -> NDArray[np.float64]:
    """Pairs of values of one unit, those of m values counted 1/(m-1).

    Products of counts are summed as integers for each m, and added in the order of m: no order of
    units or judges changes a bit. Shape (groups, categories, categories), symmetric.
    """
    judged = (codes >= 0).sum(axis=1)
    order = np.lexsort((groups.of_unit, judged))
    starts = np.flatnonzero(
        np.diff(judged[order], prepend=0) | np.diff(groups.of_unit[order], prepend=-1)
    )
    found = np.zeros((groups.number, categories, categories))
    for start, end in pairwise([*starts.tolist(), len(order)]):
        rows = order[start:end]
        place = np.arange(len(rows))[:, None] * categories + codes[rows]
        counts = np.bincount(place[codes[rows] >= 0], minlength=len(rows) * categories)
        of_unit = counts.reshape(len(rows), categories).astype(np.float64)
        pairs = of_unit.T @ of_unit - np.diag(of_unit.sum(axis=0))  # of integers: exact
        found[groups.of_unit[rows[0]]] += pairs / (judged[rows[0]] - 1)
    return found


def _numbers(codes: NDArray[np.int16], groups: Groups, categories: int) -> NDArray[np.int64]:
    """How often each group has each category. Shape (groups, categories)."""
    place = groups.of_unit[:, None] * categories + codes
    counts = np.bincount(place[codes >= 0], minlength=groups.number * categories)
    return counts.reshape(groups.number, categories)


def _distances(
    scale: str, steps: NDArray[np.float64], numbers: NDArray[np.int64]
) -> NDArray[np.float64]:
    """How much two categories disagree, for each row of numbers. (rows, categories, categories)."""
    if scale == "nominal":
        apart = np.not_equal.outer(steps, steps).astype(np.float64)
        return apart[None]
    if scale == "interval":
        return np.asarray(np.subtract.outer(steps, steps)[None] ** 2, dtype=np.float64)
    middle = np.cumsum(numbers, axis=1) - numbers / 2  # values below, and half of its own
    return np.asarray((middle[:, :, None] - middle[:, None, :]) ** 2, dtype=np.float64)


def _of_numbers(values: NDArray[np.float64], groups: Groups) -> _Sums:
    """Sums for an interval scale on which any number may be given."""
    ordered = np.sort(values, axis=1)
    lowest, highest = np.nanmin(ordered), np.nanmax(ordered)
    off = ordered - (lowest + highest) / 2
    many = (~np.isnan(off)).sum(axis=1)
    total, squares = np.nansum(off, axis=1), np.nansum(off * off, axis=1)
    of_unit = np.nansum((off - (total / many)[:, None]) ** 2, axis=1)
    within = 2 * many * of_unit / (many - 1)
    order = np.lexsort((squares, total, within, groups.of_unit))
    starts = np.searchsorted(groups.of_unit[order], np.arange(groups.number))
    in_group = [np.add.reduceat(one[order], starts) for one in (within, total, squares)]
    number = np.bincount(groups.of_unit, weights=many, minlength=groups.number)
    whole = [one.sum() for one in in_group]
    rest = [all_of - one for all_of, one in zip(whole, in_group, strict=True)]
    values_left = number.sum() - number
    across = 2 * (values_left * rest[2] - rest[1] ** 2)
    across[across < _NOTHING * (highest - lowest) ** 2 * values_left**2] = 0
    return _Sums(
        float(whole[0]),
        float(2 * (number.sum() * whole[2] - whole[1] ** 2)),
        int(number.sum()),
        _ratio(rest[0], across, values_left),
        float((highest - lowest) ** 2),
    )


def _ratio(
    within: NDArray[np.float64], across: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Alpha of each; NaN where no two values differ."""
    ratio = np.full(len(within), np.nan)
    np.divide((values - 1) * within, across, out=ratio, where=across > 0)
    return np.asarray(1 - ratio, dtype=np.float64)
