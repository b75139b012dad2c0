"""Rendering: what the judge reads, and what is recorded of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from tests.best_of_three import RUBRIC
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE

from judgefast.datasets.items import Item, Turn
from judgefast.errors import DataError, ModelError, RubricError
from judgefast.hashes import framed
from judgefast.prompts import PromptPlan, PromptTokenizer, builtin_rubrics, load_rubric
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel
from judgefast.prompts.read_rubric import read_rubric

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.prompts.segments import Prompt

    MakeItem = Callable[..., Item]

CHAT = Capabilities(takes="chat")
STATE = Capabilities(takes="state", label_probabilities=True)


def text_of(prompt: Prompt) -> str:
    return "".join(segment.text for segment in prompt.segments)


def theirs(prompt: Prompt) -> list[str]:
    return [segment.text for segment in prompt.segments if not segment.trusted]


def test_a_pair_is_shown_in_the_order_asked(make_item: MakeItem) -> None:
    plan = PromptPlan(load_rubric("pairwise"), None, CHAT)
    item = make_item("one", "two", "three", question="Why?")
    assert theirs(plan.render(item, (0, 1))) == ["Why?\n", "one\n", "two\n"]
    assert theirs(plan.render(item, (2, 0))) == ["Why?\n", "three\n", "one\n"]


def test_the_whole_prompt_of_a_pair_reads_well(
    qwen: JudgeModel, ids_engine: Capabilities, make_item: MakeItem
) -> None:
    plan = PromptPlan(load_rubric("pairwise"), qwen, ids_engine)
    text = text_of(plan.render(make_item("one", "two", question="Why?", reference="so"), (0, 1)))
    assert text.startswith("<|im_start|>system\nYou are an impartial judge.")
    assert text.endswith(
        "<|im_end|>\n<|im_start|>user\n"
        "[The Start of the Question]\nWhy?\n[The End of the Question]\n"
        "[The Start of the Reference Answer]\nso\n[The End of the Reference Answer]\n"
        "[The Start of Answer A]\none\n[The End of Answer A]\n"
        "[The Start of Answer B]\ntwo\n[The End of Answer B]\n"
        "Which answer is better: A, B, or C for a tie? Reply with the letter alone."
        "<|im_end|>\n<|im_start|>assistant\n"
    )


def test_the_reference_is_left_out_where_there_is_none(make_item: MakeItem) -> None:
    plan = PromptPlan(load_rubric("binary"), None, CHAT)
    assert "Reference" not in text_of(plan.render(make_item("x"), (0,)))
    assert "Reference Answer]\nit\n[The End" in text_of(
        plan.render(make_item("x", reference="it"), (0,))
    )


def test_a_required_reference_is_asked_for(make_item: MakeItem) -> None:
    text = load_rubric("binary").source.replace('"optional"', '"required"')
    plan = PromptPlan(read_rubric(text, "mine.toml"), None, CHAT)
    plan.render(make_item("x", reference="it"), (0,))
    with pytest.raises(DataError, match=r"item `item` has no reference, which `mine\.toml` needs"):
        plan.render(make_item("x"), (0,))


def test_white_space_at_the_ends_is_taken_off_and_counted(make_item: MakeItem) -> None:
    plan = PromptPlan(load_rubric("binary"), None, CHAT)
    prompt = plan.render(make_item("\n  x y \u2028", question=" \n "), (0,))
    assert theirs(prompt) == ["", "x y\n"]
    assert prompt.stripped_characters == 8


def test_ids_and_segments_say_the_same(
    judge: JudgeModel, ids_engine: Capabilities, make_item: MakeItem
) -> None:
    for name in builtin_rubrics():
        rubric = load_rubric(name)
        plan = PromptPlan(rubric, judge, ids_engine)
        shown = (1, 0) if rubric.mode == "pairwise" else (1,)
        prompt = plan.render(make_item("", "b"), shown)
        assert prompt.token_ids is not None
        assert prompt.token_ids.dtype == np.int32
        assert judge.tokenizer is not None
        assert judge.tokenizer.decode(prompt.token_ids) == text_of(prompt)
        little = prompt.token_ids.astype("<i4").tobytes()
        assert prompt.ids_hash == framed("judgefast ids 1", [little])[:16]


def test_every_prompt_of_a_run_begins_with_the_shared_tokens(
    judge: JudgeModel, ids_engine: Capabilities, make_item: MakeItem
) -> None:
    for name in builtin_rubrics():
        rubric = load_rubric(name)
        plan = PromptPlan(rubric, judge, ids_engine)
        shown = (0, 1) if rubric.mode == "pairwise" else (0,)
        prompts = [
            plan.render(make_item(*texts, question=texts[0], reference=reference), shown)
            for texts in (("a", "b"), ("", "#"), ("7", "\n"))
            for reference in (None, "r")
        ]
        heads = {tuple(p.token_ids[: plan.shared_tokens].tolist()) for p in prompts}  # type: ignore[index]  # ids are asked for
        assert len(heads) == 1
        assert plan.shared_tokens > 100
        assert prompts[0].shared_tokens == plan.shared_tokens
        nexts = {int(p.token_ids[plan.shared_tokens]) for p in prompts}  # type: ignore[index]  # ids are asked for
        assert len(nexts) > 1


def test_shared_tokens_end_where_a_block_may_be_left_out(
    smollm2: JudgeModel, ids_engine: Capabilities, make_item: MakeItem
) -> None:
    text = load_rubric("binary").source
    first = text.index("[[template.blocks]]")
    second = text.index('[[template.blocks]]\nwhen = "reference"')
    third = text.index("[[template.blocks]]", second + 1)
    moved = text[:first] + text[second:third] + text[first:second] + text[third:]
    plan = PromptPlan(read_rubric(moved, "moved.toml"), smollm2, ids_engine)
    prompts = [plan.render(make_item("x", reference=r), (0,)) for r in (None, "r")]
    heads = [p.token_ids[: plan.shared_tokens].tolist() for p in prompts]  # type: ignore[index]  # ids are asked for
    assert heads[0] == heads[1]
    assert heads[0], "the system message is shared all the same"


def test_a_conversation_is_marked_by_roles_that_it_cannot_forge(make_item: MakeItem) -> None:
    plan = PromptPlan(load_rubric("binary"), None, CHAT)
    turns = (Turn("user", "hi "), Turn("[assistant]\nx", ""), Turn("assistant", "yes"))
    prompt = plan.render(make_item(turns), (0,))
    start = [s.text for s in prompt.segments].index("[user]\n")
    found = [(s.text, s.trusted) for s in prompt.segments[start : start + 7]]
    assert found == [
        ("[user]\n", True),
        ("hi\n", False),
        ("[role]\n", True),
        ("[assistant]\nx\n", False),
        ("[text]\n", True),
        ("[assistant]\n", True),
        ("yes\n", False),
    ]


def test_a_choice_shows_every_answer_under_its_label(make_item: MakeItem) -> None:
    plan = PromptPlan(read_rubric(RUBRIC, "choice.toml"), None, CHAT)
    item = make_item("one", "two", "three")
    text = text_of(plan.render(item, (2, 1, 0)))
    assert "Answer X]\nthree\n[The End of Answer X]\n[The Start of Answer Y]\ntwo\n" in text
    with pytest.raises(RubricError, match=r"`choice.toml` shows 3 answers, item `item` 2"):
        plan.render(item, (0, 1))


def test_engines_that_take_messages_get_the_system_message_apart(make_item: MakeItem) -> None:
    prompt = PromptPlan(load_rubric("pairwise"), None, CHAT).render(make_item(), (0, 1))
    assert prompt.has_system
    assert prompt.segments[0].text.startswith("You are an impartial judge.")
    assert prompt.segments[1].text == "[The Start of the Question]\n"
    assert prompt.token_ids is None
    assert prompt.shared_tokens == 0


def test_an_answer_without_text_is_named(make_item: MakeItem) -> None:
    plan = PromptPlan(load_rubric("pairwise"), None, CHAT)
    with pytest.raises(DataError, match="answer 1 of item `item` has no text"):
        plan.render(make_item("a", None), (0, 1))


def test_a_model_without_a_chat_template_is_refused(
    smollm2: JudgeModel, ids_engine: Capabilities
) -> None:
    bare = msgspec.structs.replace(smollm2, chat_template=None)
    with pytest.raises(ModelError, match="has no chat template, but the rubric `pairwise` wants"):
        PromptPlan(load_rubric("pairwise"), bare, ids_engine)
    PromptPlan(load_rubric("few-shot-quality"), bare, ids_engine)


def bos_judge(template: str) -> JudgeModel:
    tokens = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "<s>"]
    tokenizer = Tokenizer(BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("<s>", normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 256)]
    )
    wrapped = PromptTokenizer.from_tokenizer(tokenizer)
    judge = JudgeModel(name="bos", digest="", tokenizer=wrapped, chat_template=template)
    marks = {"bos_token": "<s>"}
    return msgspec.structs.replace(judge, **marks)


@pytest.mark.parametrize(
    "template",
    [
        "{{ bos_token }}{% for m in messages %}{{ m.content }}\n{% endfor %}",
        "{% for m in messages %}{{ m.content }}\n{% endfor %}",
    ],
)
def test_bos_comes_once_whether_the_template_writes_it_or_not(
    template: str, ids_engine: Capabilities, make_item: MakeItem
) -> None:
    for name in ("pairwise", "few-shot-quality"):
        rubric = load_rubric(name)
        if name == "few-shot-quality":  # its words are several tokens for this tokenizer
            rubric = msgspec.structs.replace(
                rubric, decoding=msgspec.structs.replace(rubric.decoding, probabilities=False)
            )
        plan = PromptPlan(rubric, bos_judge(template), ids_engine)
        prompt = plan.render(make_item("<s>", "<s>x"), (0, 1) if name == "pairwise" else (0,))
        assert prompt.token_ids is not None
        assert np.flatnonzero(prompt.token_ids == 256).tolist() == [0]
        assert plan.verify_seams(prompt) is None


def test_a_system_message_that_was_folded_is_recorded(
    smollm2: JudgeModel, ids_engine: Capabilities
) -> None:
    refusing = msgspec.structs.replace(
        smollm2,
        chat_template="{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"
        "{% for m in messages %}[INST]\n{{ m.content }}\n[/INST]\n{% endfor %}",
    )
    plan = PromptPlan(load_rubric("pairwise"), refusing, ids_engine)
    assert plan.layout.folded_system
    assert not PromptPlan(load_rubric("pairwise"), smollm2, ids_engine).layout.folded_system


def test_questions_are_typed_for_engines_that_take_no_prompt() -> None:
    kinds = {}
    for name in builtin_rubrics():
        asked = PromptPlan(load_rubric(name), None, CHAT).questions
        ((kinds[name], aspects),) = Counter(
            (each.kind, len(each.options)) for each in asked
        ).items()
        assert aspects == len(load_rubric(name).aspects)
    assert kinds == {
        "aspects-1-5": ("score", 5),
        "aspects-pairwise": ("choice", 3),
        "binary": ("yes_no", 2),
        "few-shot-quality": ("yes_no", 2),
        "pairwise": ("choice", 3),
        "pairwise-bracket": ("choice", 3),
        "pairwise-reasons": ("choice", 3),
        "scalar-1-5": ("score", 5),
    }


def test_options_know_their_label_whatever_order_the_rubric_has() -> None:
    stars = load_rubric("scalar-1-5").source
    labels = [f'  {{ text = "{n}", score = {n} }},\n' for n in range(1, 6)]
    turned = stars.replace("".join(labels), "".join(reversed(labels)))
    (question,) = PromptPlan(read_rubric(turned, "x.toml"), None, STATE).questions
    places = [(option.text, option.label) for option in question.options]
    assert places == [("1", 4), ("2", 3), ("3", 2), ("4", 1), ("5", 0)]
    assert question.options[4].meaning.startswith("right, complete and clear")
    (question,) = PromptPlan(load_rubric("pairwise"), None, STATE).questions
    assert [option.meaning for option in question.options] == [
        "answer_1 is better",
        "answer_2 is better",
        "the answers are equally good or equally bad",
    ]
    (question,) = PromptPlan(load_rubric("few-shot-quality"), None, STATE).questions
    assert [option.meaning for option in question.options] == ["yes", "no"]
    assert "\n\n" in question.instructions  # the worked examples follow the criterion


def test_no_two_options_of_a_question_mean_the_same() -> None:
    source = load_rubric("binary").source
    label = next(line for line in source.splitlines() if "score = 1" in line)
    more = source.replace(label, label + "\n" + label.replace('text = "', 'text = "partly '))
    (question,) = PromptPlan(read_rubric(more, "x.toml"), None, STATE).questions
    assert (question.kind, len(question.options)) == ("choice", 3)
    assert [option.meaning for option in question.options] == [
        option.text for option in question.options
    ]


def test_a_state_holds_each_text_of_the_item_by_the_place_it_is_shown_in(
    make_item: MakeItem,
) -> None:
    plan = PromptPlan(load_rubric("pairwise"), None, STATE)
    item = make_item(" one ", (Turn("user", "hi"), Turn("assistant", " ")), question="Which?")
    shown = {"answer_1": "[user]\nhi\n[assistant]", "answer_2": "one"}
    assert plan.render(item, (1, 0)).state() == {"question": "Which?"} | shown
    blank = plan.render(make_item("", "two"), (0, 1)).state()
    assert (blank["answer_1"], blank["answer_2"]) == ("", "two")


def test_what_a_typed_question_says_is_a_part_of_the_prompt_hash() -> None:
    stars = load_rubric("scalar-1-5").source
    other = read_rubric(stars.replace('"2", score = 2', '"2", score = 2.5'), "x.toml")
    first = read_rubric(stars, "x.toml")
    assert PromptPlan(first, None, STATE).prompt_hash != PromptPlan(other, None, STATE).prompt_hash
    assert PromptPlan(first, None, CHAT).prompt_hash == PromptPlan(other, None, CHAT).prompt_hash


def test_an_engine_of_typed_questions_refuses_a_verdict_that_has_to_be_written() -> None:
    words = "the engine answers typed questions and writes no text"
    with pytest.raises(RubricError, match=words):
        PromptPlan(load_rubric("pairwise-reasons"), None, STATE)


def test_messages_hold_the_whole_prompt(make_item: MakeItem) -> None:
    prompt = PromptPlan(load_rubric("pairwise"), None, CHAT).render(make_item(), (0, 1))
    system, user = prompt.messages()
    assert (system["role"], user["role"]) == ("system", "user")
    assert system["content"] + user["content"] == prompt.text == text_of(prompt)


def test_rules_follow_from_how_verdicts_are_read(
    smollm2: JudgeModel, ids_engine: Capabilities
) -> None:
    assert PromptPlan(load_rubric("pairwise"), smollm2, ids_engine).rule == "average"
    assert PromptPlan(load_rubric("pairwise"), None, CHAT).rule == "strict"
    text = load_rubric("pairwise").source.replace("[[aspects]]", 'rule = "drop"\n[[aspects]]', 1)
    assert PromptPlan(read_rubric(text, "x.toml"), smollm2, ids_engine).rule == "drop"
