"""Which heads of prompts are computed once: whole blocks that neighbours share."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.batches.request import Request
from judgefast.engines.embedded.guards import BLOCK_TOKENS
from judgefast.engines.embedded.heads import Heads
from judgefast.prompts.decoding import Decoding
from judgefast.prompts.segments import Prompt

RUBRIC = 40


def request(ids: list[int], following: list[int] | None) -> Request:
    name = sha256(np.array(ids, np.int32).tobytes()).digest()[:16]
    return Request(
        request_id=name,
        keys=(name,),
        item_id="",
        shown=(0, 1),
        repeat=0,
        judge="",
        questions=(),
        prompt=Prompt((), np.array(ids, np.int32), b"", shared_tokens=RUBRIC),
        prefix_group=7,
        decoding=Decoding(max_tokens=1),
        seed=0,
        next_ids=None if following is None else np.array(following, np.int32),
    )


def heads_of(prompts: list[list[int]]) -> list[tuple[int, ...]]:
    heads = Heads()
    following = [*prompts[1:], None]
    return [
        heads.of(request(ids, after), np.array(ids, np.int32))
        for ids, after in zip(prompts, following, strict=True)
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=5), min_size=2, max_size=8))
def test_neighbours_name_the_longest_whole_blocks_that_both_begin_with(
    blocks: list[list[int]],
) -> None:
    rubric = [9] * RUBRIC
    prompts = [rubric + [bit for bit in each for _ in range(30)] + [5] for each in sorted(blocks)]
    found = heads_of(prompts)
    for place, (one, two) in enumerate(pairwise(prompts)):
        same = 0
        while same < min(len(one), len(two)) and one[same] == two[same]:
            same += 1
        whole = same // BLOCK_TOKENS * BLOCK_TOKENS
        mark = sha256(np.array(one[:whole], np.int32).tobytes()).digest()[:8]
        named = int.from_bytes(mark, "little")
        assert (named in found[place]) == (whole > RUBRIC)
        assert (named in found[place + 1]) == (whole > RUBRIC)


def test_a_head_is_not_named_where_another_prompt_comes_between() -> None:
    one, two, other = [9] * 120, [9] * 100 + [1] * 20, [9] * 41
    heads = Heads()
    first = heads.of(request(one, two), np.array(one, np.int32))
    heads.of(request(other, None), np.array(other, np.int32))
    second = heads.of(request(two, None), np.array(two, np.int32))
    assert len(first) == 3
    assert second == first[:2], "the rubric and the question alone"
