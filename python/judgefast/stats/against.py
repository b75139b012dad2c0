"""What a judge gave against gold: plain figures, as papers print them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.errors import ColumnError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class AgainstGold(NamedTuple):
    """How often a judge is right, and for which categories."""

    units: int
    """With gold and a value."""
    missing: int
    """With gold but no value: none of the figures counts them."""
    accuracy: float | None
    """None over no units."""
    macro_precision: float | None
    """Mean over the categories that gold or the judge names; 0 for one that the judge never
    names."""
    macro_recall: float | None
    macro_f1: float | None
    confusion: NDArray[np.int64]
    """Units by gold (rows) and judge (columns), in the order of the categories."""


def against_gold(
    given: NDArray[np.float64], gold: NDArray[np.float64], categories: Sequence[float]
) -> AgainstGold:
    """Count where a judge is right.

    Args:
        given: NaN where the judge gave none. Shape (n,).
        gold: NaN where there is none. Shape (n,).
        categories: Every value of the scale.

    Raises:
        ColumnError: Columns of different length, or a value that is no category.

    Source:
        Macro averages as in Opitz and Burst 2019, arXiv:1911.03347: F1 of each category, averaged.

    >>> found = against_gold(np.array([1.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]), (0.0, 1.0))
    >>> round(found.accuracy, 3), round(found.macro_f1, 3)
    (0.667, 0.667)

    """
    if given.shape != gold.shape:
        message = f"`given` has shape {given.shape} but `gold` has {gold.shape}"
        raise ColumnError(message)
    many = len(categories)
    has_gold = ~np.isnan(gold)
    both = has_gold & ~np.isnan(given)
    place = _codes(gold[both], categories) * many + _codes(given[both], categories)
    table = np.bincount(place, minlength=many * many).reshape(many, many)
    units, missing = int(both.sum()), int(has_gold.sum() - both.sum())
    if not units:
        return AgainstGold(0, missing, None, None, None, None, table)
    right, said, due = np.diag(table), table.sum(axis=0), table.sum(axis=1)
    named = (said + due) > 0
    precision, recall = right / np.maximum(said, 1), right / np.maximum(due, 1)
    f1 = 2 * right / np.maximum(said + due, 1)
    return AgainstGold(
        units,
        missing,
        accuracy=float(right.sum() / units),
        macro_precision=float(precision[named].mean()),
        macro_recall=float(recall[named].mean()),
        macro_f1=float(f1[named].mean()),
        confusion=table,
    )


def _codes(values: NDArray[np.float64], categories: Sequence[float]) -> NDArray[np.int64]:
    steps = np.array(categories, dtype=np.float64)
    order = np.argsort(steps)
    place = np.minimum(np.searchsorted(steps[order], values), len(steps) - 1)
    found: NDArray[np.int64] = order[place]
    wrong = steps[found] != values
    if wrong.any():
        known = ", ".join(f"{one:g}" for one in categories)
        message = f"{values[wrong][0]:g} is none of the categories {known}"
        raise ColumnError(message)
    return found
