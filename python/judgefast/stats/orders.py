"""What each comparison was answered in either order: the counts that position bias is made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from judgefast.batches.columns import PAIR
from judgefast.codes import CHOICE_TIE, Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.verdicts.columns import VerdictColumns


class ComparisonPlan(Protocol):
    """What is read of a plan, one row a judgment: `PlanColumns` of stage `batches` has it."""

    @property
    def item(self) -> NDArray[np.uint32]:
        """Index of the item."""

    @property
    def first(self) -> NDArray[np.uint16]:
        """Index of the answer shown first."""

    @property
    def second(self) -> NDArray[np.uint16]:
        """Index of the answer shown second; whatever it is where not two answers are shown."""

    @property
    def aspect(self) -> NDArray[np.uint16]:
        """Index of the aspect."""

    @property
    def shown_offsets(self) -> NDArray[np.int64]:
        """Shape (n + 1,): row k shows as many answers as entry k + 1 exceeds entry k."""


class Shown(NamedTuple):
    """Some rows of a plan, as a `ComparisonPlan`."""

    item: NDArray[np.uint32]
    first: NDArray[np.uint16]
    second: NDArray[np.uint16]
    aspect: NDArray[np.uint16]
    shown_offsets: NDArray[np.int64]

    @classmethod
    def of(cls, plan: ComparisonPlan, rows: NDArray[np.int64]) -> Shown:
        """Take rows of a plan."""
        ends = np.cumsum(plan.shown_offsets[rows + 1] - plan.shown_offsets[rows])
        offsets = np.concatenate([np.zeros(1, np.int64), ends])
        return cls(plan.item[rows], plan.first[rows], plan.second[rows], plan.aspect[rows], offsets)


class OrderCounts(NamedTuple):
    """Judgments of each comparison by order and verdict. m comparisons, ascending by item.

    Order 0 (forward) shows the answer with the lower index first, order 1 (swapped) second.
    """

    item: NDArray[np.int64]
    """Index of the item. Shape (m,)."""
    aspect: NDArray[np.uint16]
    """Index of the aspect. Shape (m,)."""
    planned: NDArray[np.int64]
    """Judgments planned in each order. Shape (m, 2)."""
    verdicts: NDArray[np.int64]
    """Judgments read: for the lower answer, for the higher, tie. Shape (m, 2, 3)."""
    comparison: NDArray[np.int64]
    """Comparison of each judgment of the plan; -1 where not two answers were shown. Shape (n,)."""
    order: NDArray[np.uint8]
    """Order of each judgment of the plan. Shape (n,)."""

    @property
    def read(self) -> NDArray[np.int64]:
        """Judgments read in each order. Shape (m, 2)."""
        read: NDArray[np.int64] = self.verdicts.sum(axis=2)
        return read

    @property
    def first_halves(self) -> NDArray[np.int64]:
        """Twice the judgments that chose the answer shown first; ties count 1. Shape (m, 2)."""
        first = np.stack([self.verdicts[:, 0, 0], self.verdicts[:, 1, 1]], axis=1)
        halves: NDArray[np.int64] = 2 * first + self.verdicts[:, :, 2]
        return halves


def order_counts(plan: ComparisonPlan, verdicts: VerdictColumns) -> OrderCounts:
    """Count the verdicts of every comparison, mapped back to its own answers."""
    first, second = plan.first, plan.second
    pairwise = np.diff(plan.shown_offsets) == PAIR
    swapped = (first > second) & pairwise
    comparison, index = _comparisons(plan, pairwise)
    order = swapped.astype(np.uint8)

    chose_first, tied = verdicts.choice == 0, verdicts.choice == CHOICE_TIE
    known = chose_first | tied | (verdicts.choice == 1)
    read = pairwise & known & (verdicts.status == Status.PARSED)
    side = np.where(tied, np.uint8(2), np.where(chose_first, order, 1 - order))
    cells = comparison * 2 + order
    return OrderCounts(
        item=plan.item[index].astype(np.int64),
        aspect=plan.aspect[index],
        planned=_counts(cells[pairwise], (len(index), 2)),
        verdicts=_counts(cells[read] * 3 + side[read], (len(index), 2, 3)),
        comparison=comparison,
        order=order,
    )


def _comparisons(
    plan: ComparisonPlan, pairwise: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number of the comparison of each judgment, -1 for none, and the first judgment of each."""
    low, high = np.minimum(plan.first, plan.second), np.maximum(plan.first, plan.second)
    base = int(high[pairwise].max(initial=0)) + 1
    key = (plan.item.astype(np.int64) * base + low) * base + high
    key = (key * (int(plan.aspect.max(initial=0)) + 1) + plan.aspect)[pairwise]
    comparison = np.full(len(pairwise), -1, dtype=np.int64)
    if (key[1:] >= key[:-1]).all():  # as a plan has them; sorting takes ten times as long
        is_new = np.ones(len(key), np.bool_)
        is_new[1:] = key[1:] != key[:-1]
        comparison[pairwise] = np.cumsum(is_new) - 1
        return comparison, np.flatnonzero(pairwise)[is_new]
    _, index, dense = np.unique(key, return_index=True, return_inverse=True)
    comparison[pairwise] = dense
    return comparison, np.flatnonzero(pairwise)[index]


def _counts(cells: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
    return np.bincount(cells, minlength=int(np.prod(shape))).astype(np.int64).reshape(shape)
