"""How many prompts go together: whole lists, and shorter ones for long answers and at the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefast.engines.http.lists import LIST_TOKENS, SHORT_ANSWER, Lists
from judgefast.prompts.decoding import Decoding


@pytest.mark.parametrize(
    ("tokens", "streamed", "alone"),
    [(1, 8, 8), (16, 8, 8), (17, 8, 1), (128, 8, 1), (256, 4, 1), (257, 1, 1), (5000, 1, 1)],
)
def test_lists_are_shorter_with_long_answers(tokens: int, streamed: int, alone: int) -> None:
    assert Lists(8, is_streamed=True).longest(Decoding(max_tokens=tokens)) == streamed
    assert Lists(1, is_streamed=True).longest(Decoding(max_tokens=tokens)) == 1
    assert Lists(8, is_streamed=False).longest(Decoding(max_tokens=tokens)) == alone


def test_a_prompt_with_a_seed_or_with_thinking_of_its_own_goes_alone() -> None:
    lists = Lists(8, is_streamed=True)
    assert lists.longest(Decoding(max_tokens=1, temperature=0.5)) == 1
    assert lists.longest(Decoding(max_tokens=20, thinking_tokens=32)) == 1


@given(
    st.integers(1, 64), st.integers(1, 4000), st.booleans(), st.integers(1, 300), st.integers(1, 8)
)
def test_what_is_left_is_spread_in_shorter_and_shorter_lists(
    size: int,
    tokens: int,
    is_streamed: bool,  # noqa: FBT001 - drawn
    prompts: int,
    servers: int,
) -> None:
    lists = Lists(size, is_streamed=is_streamed, expected=0)
    decoding = Decoding(max_tokens=tokens)
    left, sizes = prompts, []
    while left:
        sizes.append(lists.most(decoding, waiting=left, servers=servers))
        left -= sizes[-1]
    assert sum(sizes) == prompts
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1
    assert sizes[0] <= max(1, size)
    assert all(one * tokens <= LIST_TOKENS for one in sizes if one > 1 and tokens > SHORT_ANSWER)
    last = sizes[-servers:]
    assert set(last) == {1}, "each server has a single prompt in the end"


def test_a_whole_list_goes_as_long_as_there_is_one_until_all_have_come() -> None:
    lists, short = Lists(8, is_streamed=False, expected=20), Decoding(max_tokens=1)
    for expected in ([8, 8, 4, 1], [8, 4, 2, 1]):
        lists.came(10)
        assert [lists.most(short, waiting=each, servers=1) for each in (16, 8, 4, 1)] == expected
