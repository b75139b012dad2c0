"""Prompts of raw vLLM: new to the cache, and as alike among themselves as the pipeline's."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.benchmarks.raw_texts import END, RawTexts, head_of

RUBRIC = list(range(100, 130))


class Work(msgspec.Struct):
    """As much of a request as is looked at."""

    ids: bytes


def works(texts: list[list[int]]) -> list[Work]:
    return [Work(np.array(text, "<i4").tobytes()) for text in texts]


def a_pass(raw: RawTexts, texts: list[list[int]]) -> list[list[int]]:
    known = works(texts)
    return [np.frombuffer(raw.following(known).ids, "<i4").tolist() for _ in texts]  # type: ignore[arg-type]  # as above


def shared(one: list[int], two: list[int]) -> int:
    """How far two texts are alike, token by token."""
    for place, (a, b) in enumerate(zip(one, two, strict=False)):
        if a != b:
            return place
    return min(len(one), len(two))


def questions(seed: int, *, many: int = 6, answers: int = 4) -> list[list[int]]:
    """Pairs of answers to each question, those of one question next to each other."""
    random = np.random.default_rng(seed)
    texts = []
    for _ in range(many):
        question, *each = (random.integers(1000, 9000, 40).tolist() for _ in range(answers + 1))
        texts += [RUBRIC + question + a + b + [7] * END for a in each for b in each if a is not b]
    return texts


@settings(max_examples=20)
@given(st.integers(0, 1 << 20))
def test_what_two_prompts_share_their_raw_ones_share_too(seed: int) -> None:
    texts = questions(seed)
    raw = a_pass(RawTexts(), texts)
    assert [len(text) for text in raw] == [len(text) for text in texts]
    for before, now in zip(pairwise(texts), pairwise(raw), strict=True):
        assert shared(*now) == shared(*before)
    for text, given_text in zip(raw, texts, strict=True):
        assert shared(text, given_text) < len(RUBRIC) + 8
        assert text[: len(RUBRIC)] == RUBRIC
        assert text[-END:] == [7] * END
        assert set(text) <= {token for each in texts for token in each}


def test_no_pass_is_found_from_an_earlier_one() -> None:
    raw, texts = RawTexts(), questions(1)
    first, second = a_pass(raw, texts), a_pass(raw, texts)
    assert all(shared(*pair) < len(RUBRIC) + 8 for pair in zip(first, second, strict=True))


def test_a_head_is_what_all_begin_with_and_all_of_it_where_none_differs() -> None:
    one, two, three = (np.array(ids) for ids in ([1, 2, 3, 4], [1, 2, 3, 9, 9], [1, 2, 8, 4]))
    assert head_of([one, two]) == 3
    assert head_of([one, two, three]) == 2
    assert head_of([one, one.copy()]) == 4
    assert head_of([one[:2], two]) == 2


def test_a_pass_takes_what_is_known_when_it_begins() -> None:
    raw = RawTexts()
    known = works(questions(2, many=1))
    raw.following(known[:3])  # type: ignore[arg-type]  # as above
    later = SimpleNamespace(ids=None)
    raw.following([later])  # type: ignore[list-item]  # it is not looked at yet
