"""The verdicts of a run as columns, one row a judgment, in plan order.

Stage 5 of 8: completions -> **verdicts** -> outcomes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Cell = TypeVar("Cell", bound=np.generic)


class VerdictColumns(NamedTuple):
    """What was read for each judgment. All of length n; positions are as shown to the judge.

    A column without any number in it may be one NaN that is seen n times, and not to be written to.
    """

    status: NDArray[np.uint8]
    """`codes.Status`."""
    choice: NDArray[np.uint8]
    """Position of the chosen answer from 0, `CHOICE_TIE` or `CHOICE_NONE`."""
    score: NDArray[np.float64]
    """Score on the rubric's scale; NaN where there is none. Never averaged where status > 0."""
    strength: NDArray[np.float64]
    """Preference for the answer shown first: 1, .75, .5 (tie), .25, 0; NaN where there is none."""
    p_labels: NDArray[np.float32]
    """Shape (n, labels): label probabilities divided by their mass; NaN where not read, and behind
    those of a judgment whose format has fewer labels than the longest. Shape (n, 0) where none were
    read at all."""
    label_mass: NDArray[np.float32]
    """Probability that the labels hold together; NaN where not read."""
    span: NDArray[np.uint32]
    """Shape (n, 2): bytes of the text the verdict was read from, end exclusive; 0, 0 for none."""
    repaired: NDArray[np.uint8]
    """1 where only the lenient mode could read it."""

    def take(self, rows: NDArray[np.int64]) -> VerdictColumns:
        """Some of the judgments."""
        return VerdictColumns._make(taken(column, rows) for column in self)


def is_one(column: NDArray[np.generic]) -> bool:
    """Whether a column is one number that is seen n times, and takes no room."""
    return column.strides == (0,) and len(column) > 0


def taken(column: NDArray[Cell], rows: NDArray[np.int64]) -> NDArray[Cell]:
    """Some rows of a column; one number stays one."""
    return np.broadcast_to(column[0], len(rows)) if is_one(column) else column[rows]
