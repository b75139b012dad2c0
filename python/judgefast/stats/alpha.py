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
    by_number = ratings.scale == "interval"
    cells = 1 if by_number else len(ratings.called) ** 2
    groups = groups_of(some.clusters, cells)
    sums = (_of_numbers if by_number else _of_categories)(some, groups) if len(rows) else None
    return _coefficient(sums, some, groups, len(judged) - len(rows))


class _Sums(NamedTuple):
    """What alpha is made of, for all units and without each group."""

    values: int
    within: float
    """Disagreement of values within units, a unit as often as it has values."""
    by_chance: float
    """What it would be if values were in any unit."""
    left_within: NDArray[np.float64]
    """Both without each group. Shape (groups,)."""
    left_by_chance: NDArray[np.float64]
    most: float
    """Largest disagreement of two values."""


def _coefficient(sums: _Sums | None, some: Ratings, groups: Groups, missing: int) -> Coefficient:
    lowest, highest = _ends(some.values)
    why_not, none = "", np.zeros(0)
    if sums is None:
        sums = _Sums(1, within=0.0, by_chance=0.0, left_within=none, left_by_chance=none, most=0.0)
        why_not = "no unit has two values"
    elif not sums.by_chance:
        why_not = "every value is the same: all agreement is chance"
    ratio = np.full(groups.number, np.nan)
    np.divide(sums.left_within, sums.left_by_chance, out=ratio, where=sums.left_by_chance > 0)
    return Coefficient(
        "alpha",
        "all",
        observed=sums.within / sums.values,
        expected=sums.by_chance / sums.values,
        left_out=1 - ratio,
        most=sums.most,
        clusters=groups.clusters,
        disagreeing=groups.touched(lowest < highest),
        outcomes=len(some.values),
        missing=missing,
        why_not=why_not,
    )


def _ends(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest value of each unit."""
    return np.fmin.reduce(values, axis=1), np.fmax.reduce(values, axis=1)


def _of_categories(some: Ratings, groups: Groups) -> _Sums:
    steps = np.array(some.categories)
    codes = some.codes()
    within = _coincidences(codes, groups, len(steps))
    numbers = _numbers(codes, groups, len(steps))
    whole, number = within.sum(axis=0), numbers.sum(axis=0)
    distance = _distances(some.scale, steps, number[None])[0]
    left_within, across = np.empty(groups.number), np.empty(groups.number)
    at_once = max(_AT_ONCE // len(steps) ** 2, 1)
    for start in range(0, groups.number, at_once):
        part = slice(start, start + at_once)
        rest = number - numbers[part]
        apart = _distances(some.scale, steps, rest)
        left_within[part] = ((whole - within[part]) * apart).sum(axis=(1, 2))
        across[part] = (rest[:, :, None] * apart * rest[:, None, :]).sum(axis=(1, 2))
    values = number.sum()
    return _Sums(
        int(values),
        within=float((whole * distance).sum()),
        by_chance=float(number @ distance @ number / (values - 1)),
        left_within=left_within,
        left_by_chance=across / np.maximum(values - numbers.sum(axis=1) - 1, 1),
        most=float(distance.max()),
    )


def _coincidences(codes: NDArray[np.int32], groups: Groups, categories: int) -> NDArray[np.float64]:
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


def _numbers(codes: NDArray[np.int32], groups: Groups, categories: int) -> NDArray[np.int64]:
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
    middle = np.cumsum(numbers, axis=1) - numbers / 2  # values below, and half of its own
    return np.asarray((middle[:, :, None] - middle[:, None, :]) ** 2, dtype=np.float64)


def _of_numbers(some: Ratings, groups: Groups) -> _Sums:
    """Sums for an interval scale, however many numbers may be given on it."""
    ordered = np.sort(some.values, axis=1)
    lowest, highest = np.nanmin(ordered), np.nanmax(ordered)
    off = ordered - (lowest + highest) / 2
    many = (~np.isnan(off)).sum(axis=1)
    total, squares = np.nansum(off, axis=1), np.nansum(off * off, axis=1)
    of_unit = np.nansum((off - (total / many)[:, None]) ** 2, axis=1)
    within = 2 * many * of_unit / (many - 1)
    order = np.lexsort((squares, total, within, groups.of_unit))
    of_unit = groups.of_unit[order]
    in_group = [
        np.bincount(of_unit, weights=one[order], minlength=groups.number)
        for one in (within, total, squares, many)
    ]
    whole = [one.sum() for one in in_group]
    rest = [all_of - one for all_of, one in zip(whole, in_group, strict=True)]
    width = (highest - lowest) ** 2
    scale = some.categories[-1] - some.categories[0] if some.categories else 0.0
    across = 2 * (rest[3] * rest[2] - rest[1] ** 2)
    across[across < _NOTHING * width * rest[3] ** 2] = 0
    return _Sums(
        int(whole[3]),
        within=float(whole[0]),
        by_chance=float(2 * (whole[3] * whole[2] - whole[1] ** 2) / (whole[3] - 1)),
        left_within=rest[0],
        left_by_chance=across / np.maximum(rest[3] - 1, 1),
        most=float(max(width, scale**2)),
    )
