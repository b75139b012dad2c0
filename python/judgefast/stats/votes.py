"""What several judges say of one unit: the majority, the mean, and how far apart they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["score", "comparison", "choice"]
"""What a value is: a number on the rubric's scale; 0, 0.5 (tie) or 1 for the one or the other
answer; or the code of a choice, which has no order."""

HALF = 0.5
"""Neither the one nor the other of two answers."""

LEVELS = ("none", "high", "medium", "low")
"""How much the judges of a unit agree, by code; `none` where fewer than two gave a value."""

HIGH_SPREAD = 0.125
"""The guides' cuts of the standard deviation of scores of one unit, 0.5 and 1 on a scale of 1 to 5,
as shares of the scale's range: below this it is high, ..."""

MEDIUM_SPREAD = 0.25
"""... below this medium, else low."""


class Votes(NamedTuple):
    """The most frequent value of each unit. n of them."""

    value: NDArray[np.float64]
    """NaN where two values are as frequent, or there is none. Shape (n,)."""
    votes: NDArray[np.int64]
    """Judges that gave the most frequent value, or each of those tied. Shape (n,)."""
    is_tie: NDArray[np.bool_]
    """Whether two values or more are the most frequent. Shape (n,)."""
    tied: NDArray[np.int64]
    """How many values are the most frequent. Shape (n,)."""
    middle: NDArray[np.float64]
    """Their mean; NaN where there is none. Shape (n,)."""


def majority(values: NDArray[np.float64]) -> Votes:
    """Count the votes of each unit.

    Args:
        values: NaN where a judge gave none. Shape (n, m).

    >>> found = majority(np.array([[1.0, 1.0, 2.0], [1.0, 2.0, np.nan]]))
    >>> found.value, found.votes, found.is_tie, found.middle
    (array([ 1., nan]), array([2, 1]), array([False,  True]), array([1. , 1.5]))

    """
    units, judges = values.shape
    ordered = np.sort(values, axis=1)  # NaN last
    best, run = np.zeros(units, np.int64), np.zeros(units, np.int64)
    tied, total = np.zeros(units, np.int64), np.zeros(units)
    for judge in range(judges):
        here = ordered[:, judge]
        same = here == ordered[:, judge - 1] if judge else np.zeros(units, bool)
        run = np.where(np.isnan(here), 0, np.where(same, run + 1, 1))
        is_more, is_as_many = run > best, (run == best) & (run > 0)
        tied = np.where(is_more, 1, tied + is_as_many)
        total = np.where(is_more, here, np.where(is_as_many, total + here, total))
        best = np.maximum(best, run)
    middle = np.full(units, np.nan)
    np.divide(total, tied, out=middle, where=tied > 0)
    return Votes(np.where(tied == 1, middle, np.nan), best, tied > 1, tied, middle)


def mean_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over the judges of each unit that gave a value; NaN where none did. Shape (n,)."""
    judged = (~np.isnan(values)).sum(axis=1)
    total = np.sort(np.nan_to_num(values), axis=1).sum(axis=1)  # whatever the order of judges
    mean = np.full(len(values), np.nan)
    np.divide(total, judged, out=mean, where=judged > 0)
    return mean


def spread_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sample standard deviation over the judges of each unit; NaN of fewer than two. Shape (n,)."""
    judged = (~np.isnan(values)).sum(axis=1)
    off = np.sort(np.nan_to_num(values - mean_of(values)[:, None]) ** 2, axis=1)  # in any order
    return np.where(judged <= 1, np.nan, np.sqrt(off.sum(axis=1) / np.maximum(judged - 1, 1)))


def levels_of(
    values: NDArray[np.float64], kind: Kind, span: float | NDArray[np.float64] = 1.0
) -> NDArray[np.uint8]:
    """How much the judges of each unit agree, by the guides' cuts.

    Scores by their sample standard deviation, as a share of the range of the scale: below an eighth
    high, below a quarter medium, else low; on 1 to 5 that is below 0.5 and below 1. Comparisons:
    all the same is high, a tie beside votes for one and the same answer medium, votes for both
    answers low. Choices: all the same is high, else low.

    Args:
        values: NaN where a judge gave none. Shape (n, m).
        kind: What the values are.
        span: Highest less lowest score of the scale; of all units, or of each. Shape (n,).

    Returns:
        Codes of `LEVELS`. Shape (n,).

    >>> found = levels_of(np.array([[4, 4], [3, 4], [2, 5], [2, np.nan]]), "score", span=5 - 1)
    >>> [LEVELS[code] for code in found]
    ['high', 'medium', 'low', 'none']

    """
    known = ~np.isnan(values)
    judged = known.sum(axis=1)
    lowest = np.where(known, values, np.inf).min(axis=1, initial=np.inf)
    highest = np.where(known, values, -np.inf).max(axis=1, initial=-np.inf)
    high, medium = lowest == highest, np.zeros(len(values), bool)
    if kind == "score":
        spread = spread_of(values)
        high, medium = spread < HIGH_SPREAD * span, spread < MEDIUM_SPREAD * span
    elif kind == "comparison":
        medium = ~((lowest < HALF) & (highest > HALF))
    found = np.where(high, 1, np.where(medium, 2, 3))
    return np.where(judged <= 1, 0, found).astype(np.uint8)
