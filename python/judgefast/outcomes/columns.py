"""The outcomes of a run as columns.

Stage 6 of 8: verdicts -> **outcomes** -> estimates. Unique over item, candidate, baseline, aspect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from judgefast.verdicts.columns import taken

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class OutcomeColumns(NamedTuple):
    """One comparison, or one scored answer, of an item. All of length n, in plan order.

    A column without any number in it may be one NaN that is seen n times.
    """

    item: NDArray[np.uint32]
    """Index of the item in the order of `rows`."""
    candidate: NDArray[np.uint16]
    """Index into the item's answers."""
    baseline: NDArray[np.uint16]
    """Index into the item's answers; `NO_ANSWER` for a scored answer."""
    aspect: NDArray[np.uint16]
    """Index into the rubric's aspects."""
    value: NDArray[np.int64]
    """Multiples of 2^-24. For a comparison 1 is a win of the candidate. 0 where status > 0."""
    weight: NDArray[np.uint8]
    """1 to 6; 0 where status > 0."""
    status: NDArray[np.uint8]
    """`codes.OutcomeStatus`."""
    position: NDArray[np.uint8]
    """`codes.Position`."""
    p_win: NDArray[np.float32]
    p_tie: NDArray[np.float32]
    p_loss: NDArray[np.float32]
    """Of the candidate, averaged over what was read; NaN where no label probabilities exist."""
    label_mass: NDArray[np.float32]
    """Smallest over the judgments used; NaN where not read."""
    first_judgment: NDArray[np.uint32]
    """Plan row of the first judgment of this outcome; its judgments are contiguous."""
    judgments: NDArray[np.uint32]
    """How many they are."""

    def take(self, rows: NDArray[np.int64]) -> OutcomeColumns:
        """Some of the outcomes."""
        return OutcomeColumns._make(taken(column, rows) for column in self)
