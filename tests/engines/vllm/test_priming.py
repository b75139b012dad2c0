"""Which heads of prompts are computed ahead: each once, and none that saves nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.engines.vllm.priming import LEAST_TOKENS, Primer, needs_priming
from judgefast.prompts.segments import Prompt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.batches.request import Request

BLOCK = 16


class Asked(msgspec.Struct):
    """What a primer looks at."""

    prompt: Prompt
    next_ids: np.ndarray | None = None


def asked(ids: Sequence[int], shared: int = 0) -> Request:
    return Asked(Prompt((), np.array(ids, np.int32), b"", shared))  # type: ignore[return-value]  # a stand-in


def words(start: int, number: int) -> list[int]:
    return list(range(start, start + number))


HEAD = words(1_000, 200)


def test_the_runs_head_is_computed_once_and_again_by_a_new_process() -> None:
    primer = Primer(BLOCK)
    requests = [asked(HEAD + words(5_000 + 900 * n, 40), len(HEAD)) for n in range(3)]
    whole = len(HEAD) // BLOCK * BLOCK
    assert primer.heads(requests) == [(whole + 1,), (), ()]
    assert primer.heads(requests) == [(), (), ()]
    primer.forget()
    assert primer.heads(requests[:1]) == [(whole + 1,)]


def test_what_the_next_request_shares_is_computed_where_it_is_long_enough() -> None:
    primer = Primer(BLOCK)
    question, other = words(7_000, 100), words(8_000, 30)
    first, second = (HEAD + question + words(5_000 + 50 * n, 40) for n in range(2))
    third, fourth = (HEAD + other + words(6_000 + 50 * n, 40) for n in range(2))
    fifth, sixth = (HEAD + words(9_000, 100) + words(6_500 + 50 * n, 40) for n in range(2))
    every = (first, second, third, fourth, fifth, sixth)
    found = primer.heads([asked(each, len(HEAD)) for each in every])
    assert found[:4] == [(192 + 1, 288 + 1), (), (), ()], "the second question is too short"
    assert found[4:] == [(288 + 1,), ()], "the run's head is there, and the first question gone"


def test_a_short_head_is_left_alone() -> None:
    primer = Primer(BLOCK)
    short = HEAD[: LEAST_TOKENS - 1]
    assert primer.heads([asked([*short, n], len(short)) for n in range(3)]) == [(), (), ()]
    whole = [asked(HEAD[:65], 65)]
    assert primer.heads(whole) == [(65,)], "all but the last token of a prompt may be cached"


GROUPS = st.lists(
    st.tuples(st.integers(0, 120), st.integers(1, 4), st.integers(1, 60)), min_size=1, max_size=6
)


def requests_of(groups: list[tuple[int, int, int]], shared: int) -> list[Request]:
    """Groups of requests that share a middle of a length, so many, each with a tail of a length."""
    token, requests = 10_000, []
    for length, members, tail in groups:
        middle, token = words(token, length), token + length
        for _ in range(members):
            requests.append(asked(HEAD[:shared] + middle + words(token, tail), shared))
            token += tail
    return requests


@given(groups=GROUPS, shared=st.integers(0, 150), at_once=st.integers(1, 9))
@settings(max_examples=50)
def test_the_heads_are_the_same_however_requests_are_handed_over(
    groups: list[tuple[int, int, int]], shared: int, at_once: int
) -> None:
    requests = requests_of(groups, shared)
    told = [
        msgspec.structs.replace(one, next_ids=two.prompt.token_ids)  # type: ignore[union-attr]  # it has a prompt
        for one, two in pairwise(requests)
    ]
    told.append(requests[-1])
    primer, found = Primer(BLOCK), []
    for place in range(0, len(told), at_once):
        found += primer.heads(told[place : place + at_once])
    assert found == Primer(BLOCK).heads(requests)


@given(groups=GROUPS, shared=st.integers(0, 150), at_once=st.integers(1, 9))
def test_a_head_begins_its_request_and_is_not_computed_before(
    groups: list[tuple[int, int, int]], shared: int, at_once: int
) -> None:
    primer, seen, requests = Primer(BLOCK), set[bytes](), requests_of(groups, shared)
    for place in range(0, len(requests), at_once):
        several = requests[place : place + at_once]
        for request, lengths in zip(several, primer.heads(several), strict=True):
            ids = request.prompt.token_ids  # type: ignore[union-attr]  # it has a prompt
            assert list(lengths) == sorted(set(lengths))
            for length in lengths:
                assert length % BLOCK == 1
                assert LEAST_TOKENS < length <= len(ids)  # type: ignore[arg-type]  # it has ids
                head = ids[: length - 1].tobytes()  # type: ignore[index]  # as above
                assert head not in seen
                seen.add(head)


@pytest.mark.parametrize(
    ("facts", "needed"),
    [
        ({"enable_prefix_caching": True, "prefix_cache_retention_interval": 0}, True),
        ({"enable_prefix_caching": True, "prefix_cache_retention_interval": None}, False),
        ({"enable_prefix_caching": True}, False),
        ({"enable_prefix_caching": False, "prefix_cache_retention_interval": 0}, False),
    ],
)
def test_only_a_cache_that_keeps_little_needs_it(facts: dict[str, object], *, needed: bool) -> None:
    assert needs_priming(facts) is needed
