"""How answers are named in slices: by their model, else by their place in the row."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING

import numpy as np

from judgefast.stats.slice_names import slice_part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.stats.slices import JudgedItems


class AnswerNames:
    """Names of all answers of a run as codes: models first, then places.

    A place is `answer_a`, `answer_b`, ... as the fields of a row are called.
    """

    def __init__(self, items: JudgedItems) -> None:
        self._model = items.model
        self.num_models = len(items.models)
        self.num_places = items.model.shape[1]
        self.names = [*items.models, *map(_place, range(self.num_places))]

    def codes(self, item: NDArray[np.uint32], answer: NDArray[np.uint16]) -> NDArray[np.int64]:
        """Name of one answer a row: its model, or its place where no model is given."""
        model = self._model[item, answer].astype(np.int64)
        return np.where(model >= 0, model, self.place(answer))

    def place(self, answer: NDArray[np.uint16]) -> NDArray[np.int64]:
        """Name of one answer a row by its place alone."""
        return self.num_models + answer.astype(np.int64)

    def ranks(self) -> NDArray[np.int64]:
        """Where each name stands in alphabetical order."""
        order = sorted(range(len(self.names)), key=lambda code: (self.names[code], code))
        ranks = np.empty(len(order), dtype=np.int64)
        ranks[order] = np.arange(len(order))
        return ranks

    def slices(self) -> Sequence[str]:
        """`model=X` or `answer=answer_a`, by code."""
        return [
            slice_part("model" if code < self.num_models else "answer", name)
            for code, name in enumerate(self.names)
        ]


def _place(index: int) -> str:
    letters = len(ascii_lowercase)
    return f"answer_{ascii_lowercase[index]}" if index < letters else f"answer_{index + 1}"
