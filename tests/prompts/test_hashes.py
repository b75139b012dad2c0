"""What changes the two hashes of a rubric, and what does not."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from judgefast.prompts import PromptPlan, builtin_rubrics, load_rubric
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel
from judgefast.prompts.read_rubric import read_rubric
from judgefast.prompts.rubric import Rubric, framed_value

CHAT = Capabilities(takes="chat", schema=True)


def hashes(rubric: Rubric, overrides: dict[str, Any] | None = None) -> tuple[str, str]:
    return PromptPlan(rubric, None, CHAT, overrides).prompt_hash, rubric.parse_hash


def edited(name: str, old: str, new: str) -> Rubric:
    text = load_rubric(name).source
    assert old in text, "else this test proves nothing"
    return read_rubric(text.replace(old, new, 1), "edited.toml")


def test_hashes_are_64_hex_digits_and_differ_between_rubrics() -> None:
    found = [hashes(load_rubric(name)) for name in builtin_rubrics()]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for pair in found for digest in pair)
    assert len({prompt for prompt, _ in found}) == len(found)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[The Start of Answer A]", "[The  Start of Answer A]"),
        ("You are an impartial judge.", "You are an impartial  judge."),
        ("Prefer the answer", "Prefer  the answer"),
        ("temperature = 0", "temperature = 0.5"),
        ("max_tokens = 256", "max_tokens = 255"),
        ('structured = "auto"', 'structured = "none"'),
        ('reference = "optional"', 'reference = "optional"\ndate = 2026-02-01'),
    ],
)
def test_what_the_judge_sees_changes_the_prompt_hash_alone(old: str, new: str) -> None:
    prompt, parse = hashes(load_rubric("pairwise-reasons"))
    other_prompt, other_parse = hashes(edited("pairwise-reasons", old, new))
    assert other_prompt != prompt
    assert other_parse == parse


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("pairwise-reasons", 'name = "json"', 'name = "json"\nlenient = true'),
        ("pairwise-bracket", 'name = "bracket"', 'name = "bracket"\nlenient = true'),
        ("pairwise-bracket", 'name = "bracket"', 'name = "arena5"'),
    ],
)
def test_how_an_answer_is_read_changes_the_parse_hash_alone(name: str, old: str, new: str) -> None:
    prompt, parse = hashes(load_rubric(name))
    other_prompt, other_parse = hashes(edited(name, old, new))
    assert other_prompt == prompt
    assert other_parse != parse


@pytest.mark.parametrize("name", builtin_rubrics())
def test_comments_and_layout_of_the_file_change_neither(name: str) -> None:
    rubric = load_rubric(name)
    pieces = rubric.source.split('"""')
    for index in range(0, len(pieces), 2):  # between texts, not inside of them
        pieces[index] = pieces[index].replace(" = ", "   =  ").replace("\n\n", "\n# x\n\n")
    text = "# hello\n" + '"""'.join(pieces)
    assert text != rubric.source
    assert hashes(read_rubric(text, "elsewhere.toml")) == hashes(rubric)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('mode = "pairwise"', 'mode = "pairwise"\nrule = "drop"\none_failed = "tie"'),
        ('name = "pairwise-reasons"', 'name = "other"'),
        ('name = "quality"', 'name = "quality"\nweight = 3'),
    ],
)
def test_what_is_done_with_verdicts_changes_neither(old: str, new: str) -> None:
    assert hashes(edited("pairwise-reasons", old, new)) == hashes(load_rubric("pairwise-reasons"))


def test_words_for_gold_change_neither() -> None:
    plain, other = load_rubric("binary"), edited("binary", "good = 1", "great = 1")
    assert set(dict(plain.gold)) ^ set(dict(other.gold)) == {"good", "great"}
    assert hashes(other) == hashes(plain)


def test_an_override_counts_as_if_the_rubric_said_it() -> None:
    rubric = load_rubric("pairwise-reasons")
    wanted = hashes(edited("pairwise-reasons", "max_tokens = 256", "max_tokens = 99"))
    assert hashes(rubric, {"max_tokens": 99}) == wanted


def test_the_chat_template_counts_only_where_it_is_used() -> None:
    plain, chat = load_rubric("few-shot-quality"), load_rubric("pairwise")
    models = [
        JudgeModel(name="m", digest="", chat_template=text) for text in ("{# a #}", "{# b #}")
    ]
    found = [[PromptPlan(r, m, CHAT).prompt_hash for m in models] for r in (plain, chat)]
    assert found[0][0] == found[0][1]
    assert found[1][0] != found[1][1]


def test_the_judges_tokenizer_does_not_count(
    smollm2: JudgeModel, qwen: JudgeModel, ids_engine: Capabilities
) -> None:
    plans = [PromptPlan(load_rubric("few-shot-quality"), m, ids_engine) for m in (smollm2, qwen)]
    assert plans[0].decoding != plans[1].decoding, "else this test proves nothing"
    assert plans[0].prompt_hash == plans[1].prompt_hash


def test_worked_examples_and_their_order_count() -> None:
    rubric = load_rubric("few-shot-quality")
    turned = msgspec.structs.replace(rubric, examples=rubric.examples[::-1])
    assert hashes(turned)[0] != hashes(rubric)[0]


def test_the_hash_of_a_value_keeps_neighbours_apart() -> None:
    values = [
        ("ab", "c"),
        ("a", "bc"),
        ("abc",),
        (("a",), "bc"),
        ("1",),
        (1,),
        (True,),
        (None,),
        (),
    ]
    framed = [tuple(framed_value(value)) for value in values]
    assert len(set(framed)) == len(values)
    assert framed_value(1.0) == framed_value(1)


def test_the_hashes_of_a_builtin_rubric_are_pinned() -> None:
    """A change here means that old verdicts no longer count as this rubric's."""
    prompt, parse = hashes(load_rubric("pairwise"))
    assert prompt[:16] == "bb1ce7971b72fe00"
    assert parse[:16] == "1d9576723e4f79a6"
