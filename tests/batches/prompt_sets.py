"""Sets of prompts in segments, made by numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.batches.trie import Segments

if TYPE_CHECKING:
    from collections.abc import Sequence

VOCABULARY = range(1000, 40_000)


class Texts:
    """Distinct segments, as they are made."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.ids: list[np.ndarray] = []

    def new(self, low: int, high: int | None = None) -> int:
        """Number of a new one, of random tokens: from `low` to `high` of them."""
        size = low if high is None else int(self.random.integers(low, high + 1))
        ids = self.random.integers(VOCABULARY.start, VOCABULARY.stop, size)
        self.ids.append(ids.astype(np.int32))
        return len(self.ids) - 1

    def segments(self, rows: Sequence[Sequence[int]]) -> Segments:
        """Prompts out of numbers of segments."""
        return segments_of(rows, self.ids)

    def prompt(self, row: Sequence[int]) -> np.ndarray:
        """Token ids of one prompt."""
        return np.concatenate([self.ids[number] for number in row])


def segments_of(rows: Sequence[Sequence[int]], ids: Sequence[Sequence[int]]) -> Segments:
    """The columns of some prompts."""

    def offsets(parts: Sequence[Sequence[int]]) -> np.ndarray:
        return np.concatenate([[0], np.cumsum([len(part) for part in parts])]).astype(np.int64)

    def joined(parts: Sequence[Sequence[int]], kind: type) -> np.ndarray:
        return np.concatenate([np.zeros(0, kind), *(np.array(part, kind) for part in parts)])

    return Segments(joined(rows, np.uint32), offsets(rows), joined(ids, np.int32), offsets(ids))
