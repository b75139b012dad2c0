"""Prompts in segments, as Python hands them over; the kernels' own tests are in Rust."""

from __future__ import annotations

import numpy as np
import pytest

from judgefast.batches.trie import Segments, ideal, measure, order
from judgefast.errors import ColumnError
from judgefast.prompts.pieces import Piece, hash_of_ids
from judgefast.prompts.segments import Segment

IDS = [[7, 8, 9], [1], [2, 3]]
PROMPTS = [[0, 1], [2], [0, 2], [0, 1]]


def columns(**changes: np.ndarray) -> Segments:
    lengths = [len(ids) for ids in IDS]
    whole = Segments(
        np.array([number for prompt in PROMPTS for number in prompt], np.uint32),
        np.cumsum([0, *map(len, PROMPTS)], dtype=np.int64),
        np.array([token for ids in IDS for token in ids], np.int32),
        np.cumsum([0, *lengths], dtype=np.int64),
    )
    return whole._replace(**changes)


def test_prompts_are_ordered_and_measured_as_they_stand() -> None:
    assert order(columns()).tolist() == [0, 3, 2, 1]
    assert ideal(columns()) == 3 + 1 + 2 + 2
    hashes, tokens = measure(columns())
    pieces = [Piece(Segment("", trusted=True), np.array(ids, np.int32)) for ids in IDS]
    expected = [hash_of_ids([pieces[number] for number in prompt]) for prompt in PROMPTS]
    assert [row.tobytes() for row in hashes] == expected
    assert tokens.tolist() == [4, 2, 5, 4]


def test_columns_that_do_not_fit_each_other_are_refused_by_every_kernel() -> None:
    for kernel in (order, ideal, measure):
        with pytest.raises(ColumnError, match="row 2 of `segments` holds 3; allowed: numbers of"):
            kernel(columns(segments=np.array([0, 1, 3, 0, 2, 0, 1], np.uint32)))
        with pytest.raises(ColumnError, match="row 4 of `segment_offsets` holds 7; allowed: offs"):
            kernel(columns(segments=np.zeros(6, np.uint32)))
        with pytest.raises(TypeError, match="segments"):
            kernel(columns(segments=np.zeros(7, np.int64)))
