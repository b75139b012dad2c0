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
    from collections.abc import Sequence

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
    strata: Sequence[PairCounts],
    *,
    missing: int,
    of_clusters: tuple[int, int],
) -> Coefficient:
    """Kappa of two judges.

    Args:
        name: One of `WEIGHTS`.
        slice_name: Which judges.
        strata: Counts of each stratum, over the same groups; at least one.
        missing: Units without a value of both.
        of_clusters: How many there are, and in how many of them a unit's categories differ.

    Source:
        Barlow, Lai and Azen 1991, Statistics in Medicine 10(9), for strata; theirs weighs kappas
        of strata, this one sums what they are made of.

    """
    rows, columns = margins(strata)
    units = int(rows.sum())
    observed = sum(int(part.apart[WEIGHTS.index(name)].sum()) for part in strata)
    expected = sum(
        Fraction(_product(a, _apart_from_all(name, b)), max(int(a.sum()), 1))
        for a, b in zip(rows, columns, strict=True)
    )
    clusters, disagreeing = of_clusters
    steps = rows.shape[1] - 1
    return Coefficient(
        name,
        slice_name,
        observed=float(Fraction(observed, max(units, 1))),
        expected=float(expected / max(units, 1)),
        left_out=_left_out(name, strata),
        most=float({"kappa": min(steps, 1), "kappa_linear": steps}.get(name, steps * steps)),
        clusters=clusters,
        disagreeing=disagreeing,
        outcomes=units,
        missing=missing,
        why_not=_why_not(rows, columns, is_alike=not expected),
    )


def margins(strata: Sequence[PairCounts]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Units of each stratum by category of one judge, and of the other. (strata, categories)."""
    return (
        np.stack([part.first.sum(axis=0) for part in strata]),
        np.stack([part.second.sum(axis=0) for part in strata]),
    )


def chance_of(strata: Sequence[PairCounts]) -> float | None:
    """Share that two judges would agree in by their base rates, in each stratum; None of no unit.

    Args:
        strata: As for `kappa_of`.

    """
    rows, columns = margins(strata)
    units = int(rows.sum())
    if not units:
        return None
    same = sum(
        Fraction(_product(a, b), max(int(a.sum()), 1)) for a, b in zip(rows, columns, strict=True)
    )
    return float(same / units)


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


def _left_out(name: Name, strata: Sequence[PairCounts]) -> NDArray[np.float64]:
    """Kappa without each group that has a unit of both."""
    has_units = np.any([part.first.any(axis=1) for part in strata], axis=0)
    groups = np.flatnonzero(has_units)
    observed, expected = np.zeros(len(groups)), np.zeros(len(groups))
    at_once = max(_AT_ONCE // strata[0].first.shape[1], 1)
    for part in strata:
        apart = part.apart[WEIGHTS.index(name)]
        observed += apart.sum() - apart[groups]
        first, second = part.first.sum(axis=0), part.second.sum(axis=0)
        for start in range(0, len(groups), at_once):
            some = slice(start, start + at_once)
            rows = first - part.first[groups[some]]
            columns = second - part.second[groups[some]]
            by_chance = _apart_from_all(name, columns).astype(np.float64)
            across = np.einsum("gi,gi->g", rows.astype(np.float64), by_chance)
            expected[some] += across / np.maximum(rows.sum(axis=1), 1)
    ratio = np.full(len(observed), np.nan)
    np.divide(observed, expected, out=ratio, where=expected > 0)
    return np.asarray(1 - ratio, dtype=np.float64)


def _why_not(rows: NDArray[np.int64], columns: NDArray[np.int64], *, is_alike: bool) -> str:
    if not rows.sum():
        return "no unit has a value of both judges"
    first, second = ((one > 0).sum(axis=1) <= 1 for one in (rows, columns))
    if not (first | second).all():
        return ""
    if is_alike:
        return "both judges gave the same value throughout: all agreement is chance"
    if (first & second).all():
        return "each judge gave one value throughout: nothing could agree beyond chance"
    return "one judge gave the same value throughout: it is 0 whatever the other gives"
