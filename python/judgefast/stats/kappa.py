"""Cohen's kappa: agreement of two judges beyond what their base rates give by chance.

    kappa = 1 - (mean disagreement of a unit) / (what it would be if each judge drew by base rates)

Two categories i and j disagree by 1, by |i-j| steps, or by their square. Steps are those of the
whole scale: a level that nobody gave still lies between two others.

Source:
    Cohen 1960, Educational and Psychological Measurement 20(1); 1968, Psychological Bulletin 70(4).
"""

from __future__ import annotations

from fractions import Fraction
from operator import mul
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from judgefast.stats.left_out import Coefficient

if TYPE_CHECKING:
    from numpy.typing import NDArray

Name = Literal["kappa", "kappa_linear", "kappa_quadratic"]

WEIGHTS: tuple[Name, Name, Name] = ("kappa", "kappa_linear", "kappa_quadratic")
"""Names of the estimates, by how categories are taken to differ."""


_AT_ONCE = 1 << 20
"""Counts of groups that are taken from the whole together."""


class PairCounts(NamedTuple):
    """What kappas of two judges are made of, for each group of units.

    Sums, no table of categories by categories: a scale of a thousand levels is as good as one of
    five.
    """

    first: NDArray[np.int64]
    """Units by the category that one judge gave. Shape (groups, categories)."""
    second: NDArray[np.int64]
    """By that of the other."""
    apart: NDArray[np.int64]
    """How much the judges disagree, by each of `WEIGHTS`. Shape (3, groups)."""


def pair_counts(
    a: NDArray[np.int32],
    b: NDArray[np.int32],
    group: NDArray[np.intp],
    groups: int,
    categories: int,
) -> PairCounts:
    """Count units by group and category, and how far apart judges are.

    Args:
        a: Codes of one judge, none missing. Shape (n,).
        b: Codes of the other. Shape (n,).
        group: Of each unit. Shape (n,).
        groups: How many there are.
        categories: How many there are.

    """
    first, second = (
        np.bincount(group * categories + codes, minlength=groups * categories) for codes in (a, b)
    )
    steps = np.abs(a - b).astype(np.float64)  # sums of integers: exact to 2^53
    apart = [
        np.bincount(group, weights=one, minlength=groups).astype(np.int64)
        for one in (np.sign(steps), steps, steps * steps)
    ]
    shape = groups, categories
    return PairCounts(first.reshape(shape), second.reshape(shape), np.stack(apart))


def kappa_of(
    name: Name,
    slice_name: str,
    counts: PairCounts,
    *,
    missing: int,
    of_clusters: tuple[int, int],
) -> Coefficient:
    """Kappa of two judges.

    Args:
        name: One of `WEIGHTS`.
        slice_name: Which judges.
        counts: Of what they gave.
        missing: Units without a value of both.
        of_clusters: How many there are, and in how many of them a unit's categories differ.

    """
    rows, columns = margins(counts)
    units = int(rows.sum())
    observed = int(counts.apart[WEIGHTS.index(name)].sum())
    expected = Fraction(_product(rows, _apart_from_all(name, columns)), max(units, 1))
    clusters, disagreeing = of_clusters
    steps = len(rows) - 1
    return Coefficient(
        name,
        slice_name,
        observed=float(Fraction(observed, max(units, 1))),
        expected=float(expected / max(units, 1)),
        left_out=_left_out(name, counts),
        most=float({"kappa": min(steps, 1), "kappa_linear": steps}.get(name, steps * steps)),
        clusters=clusters,
        disagreeing=disagreeing,
        outcomes=units,
        missing=missing,
        why_not=_why_not(rows, columns, is_alike=not expected),
    )


def margins(counts: PairCounts) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Units by category of one judge, and of the other. Shape (categories,) each."""
    return counts.first.sum(axis=0), counts.second.sum(axis=0)


def chance_of(counts: PairCounts) -> float | None:
    """Share that two judges would agree in by their base rates; None of no unit.

    Args:
        counts: As for `kappa_of`.

    """
    rows, columns = margins(counts)
    units = int(rows.sum())
    return float(Fraction(_product(rows, columns), units * units)) if units else None


def _product(a: NDArray[np.int64], b: NDArray[np.int64]) -> int:
    """Of integers that no machine word may hold."""
    return sum(map(mul, a.tolist(), b.tolist()))


def _apart_from_all(name: Name, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """How much each category disagrees with all that are counted. Shape (..., categories)."""
    steps, units = np.arange(counts.shape[-1]), counts.sum(axis=-1, keepdims=True)
    if name == "kappa":
        return np.asarray(units - counts)
    moments = counts * steps
    moment = moments.sum(axis=-1, keepdims=True)
    if name == "kappa_linear":
        below = np.cumsum(counts, axis=-1), np.cumsum(moments, axis=-1)
        return np.asarray(steps * (2 * below[0] - units) + moment - 2 * below[1])
    square = (moments * steps).sum(axis=-1, keepdims=True)
    return np.asarray(steps * steps * units - 2 * steps * moment + square)


def _left_out(name: Name, counts: PairCounts) -> NDArray[np.float64]:
    """Kappa without each group that has a unit of both."""
    groups = np.flatnonzero(counts.first.any(axis=1))
    expected = np.zeros(len(groups))
    at_once = max(_AT_ONCE // counts.first.shape[1], 1)
    apart = counts.apart[WEIGHTS.index(name)]
    observed = apart.sum() - apart[groups]
    first, second = margins(counts)
    for start in range(0, len(groups), at_once):
        some = slice(start, start + at_once)
        rows = first - counts.first[groups[some]]
        columns = second - counts.second[groups[some]]
        by_chance = _apart_from_all(name, columns).astype(np.float64)
        across = np.einsum("gi,gi->g", rows.astype(np.float64), by_chance)
        expected[some] = across / np.maximum(rows.sum(axis=1), 1)
    ratio = np.full(len(observed), np.nan)
    np.divide(observed, expected, out=ratio, where=expected > 0)
    return np.asarray(1 - ratio, dtype=np.float64)


def _why_not(rows: NDArray[np.int64], columns: NDArray[np.int64], *, is_alike: bool) -> str:
    if not rows.sum():
        return "no unit has a value of both judges"
    first, second = (int((one > 0).sum()) <= 1 for one in (rows, columns))
    if not (first or second):
        return ""
    if is_alike:
        return "both judges gave the same value throughout: all agreement is chance"
    if first and second:
        return "each judge gave one value throughout: nothing could agree beyond chance"
    return "one judge gave the same value throughout: it is 0 whatever the other gives"
