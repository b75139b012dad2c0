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
        tables: As of `pair_tables`.
        missing: Units without a value of both.
        of_clusters: How many there are, and in how many of them a unit's categories differ.

    """
    whole, weights = tables.sum(axis=0), weights_of(name, tables.shape[1])
    units = int(whole.sum())
    rows, columns = whole.sum(axis=1), whole.sum(axis=0)
    observed, expected = int((whole * weights).sum()), int(rows @ weights @ columns)
    clusters, disagreeing = of_clusters
    return Coefficient(
        name,
        slice_name,
        observed=float(Fraction(observed, max(units, 1))),
        expected=float(Fraction(expected, max(units, 1) ** 2)),
        left_out=_left_out(tables, weights),
        most=float(weights.max()),
        clusters=clusters,
        disagreeing=disagreeing,
        outcomes=units,
        missing=missing,
        why_not=_why_not(units, rows, columns),
    )


def _left_out(tables: NDArray[np.int64], weights: NDArray[np.int64]) -> NDArray[np.float64]:
    whole = tables.sum(axis=0)
    rows = whole.sum(axis=1) - tables.sum(axis=2)
    columns = whole.sum(axis=0) - tables.sum(axis=1)
    units = rows.sum(axis=1).astype(np.float64)
    observed = (whole * weights).sum() - np.einsum("gij,ij->g", tables, weights)
    expected = ((rows @ weights) * columns).sum(axis=1)
    fits = expected > 0
    ratio = np.divide(units * observed, expected, out=np.full(len(tables), np.nan), where=fits)
    return np.asarray(1 - ratio, dtype=np.float64)


def _why_not(units: int, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> str:
    if not units:
        return "no unit has a value of both judges"
    constant = [(one > 0).sum() == 1 for one in (rows, columns)]
    if all(constant) and (rows == columns).all():
        return "both judges gave the same value throughout: all agreement is chance"
    if all(constant):
        return "each judge gave one value throughout: nothing could agree beyond chance"
    if any(constant):
        return "one judge gave the same value throughout: it is 0 whatever the other gives"
    return ""
