"""What prompts share, against the same said of whole prompts."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.batches.trie import Segments, order
from judgefast.pipeline.prefixes import cached_by_slot, shared_with_former, working_tokens

LENGTHS = (3, 1, 4, 2, 5)
PROMPTS = st.lists(
    st.lists(st.integers(0, len(LENGTHS) - 1), min_size=1, max_size=5), min_size=1, max_size=12
)


def segments_of(prompts: list[list[int]]) -> Segments:
    """Segments whose ids are in no other one."""
    ids = [100 * number + place for number, size in enumerate(LENGTHS) for place in range(size)]
    return Segments(
        np.array([number for prompt in prompts for number in prompt], np.uint32),
        np.array([0, *accumulate(map(len, prompts))], np.int64),
        np.array(ids, np.int32),
        np.array([0, *accumulate(LENGTHS)], np.int64),
    )


def tokens_of(prompt: list[int]) -> list[int]:
    return [100 * number + place for number in prompt for place in range(LENGTHS[number])]


@settings(max_examples=60)
@given(PROMPTS, st.integers(1, 4))
def test_what_is_shared_and_held_is_that_of_whole_prompts(
    prompts: list[list[int]], running: int
) -> None:
    segments = segments_of(prompts)
    sent = order(segments)
    whole = [tokens_of(prompts[row]) for row in sent]
    shared = shared_with_former(segments, sent)
    for before, prompt, many in zip(whole, whole[1:], shared[1:], strict=False):
        same = [one == other for one, other in zip(before, prompt, strict=False)]
        assert many == [*same, False].index(False)
    assert shared[0] == 0

    width = min(running, len(whole))
    windows = [whole[at : at + width] for at in range(len(whole) - width + 1)]
    held = [
        len({tuple(prompt[:end]) for prompt in window for end in range(1, len(prompt) + 1)})
        for window in windows
    ]
    lengths = np.array([len(prompt) for prompt in whole])
    assert working_tokens(lengths, shared, running, 7) == max(held) + 7 * width


@settings(max_examples=60)
@given(PROMPTS, st.data())
def test_cached_tokens_are_counted_where_they_stand(
    prompts: list[list[int]], data: st.DataObject
) -> None:
    segments = segments_of(prompts)
    cached = [data.draw(st.integers(0, len(tokens_of(prompt)))) for prompt in prompts]
    slots = np.array([number % 3 for prompt in prompts for number in prompt], np.uint16)
    expected = [0, 0, 0]
    for prompt, many in zip(prompts, cached, strict=True):
        for token in tokens_of(prompt)[:many]:
            expected[token // 100 % 3] += 1
    found = cached_by_slot(segments, slots, np.array(cached, np.uint32))
    assert found[:3].tolist() == expected
    assert found[3:].sum() == 0
