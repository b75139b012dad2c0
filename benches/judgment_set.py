"""A set of 90,000 judgments out of a description, in segments of random tokens.

1,000 questions of 100 to 200 tokens, six answers of 300 to 1,000 to each, judged in all 30 ordered
pairs by three aspects of 60 tokens; a rubric of 500, a tail of 20. What each prompt is made of, in
which order, is a layout; in which order prompts are sent is not settled here.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.batches.trie import Segments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

SEED = 2026
QUESTIONS, ANSWERS, ASPECTS = 1000, 6, 3
ROWS_OF_QUESTION = ANSWERS * (ANSWERS - 1) * ASPECTS
"""Both orders of each pair, by each aspect: rows in this order, as a plan has them."""
_VOCABULARY = 150_000

LAYOUTS = {
    "rubric aspect q A B": "rxqab",
    "rubric q A B aspect": "rqabx",
    "q A B rubric aspect": "qabrx",
    "rubric q aspect A B": "rqxab",
    "own rubrics first": "oqab",
    "q A B own rubric": "qabo",
    "rubric q A B all aspects": "rqaby",
}
"""What stands where: rubric, question, first and second answer, aspect, own rubric of the aspect,
all aspects. A tail ends each. The second is what judgefast does with several aspects."""


class Texts(NamedTuple):
    """Token ids of the distinct texts, and where each kind of them stands."""

    ids: list[NDArray[np.int32]]
    rubric: int
    aspects: list[int]
    own_rubrics: list[int]
    tail: int
    questions: list[int]
    answers: list[list[int]]


def make(questions: int = QUESTIONS, seed: int = SEED, *, scale: float = 1.0) -> Texts:
    """The texts of so many questions; lengths are `scale` times those of the description."""
    random = np.random.default_rng(seed)
    ids: list[NDArray[np.int32]] = []

    def new(low: int, high: int) -> int:
        size = max(1, round(int(random.integers(low, high + 1)) * scale))
        ids.append(random.integers(1, _VOCABULARY, size).astype(np.int32))
        return len(ids) - 1

    return Texts(
        ids,
        rubric=new(500, 500),
        aspects=[new(60, 60) for _ in range(ASPECTS)],
        own_rubrics=[new(500, 500) for _ in range(ASPECTS)],
        tail=new(20, 20),
        questions=[new(100, 200) for _ in range(questions)],
        answers=[[new(300, 1000) for _ in range(ANSWERS)] for _ in range(questions)],
    )


def rows_of(texts: Texts, question: int, layout: str) -> Iterator[list[int]]:
    """Prompts about one question, in numbers of texts: pair, order, aspect."""
    for one, two in combinations(texts.answers[question], 2):
        for first, second in ((one, two), (two, one)):
            for aspect in range(1 if "y" in layout else ASPECTS):
                parts = {
                    "r": [texts.rubric],
                    "q": [texts.questions[question]],
                    "a": [first],
                    "b": [second],
                    "x": [texts.aspects[aspect]],
                    "o": [texts.own_rubrics[aspect]],
                    "y": texts.aspects,
                }
                yield [*(number for part in layout for number in parts[part]), texts.tail]


def segments_of(texts: Texts, questions: Sequence[int], layout: str) -> Segments:
    """Prompts about some questions, with numbers of their own."""
    rows = [row for question in questions for row in rows_of(texts, question, layout)]
    flat = np.array(rows, dtype=np.uint32)
    used, first, numbers = np.unique(flat, return_index=True, return_inverse=True)
    place = np.empty(len(used), np.uint32)
    place[np.argsort(first)] = np.arange(len(used), dtype=np.uint32)
    by_place = used[np.argsort(first)]
    lengths = [len(texts.ids[number]) for number in by_place]
    return Segments(
        place[numbers.ravel()],
        np.arange(len(rows) + 1, dtype=np.int64) * flat.shape[1],
        np.concatenate([texts.ids[number] for number in by_place]),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
    )


def natural_loops(questions: int, aspects: int) -> NDArray[np.uint32]:
    """Rows as loops give them that nobody thought about: aspect, order, question, pair."""
    pairs = ANSWERS * (ANSWERS - 1) // 2
    rows = np.arange(questions * pairs * 2 * aspects, dtype=np.uint32)
    return rows.reshape(questions, pairs, 2, aspects).transpose(3, 2, 0, 1).ravel().copy()
