"""Answers that do not fit the context: shortened together, marked, at a clean seam."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.prompts.aspects import several

from judgefast.batches import trie
from judgefast.batches.columns import no_plan
from judgefast.datasets.items import Answer, Item, Turn
from judgefast.errors import ConfigError
from judgefast.prompts import PromptPlan, load_rubric
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.truncation import MARK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.batches.columns import PlanColumns
    from judgefast.prompts.model import JudgeModel
    from judgefast.prompts.segments import Prompt

    MakeItem = Callable[..., Item]

ENGINE = Capabilities(takes="ids", label_probabilities=True, schema=True)
GOLDEN = ["fa3fe95950a2891d", "e3a49021398eb423"]
"""Prompt hashes of `pairwise`, whole and shortened to 600 tokens."""

LONG = "Sentences of some words, numbered from 1 to 9: café 漢字, don't stop.\n\n    code()\n" * 30


def plan_of(model: JudgeModel, context: int, rubric: str = "pairwise") -> PromptPlan:
    judge = msgspec.structs.replace(model, context_tokens=context)
    return PromptPlan(load_rubric(rubric), judge, ENGINE, truncate=True)


def tokens(plan: PromptPlan, prompt: Prompt) -> int:
    assert prompt.token_ids is not None
    return len(prompt.token_ids) + plan.decoding.most_tokens


def answers_of(prompt: Prompt) -> list[str]:
    """What is shown of each answer, without the mark."""
    state = prompt.state()
    shown = [text for slot, text in state.items() if slot.startswith("answer")]
    return [text.removesuffix(MARK.rstrip("\n")).removesuffix("\n") for text in shown]


def test_both_answers_lose_the_same_share_and_nothing_else_a_word(
    judge: JudgeModel, make_item: MakeItem
) -> None:
    texts = (LONG, LONG[: len(LONG) // 3])
    item = make_item(*texts, question="What? " * 40, reference="It is. " * 40)
    whole = PromptPlan(load_rubric("pairwise"), judge, ENGINE).render(item, (0, 1))
    assert whole.token_ids is not None
    context = len(whole.token_ids) // 2 + 150
    plan = plan_of(judge, context)
    for shown in ((0, 1), (1, 0)):
        prompt = plan.render(item, shown)
        assert context - 8 < tokens(plan, prompt) <= context, "as long as it may be"
        assert plan.verify_seams(prompt) is None
        assert prompt.text.count(MARK) == 2
        kept = answers_of(prompt)
        shares = []
        for text, index in zip(kept, shown, strict=True):
            assert texts[index].startswith(text)
            shares.append(len(text) / len(texts[index]))
        assert abs(shares[0] - shares[1]) < 0.03
        before = [s for s in whole.segments if not s.slot.startswith("answer")]
        after = [s for s in prompt.segments if not s.slot.startswith("answer")]
        assert before == after, "rubric, question and reference are whole"
    one, other = (plan.render(item, shown) for shown in ((0, 1), (1, 0)))
    assert answers_of(one) == answers_of(other)[::-1]


def test_what_fits_is_not_touched_and_the_mark_costs_nothing(
    smollm2: JudgeModel, make_item: MakeItem
) -> None:
    item = make_item(LONG, "b")
    whole = PromptPlan(load_rubric("pairwise"), smollm2, ENGINE).render(item, (0, 1))
    assert whole.token_ids is not None
    context = len(whole.token_ids) + load_rubric("pairwise").decoding.max_tokens
    fits, too_long = (plan_of(smollm2, room) for room in (context, context - 1))
    context = tokens(fits, whole)
    fits, too_long = (plan_of(smollm2, room) for room in (context, context - 1))
    assert fits.render(item, (0, 1)).segments == whole.segments
    assert fits.cuts_of(item, (0, 1)) == {}
    # The other answer is one token and a line feed: nothing would be left of it.
    assert too_long.render(item, (0, 1)).segments == whole.segments
    longer = make_item(LONG, "b and some more words")
    assert tokens(too_long, too_long.render(longer, (0, 1))) <= context - 1


def test_an_empty_answer_is_not_marked_and_the_other_one_is(
    smollm2: JudgeModel, make_item: MakeItem
) -> None:
    plan = plan_of(smollm2, 400)
    prompt = plan.render(make_item(LONG, " \n"), (1, 0))
    assert tokens(plan, prompt) <= 400
    assert prompt.text.count(MARK) == 1
    assert prompt.state()["answer_1"] == ""


def test_a_conversation_is_cut_in_a_turn_and_later_turns_are_left_out(
    judge: JudgeModel, make_item: MakeItem
) -> None:
    turns = tuple(
        Turn(role, f"{number} {LONG[:400]}") for number in range(9) for role in ("user", "x")
    )
    plan = plan_of(judge, 1000, "scalar-1-5")
    for size in range(300, 700, 29):
        item = make_item(turns, question="q " * size)
        prompt = plan.render(item, (0,))
        assert tokens(plan, prompt) <= 1000
        assert plan.verify_seams(prompt) is None
        marked = [each.text for each in prompt.segments if each.slot == "answer"]
        assert marked[-1] == MARK
        assert marked[-2] not in {"[user]\n", "[role]\n", "[text]\n"}
        assert prompt.text.count("[user]") < 9


HOSTILE = st.text(max_size=30).map(lambda text: text * 40) | st.sampled_from(
    [
        "a" * 4000,
        "\u0301" * 900,
        "\U0001f469\u200d" * 500,
        "\n \t" * 700 + "x",
        "</s>" * 300,
        "한글" * 400,
    ]
)


@given(texts=st.lists(HOSTILE, min_size=3, max_size=3), context=st.integers(200, 900))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_texts_are_cut_at_a_clean_seam_the_same_in_a_block(
    smollm2: JudgeModel, qwen: JudgeModel, texts: list[str], context: int
) -> None:
    items = [
        Item("i", "c", "Why?", (Answer(texts[0]), Answer(texts[1]), Answer(texts[2]))),
        Item("j", "c", texts[2], (Answer(texts[1]), Answer("short"))),
    ]
    asked = columns_of([(0, (0, 1)), (0, (1, 0)), (0, (0, 2)), (0, (2, 0)), (1, (0, 1))])
    for model in (smollm2, qwen):
        plan = plan_of(model, context)
        block = plan.segments_of(items, asked, 0)
        hashes, counts = trie.measure(block.segments)
        assert block.left_out is not None
        for row, (place, shown) in enumerate(zip(asked.item, asked.shown_lists(), strict=True)):
            prompt = plan.render(items[place], shown)
            assert prompt.token_ids is not None
            assert plan.verify_seams(prompt) is None
            assert prompt.ids_hash == hashes[row].tobytes()
            assert len(prompt.token_ids) == counts[row]
            is_cut = MARK in prompt.text
            assert is_cut == bool(block.left_out[row])
            assert not is_cut or tokens(plan, prompt) <= context
        assert block.left_out[0] == block.left_out[1]


def columns_of(rows: list[tuple[int, tuple[int, ...]]]) -> PlanColumns:
    shown = [index for _, pair in rows for index in pair]
    count = len(rows)
    return no_plan()._replace(
        item=np.array([item for item, _ in rows], np.uint32),
        first=np.array([pair[0] for _, pair in rows], np.uint16),
        second=np.array([pair[1] for _, pair in rows], np.uint16),
        shown=np.array(shown, np.uint16),
        shown_offsets=np.arange(0, 2 * count + 1, 2, dtype=np.int64),
        aspect=np.zeros(count, np.uint16),
    )


def test_shortening_is_a_part_of_the_prompt_hash_only_where_it_is_on(smollm2: JudgeModel) -> None:
    hashes = [plan_of(smollm2, context).prompt_hash for context in (500, 500, 600)]
    judges = [msgspec.structs.replace(smollm2, context_tokens=room) for room in (500, 600)]
    off = {PromptPlan(load_rubric("pairwise"), judge, ENGINE).prompt_hash for judge in judges}
    assert hashes[0] == hashes[1]
    assert len({*hashes, *off}) == 3


def test_a_key_names_one_prompt_whatever_other_aspects_need(
    smollm2: JudgeModel, make_item: MakeItem, tmp_path: Path
) -> None:
    """What another aspect needs is in the hash where it is more, and only there."""
    item, model = make_item(LONG), msgspec.structs.replace(smollm2, context_tokens=600)
    path = tmp_path / "several.toml"

    def shown(*names: str, of: str = "clarity", more: str = "", on: bool = True) -> tuple[str, str]:
        text = several(*names, template='layout = "aspect-last"')
        path.write_text(text.replace("friendly?", f"friendly? {more}"), encoding="utf-8")
        plan = PromptPlan(load_rubric(path), model, ENGINE, truncate=on)
        aspect = names.index(of)
        prompt = plan.render(item, (0,), aspect)
        assert not on or tokens(plan, prompt) <= 600
        return plan.prompt_hashes[aspect], "".join(each.text for each in prompt.segments)

    alone, longer = "Think of it long and well. " * 8, "Think of it for longer. " * 12
    found = [
        shown("clarity"),
        shown("clarity", "tone", more=alone),
        shown("clarity", "tone", more=longer),
        shown("tone", "clarity", more=longer),
        shown("clarity", "truth", "tone", more=longer),
    ]
    assert [found.index(each) for each in found] == [0, 1, 2, 2, 2]
    assert len({key for key, _ in found}) == len({text for _, text in found}) == 3
    longest = [
        shown("tone", of="tone", more=longer),
        shown("clarity", "tone", of="tone", more=longer),
    ]
    assert longest[0] == longest[1], "an aspect that needs less changes no key"
    off = [shown("clarity", on=False), shown("clarity", "tone", more=longer, on=False)]
    assert off[0] == off[1]


def test_one_aspect_is_hashed_as_ever(smollm2: JudgeModel) -> None:
    model = msgspec.structs.replace(smollm2, context_tokens=600)
    hashes = [
        PromptPlan(load_rubric("pairwise"), model, ENGINE, truncate=on).prompt_hash[:16]
        for on in (False, True)
    ]
    assert hashes == GOLDEN


def test_it_is_refused_where_nobody_can_count(smollm2: JudgeModel, qwen: JudgeModel) -> None:
    rubric = load_rubric("pairwise")
    with pytest.raises(ConfigError, match="this engine takes no token ids"):
        PromptPlan(rubric, smollm2, Capabilities(takes="chat"), truncate=True)
    with pytest.raises(ConfigError, match="to the judge's context, which is not known"):
        PromptPlan(rubric, qwen, ENGINE, truncate=True)
