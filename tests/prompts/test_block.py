"""The prompts of a block in segments, beside the same prompts rendered one by one."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.best_of_three import RUBRIC
from tests.prompts.asking import rows_of

from judgefast.batches.trie import measure
from judgefast.datasets.items import Answer, Item, Turn
from judgefast.errors import DataError, RubricError
from judgefast.prompts import PromptPlan, load_rubric
from judgefast.prompts.block import SLOTS
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.read_rubric import read_rubric

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.prompts.block import PromptBlock
    from judgefast.prompts.model import JudgeModel

    MakeItem = Callable[..., Item]

CHAT = Capabilities(takes="chat")
BASE = 7
"""Number of the first item in its run."""

_TEXT = st.text("ab \n<|é\udc80", max_size=6)
_TURNS = st.lists(st.builds(Turn, st.sampled_from(["user", "odd"]), _TEXT), max_size=2)
_SAID = _TEXT | _TURNS.map(tuple)


@st.composite
def items(draw: st.DrawFn) -> list[Item]:
    """A few items of three answers, their texts short, so that some come again."""
    answers = st.lists(st.builds(Answer, _SAID), min_size=3, max_size=3).map(tuple)
    one = st.builds(Item, st.just("i"), st.just("c"), _SAID, answers, reference=st.none() | _TEXT)
    return draw(st.lists(one, min_size=1, max_size=3))


def ids_of(block: PromptBlock) -> list[list[int]]:
    """Token ids of each prompt, its segments joined."""
    numbers, offsets, ids, starts = block.segments
    return [
        [token for s in numbers[start:end] for token in ids[starts[s] : starts[s + 1]].tolist()]
        for start, end in pairwise(offsets.tolist())
    ]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_the_segments_of_a_block_joined_are_the_prompts_rendered_one_by_one(
    smollm2: JudgeModel, ids_engine: Capabilities, data: st.DataObject
) -> None:
    choice = data.draw(st.booleans())
    rubric = read_rubric(RUBRIC, file="best.toml") if choice else load_rubric("pairwise")
    model, engine = data.draw(st.sampled_from([(smollm2, ids_engine), (None, CHAT)]))
    plan = PromptPlan(rubric, model, engine)
    given = data.draw(items())
    shown = st.permutations(range(3)).map(lambda order: tuple(order[: 3 if choice else 2]))
    cells = st.tuples(st.integers(0, len(given) - 1), shown, st.just(0))
    asked = data.draw(st.lists(cells, max_size=6))
    rows = rows_of([(BASE + item, answers, aspect) for item, answers, aspect in asked])
    block = plan.segments_of(given, rows, BASE)
    fresh = PromptPlan(rubric, model, engine)
    prompts = [fresh.render(given[item], answers) for item, answers, _ in asked]
    if model is None:
        assert len(block.segments.ids) == block.segments.id_offsets.sum() == 0
        hashes = block.frame_hashes()
    else:
        hashes, tokens = measure(block.segments)
        assert ids_of(block) == [prompt.token_ids.tolist() for prompt in prompts]
        assert tokens.tolist() == [len(prompt.token_ids) for prompt in prompts]
    assert [row.tobytes() for row in hashes] == [prompt.ids_hash for prompt in prompts]
    assert block.replaced_characters == sum(prompt.replaced_characters for prompt in prompts)
    assert block.stripped_characters == sum(prompt.stripped_characters for prompt in prompts)
    assert len(block.slots) == len(block.segments.segments)
    met = list(dict.fromkeys(block.segments.segments.tolist()))
    assert met == list(range(len(block.segments.id_offsets) - 1))


def test_texts_alike_are_one_segment_whoever_gave_them_and_each_place_says_its_slot(
    make_item: MakeItem,
) -> None:
    plan = PromptPlan(load_rubric("pairwise"), None, CHAT)
    given = [make_item("one", "two\n"), make_item("two", "one", reference="so")]
    rows = rows_of([(0, (0, 1), 0), (1, (1, 0), 0), (0, (1, 0), 0)])
    block = plan.segments_of(given, rows, 0)
    ends = block.segments.segment_offsets.tolist()
    numbers, slots = block.segments.segments.tolist(), block.slots.tolist()
    first, second, third = (
        dict(zip(slots[start:end], numbers[start:end], strict=True))
        for start, end in pairwise(ends)
    )
    question, reference, answer = (SLOTS.index(slot) for slot in SLOTS[1:])
    assert (first[answer], first[answer + 1]) == (second[answer], second[answer + 1])
    assert (first[answer], first[answer + 1]) == (third[answer + 1], third[answer])
    assert first[question] == second[question]
    assert (reference in first, reference in second) == (False, True)
    assert block.stripped_characters == 2, "of one answer, in the two prompts that show it"


def test_what_a_block_cannot_show_is_named(make_item: MakeItem) -> None:
    plan = PromptPlan(load_rubric("pairwise"), None, CHAT)
    given = [make_item("one", None, "three")]
    plan.segments_of(given, rows_of([(0, (0, 2), 0)]), 0)  # what is not shown is not missed
    with pytest.raises(DataError, match="answer 1 of item `item` has no text"):
        plan.segments_of(given, rows_of([(0, (0, 2), 0), (0, (0, 1), 0)]), 0)
    with pytest.raises(RubricError, match="shows 2 answers, item `item` 3"):
        plan.segments_of(given, rows_of([(0, (0, 2, 0), 0)]), 0)


def test_a_block_of_no_rows_has_no_prompts() -> None:
    block = PromptPlan(load_rubric("pairwise"), None, CHAT).segments_of([], rows_of([]), 0)
    assert block.segments.segment_offsets.tolist() == [0]
    assert np.array_equal(block.segments.id_offsets, [0])
    assert block.frame_hashes().shape == (0, 16)
