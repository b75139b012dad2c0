"""The hash that a prompt without token ids is known by, beside its definition in `docs/keys.md`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.prompts.asking import rows_of

from judgefast.datasets.items import Answer, Item, Turn, text_hash
from judgefast.hashes import framed
from judgefast.prompts import PromptPlan, load_rubric
from judgefast.prompts.decoding import Capabilities

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.datasets.items import Text
    from judgefast.prompts.segments import Prompt

    MakeItem = Callable[..., Item]

CHAT = Capabilities(takes="chat")


def hash_by_definition(prompt: Prompt) -> bytes:
    """`docs/keys.md`, read anew."""
    fields = []
    for segment in prompt.segments:
        if segment.text:
            text = segment.text if segment.trusted else segment.text[:-1]
            raw = text.encode("utf-8", "surrogatepass")
            fields.append(b"ours" if segment.trusted else b"theirs")
            fields.append(framed("judgefast text 1", [raw]))
    return framed("judgefast segments 2", fields)[:16]


def planned_hash(plan: PromptPlan, item: Item) -> bytes:
    return plan.segments_of([item], rows_of([(0, (0, 1), 0)]), 0).frame_hashes().tobytes()


def test_the_hash_of_segments_keeps_ours_and_theirs_apart(make_item: MakeItem) -> None:
    plan = PromptPlan(load_rubric("binary"), None, CHAT)
    forged = make_item((Turn("user", "x"),)), make_item("[user]\nx")
    prompts = [plan.render(item, (0,)) for item in forged]
    assert prompts[0].text == prompts[1].text
    assert prompts[0].ids_hash != prompts[1].ids_hash
    assert prompts[0].ids_hash == hash_by_definition(prompts[0])


def hashed(item: Item) -> Item:
    """The same with the hashes that a data set gives its texts."""

    def known(text: Text | None) -> bytes:
        try:
            return text_hash(text)
        except UnicodeEncodeError:  # of a lone surrogate, which a data set never holds
            return b""

    replace = msgspec.structs.replace
    answers = tuple(replace(each, sha256=known(each.text)) for each in item.answers)
    question, reference = known(item.question), known(item.reference)
    return replace(item, answers=answers, question_sha256=question, reference_sha256=reference)


def test_a_prompt_is_planned_by_the_hashes_of_its_texts_and_met_again_by_the_texts(
    make_item: MakeItem,
) -> None:
    plan = PromptPlan(load_rubric("pairwise"), None, CHAT)
    item = hashed(make_item("one", " two", question="Why?"))
    planned = planned_hash(plan, item)
    assert plan.render(item, (0, 1)).ids_hash == planned
    other = msgspec.structs.replace(item, question="Who?")
    assert planned_hash(plan, other) == planned, "its text is not read for it"
    assert plan.render(other, (0, 1)).ids_hash != planned
    stripped = hashed(make_item("one", "two", question="Why?"))
    assert planned_hash(plan, stripped) == planned, "the hash is of what is sent"


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_prompt_is_measured_as_it_is_rendered_whatever_was_rendered_before(
    data: st.DataObject,
) -> None:
    text = st.text("ab \n<|é\udc80", max_size=12)
    turns = st.lists(st.builds(Turn, st.sampled_from(["user", "odd"]), text), min_size=1)
    said = text | turns.map(tuple)
    items = [
        Item(f"i{number}", "c", data.draw(said), (Answer(data.draw(said)), Answer(data.draw(said))))
        for number in range(2)
    ]
    items.append(msgspec.structs.replace(items[0], reference=data.draw(text)))
    items = [hashed(item) if data.draw(st.booleans()) else item for item in items]
    plan = PromptPlan(load_rubric("pairwise"), None, CHAT)
    orders = st.tuples(st.sampled_from(items), st.permutations((0, 1)).map(tuple))
    for item, shown in data.draw(st.lists(orders, min_size=1, max_size=8)):
        block = plan.segments_of([item], rows_of([(0, shown, 0)]), 0)
        prompt = plan.render(item, shown)
        fresh = PromptPlan(load_rubric("pairwise"), None, CHAT).render(item, shown)
        assert prompt == fresh
        assert prompt.ids_hash == hash_by_definition(prompt)
        assert block.frame_hashes().tobytes() == prompt.ids_hash
        assert block.replaced_characters == prompt.replaced_characters
        assert block.stripped_characters == prompt.stripped_characters
        assert plan.render(item, shown, ids_hash=prompt.ids_hash) == prompt
