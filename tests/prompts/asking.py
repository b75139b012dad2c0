"""Rows of a plan, as the prompts of a block are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Rows(NamedTuple):
    """Columns of a plan that say what is asked."""

    item: NDArray[np.uint32]
    aspect: NDArray[np.uint16]
    shown: NDArray[np.uint16]
    shown_offsets: NDArray[np.int64]


def rows_of(asked: Sequence[tuple[int, tuple[int, ...], int]]) -> Rows:
    """Rows that each say an item's number, the answers shown and the aspect."""
    return Rows(
        np.array([item for item, _, _ in asked], np.uint32),
        np.array([aspect for _, _, aspect in asked], np.uint16),
        np.array([answer for _, shown, _ in asked for answer in shown], np.uint16),
        np.cumsum([0, *(len(shown) for _, shown, _ in asked)], dtype=np.int64),
    )
