"""Cohen's kappa: agreement of two judges beyond what their base rates give by chance.

    kappa = 1 - (mean disagreement of a unit) / (what it would be if each judge drew by base rates)

Two categories i and j disagree by 1, by |i-j| steps, or by their square. Steps are those of the
whole scale: a level that nobody gave still lies between two others.

Source:
    Cohen 1960, Educational and Psychological Measurement 20(1); 1968, Psychological Bulletin 70(4).
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import numpy as np

from judgefast.stats.left_out import Coefficient

if TYPE_CHECKING:
    from numpy.typing import NDArray

Name = Literal["kappa", "kappa_linear", "kappa_quadratic"]

WEIGHTS: tuple[Name, Name, Name] = ("kappa", "kappa_linear", "kappa_quadratic")
"""Names of the estimates, by how categories are taken to differ."""


def weights_of(name: Name, categories: int) -> NDArray[np.int64]:
    """How much each two categories disagree. Shape (categories, categories).

    >>> weights_of("kappa_quadratic", 3)
    array([[0, 1, 4],
           [1, 0, 1],
           [4, 1, 0]])

    """
    steps = np.arange(categories)
    apart = np.abs(steps[:, None] - steps)
    if name == "kappa":
        return np.asarray(apart > 0, dtype=np.int64)
    return np.asarray(apart if name == "kappa_linear" else apart * apart, dtype=np.int64)


def pair_tables(
    a: NDArray[np.int16],
    b: NDArray[np.int16],
    group: NDArray[np.intp],
    groups: int,
    categories: int,
) -> NDArray[np.int64]:
    """Count units by group, category of one judge and category of the other.

    Args:
        a: Codes of one judge, none missing. Shape (n,).
        b: Codes of the other. Shape (n,).
        group: Of each unit. Shape (n,).
        groups: How many there are.
        categories: How many there are.

    Returns:
        Shape (groups, categories, categories).

    """
    place = (group * categories + a) * categories + b
    counts = np.bincount(place, minlength=groups * categories**2)
    return counts.reshape(groups, categories, categories)


def kappa_of(
    name: Name,
    slice_name: str,
    tables: NDArray[np.int64],
    *,
    missing: int,
    of_clusters: tuple[int, int],
) -> Coefficient:
    """Kappa of two judges.

    Args:
        name: One of `WEIGHTS`.
        slice_name: Which judges.
        tables: As of `pair_tables`, for each stratum. Shape (strata, groups, categories,
            categories).
        missing: Units without a value of both.
        of_clusters: How many there are, and in how many of them a unit's categories differ.

    Source:
        Barlow, Lai and Azen 1991, Statistics in Medicine 10(9), for strata; theirs weighs kappas
        of strata, this one sums what they are made of.

    """
    whole, weights = tables.sum(axis=1), weights_of(name, tables.shape[2])
    units, observed = int(whole.sum()), int((whole * weights).sum())
    rows, columns = whole.sum(axis=2), whole.sum(axis=1)
    expected = sum(
        Fraction(int(a @ weights @ b), max(int(a.sum()), 1))
        for a, b in zip(rows, columns, strict=True)
    )
    clusters, disagreeing = of_clusters
    return Coefficient(
        name,
        slice_name,
        observed=float(Fraction(observed, max(units, 1))),
        expected=float(expected / max(units, 1)),
        left_out=_left_out(tables, weights),
        most=float(weights.max()),
        clusters=clusters,
        disagreeing=disagreeing,
        outcomes=units,
        missing=missing,
        why_not=_why_not(rows, columns, is_alike=not expected),
    )


def chance_of(tables: NDArray[np.int64]) -> float | None:
    """Share that two judges would agree in by their base rates, in each stratum; None of no unit.

    Args:
        tables: As for `kappa_of`.

    """
    whole = tables.sum(axis=1)
    rows, columns = whole.sum(axis=2), whole.sum(axis=1)
    units = int(whole.sum())
    if not units:
        return None
    same = sum(
        Fraction(int(a @ b), max(int(a.sum()), 1)) for a, b in zip(rows, columns, strict=True)
    )
    return float(same / units)


def _left_out(tables: NDArray[np.int64], weights: NDArray[np.int64]) -> NDArray[np.float64]:
    observed = np.zeros(tables.shape[1])
    expected = np.zeros(tables.shape[1])
    for part in tables:
        whole = part.sum(axis=0)
        rows = whole.sum(axis=1) - part.sum(axis=2)
        columns = whole.sum(axis=0) - part.sum(axis=1)
        observed += (whole * weights).sum() - np.einsum("gij,ij->g", part, weights)
        across = ((rows @ weights) * columns).sum(axis=1)
        expected += across / np.maximum(rows.sum(axis=1), 1)
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
