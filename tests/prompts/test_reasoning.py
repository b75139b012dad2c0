"""Judges that think: how each is recognised, where its prompts end, and when it is asked to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from judgefast.errors import ConfigError, ModelError, RubricError
from judgefast.prompts import PromptPlan, decide_decoding, load_rubric
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.read_rubric import read_rubric

from .marked import CLOSED, HARMONY, HARMONY_MESSAGES, MESSAGES, TEMPLATES, THINK, marked

if TYPE_CHECKING:
    from judgefast.prompts.model import JudgeModel
    from judgefast.prompts.rubric import Rubric

THINKING = Capabilities(
    takes="ids", label_probabilities=True, schema=True, choice=True, thinking=True
)
PLAIN = msgspec.structs.replace(THINKING, thinking=False)
FINAL = "<|channel|>final<|message|>"
ANALYSIS = "<|channel|>analysis<|message|>"
TO_FINAL = f"<|end|><|start|>assistant{FINAL}"
TURN = "<|im_start|>assistant\n"


def plan(model: JudgeModel, name: str = "pairwise-reasons", **wishes: Any) -> PromptPlan:
    return PromptPlan(load_rubric(name), model, THINKING, wishes)


def ids_of(model: JudgeModel, text: str) -> tuple[int, ...]:
    assert model.tokenizer is not None
    return tuple(model.tokenizer.encode_trusted(text).tolist())


@pytest.mark.parametrize(
    ("template", "thinks", "answers", "closing", "by_default"),
    [
        ("switched", f"{TURN}<think>\n", TURN + CLOSED, "</think>\n\n", True),
        ("opened", f"{TURN}<think>\n", TURN + CLOSED, "</think>\n\n", True),
        ("opened_bare", f"{TURN}<think>", TURN + CLOSED, "</think>\n\n", True),
        ("bare", f"{TURN}<think>", f"{TURN}</think>", "</think>", False),
        ("off_by_default", f"{TURN}<think>\n", TURN + CLOSED, "</think>\n\n", False),
        ("left_out", f"{TURN}<think>\n", TURN, "</think>\n\n", True),
        ("opened_if_told", f"{TURN}<think>\n", TURN, "</think>\n\n", False),
        ("closed_unless_told", f"{TURN}<think>\n", TURN + CLOSED, "</think>\n\n", False),
        ("history_only", f"{TURN}<think>\n", TURN + CLOSED, "</think>\n\n", True),
    ],
)
def test_a_think_block_is_opened_and_closed_once_whatever_the_template_does(
    template: str, thinks: str, answers: str, closing: str, *, by_default: bool
) -> None:
    model = marked(TEMPLATES[template])
    reasoning = model.reasoning
    assert reasoning is not None
    assert (reasoning.family, reasoning.by_default) == ("think", by_default)
    assert reasoning.closing == closing
    assert reasoning.closing_ids == ids_of(model, closing)
    assert reasoning.end_ids == ids_of(model, "</think>")
    for name, wishes, tail in (
        ("pairwise-reasons", {"thinking": True}, thinks),
        ("pairwise-reasons", {"thinking": False}, answers),
        ("pairwise", {}, answers),
    ):
        assert plan(model, name, **wishes).layout.tail.rpartition("<|im_end|>\n")[2] == tail


@pytest.mark.parametrize(
    ("tail", "thinks", "answers"),
    [
        ("", ANALYSIS, FINAL),
        (ANALYSIS, ANALYSIS, ANALYSIS + TO_FINAL),
    ],
)
def test_a_harmony_prompt_opens_the_channel_that_is_wanted(
    tail: str, thinks: str, answers: str
) -> None:
    model = marked(HARMONY_MESSAGES + "<|start|>assistant" + tail, HARMONY)
    reasoning = model.reasoning
    assert reasoning is not None
    assert (reasoning.family, reasoning.closing) == ("harmony", TO_FINAL)
    assert set(reasoning.end_ids) == set(ids_of(model, "".join(HARMONY))) - {
        *ids_of(model, "<|message|>")
    }
    assert set(reasoning.answer_end_ids) == set(ids_of(model, "<|end|><|return|><|call|>"))
    ends = [plan(model, thinking=each).layout.tail for each in (True, False)]
    ends.append(plan(model, "pairwise").layout.tail)
    begun = [each.rpartition("<|end|><|start|>assistant<|channel|>")[0] for each in ends[1:]]
    assert ends[0].endswith(f"<|end|><|start|>assistant{thinks}")
    assert ends[1].endswith(f"<|end|><|start|>assistant{answers}")
    assert ends[2].endswith(f"<|end|><|start|>assistant{answers}")
    assert all(begun)


@pytest.mark.parametrize(
    ("template", "marks"),
    [
        (TEMPLATES["switched"], THINK[:3]),  # `</think>` is no token
        (MESSAGES + "{% endif %}", THINK),  # the template writes none of the marks
        (MESSAGES + CLOSED + "{% endif %}", THINK),  # it always goes straight to the answer
        ("{{ raise_exception('broken') }}<think>", THINK),
        (HARMONY_MESSAGES + "<|start|>assistant", HARMONY[:-1]),
        (MESSAGES + "{% endif %}", HARMONY),
        (HARMONY_MESSAGES + "<|start|>assistant" + FINAL, HARMONY),
    ],
)
def test_nothing_is_guessed_of_a_judge_that_does_not_show_how_it_thinks(
    template: str, marks: tuple[str, ...]
) -> None:
    assert marked(template, marks).reasoning is None


def test_a_judge_without_tokenizer_or_template_is_not_known_to_think() -> None:
    model = marked(TEMPLATES["switched"])
    assert msgspec.structs.replace(model, tokenizer=None).reasoning is None
    assert msgspec.structs.replace(model, chat_template=None).reasoning is None


def test_a_prompt_that_cannot_be_made_to_end_there_is_refused_with_the_reason() -> None:
    model = marked(HARMONY_MESSAGES + "<|start|>judge", HARMONY)
    words = "the prompts of `thinker` cannot be made to end where its {} begins"
    with pytest.raises(ModelError, match=words.format("answer without thinking")):
        plan(model, "pairwise")
    with pytest.raises(ModelError, match=words.format("thinking")):
        plan(model)
    free = PromptPlan(load_rubric("pairwise-reasons"), model, PLAIN)
    assert free.layout.tail.endswith("<|start|>judge")


@pytest.mark.parametrize(
    ("template", "rubric", "wishes", "tokens"),
    [
        ("switched", "pairwise-reasons", {}, 2048),
        ("switched", "pairwise-bracket", {"thinking_tokens": 100}, 100),
        ("switched", "pairwise-reasons", {"thinking": False}, 0),
        ("switched", "pairwise", {}, 0),
        ("switched", "pairwise", {"thinking": True}, 2048),
        ("switched", "pairwise", {"probabilities": False}, 2048),
        ("off_by_default", "pairwise-reasons", {}, 0),
        ("off_by_default", "pairwise-reasons", {"thinking": True}, 2048),
    ],
)
def test_the_judge_thinks_where_its_template_does_and_labels_are_not_read(
    template: str, rubric: str, wishes: dict[str, Any], tokens: int
) -> None:
    prompts = plan(marked(TEMPLATES[template]), rubric, **wishes)
    assert prompts.decoding.thinking_tokens == tokens
    assert prompts.decoding.most_tokens == prompts.decoding.max_tokens + tokens
    assert prompts.layout.tail.endswith("<think>\n") == bool(tokens)
    assert prompts.decoding.probabilities == (rubric == "pairwise" and not tokens)
    assert (prompts.decoding.schema is not None) == (rubric == "pairwise-reasons")


def test_an_engine_without_a_budget_closes_the_thinking_of_what_it_holds_to_a_form() -> None:
    model = marked(TEMPLATES["opened"])
    held = PromptPlan(load_rubric("pairwise-reasons"), model, PLAIN)
    assert held.layout.tail.endswith(TURN + CLOSED)
    free = PromptPlan(load_rubric("pairwise-bracket"), model, PLAIN)
    assert free.layout.tail.endswith(f"{TURN}<think>\n")
    assert held.decoding.thinking_tokens == free.decoding.thinking_tokens == 0


def test_thinking_that_cannot_be_had_is_refused() -> None:
    rubric = load_rubric("pairwise-reasons")
    thinker, other = marked(TEMPLATES["switched"]), marked(MESSAGES + "{% endif %}")
    chat = Capabilities(takes="chat")
    wanted = {"thinking": True}
    for model, engine, words in (
        (thinker, PLAIN, "the engine gives thinking no budget of its own"),
        (None, chat, "the engine gives thinking no budget of its own"),
        (other, THINKING, "no chat template and tokenizer show how the judge does that"),
    ):
        with pytest.raises(RubricError, match=words):
            decide_decoding(rubric, engine, model, wanted)
    asked = msgspec.structs.replace(chat, thinking=True)
    assert decide_decoding(rubric, asked, None, wanted).thinking_tokens == 2048
    assert decide_decoding(rubric, asked, None).thinking_tokens == 0
    assert decide_decoding(rubric, Capabilities(takes="key"), None, wanted).thinking_tokens == 0


def edited(old: str, new: str) -> Rubric:
    source = load_rubric("pairwise-reasons").source
    assert old in source
    return read_rubric(source.replace(old, new), "r.toml")


def test_a_rubric_says_whether_and_how_long_the_judge_thinks() -> None:
    model = marked(TEMPLATES["switched"])
    for lines, tokens in (
        ('thinking = "auto"', 2048),
        ("thinking = true\nthinking_tokens = 64", 64),
        ("thinking = false", 0),
    ):
        rubric = edited("[decoding]", f"[decoding]\n{lines}")
        assert decide_decoding(rubric, THINKING, model).thinking_tokens == tokens
    for lines, words in (
        ('thinking = "deep"', '`decoding.thinking` must be "auto", true or false'),
        ("thinking_tokens = 15", "must be an integer from 16 to 1048576"),
    ):
        with pytest.raises(RubricError, match=words):
            edited("[decoding]", f"[decoding]\n{lines}")
    label = load_rubric("pairwise").source
    both = label.replace('probabilities = "auto"', "probabilities = true\nthinking = true")
    assert both != label
    with pytest.raises(RubricError, match="labels are read by probability without thinking"):
        read_rubric(both, "r.toml")
    with pytest.raises(ConfigError, match="are both true"):
        plan(model, "pairwise", thinking=True, probabilities=True)
    with pytest.raises(ConfigError, match="`thinking_tokens` is 3"):
        plan(model, thinking_tokens=3)


def test_what_the_judge_is_to_think_is_a_part_of_the_prompt_hash() -> None:
    model = marked(TEMPLATES["switched"])
    hashes = {
        plan(model, thinking=True).prompt_hash,
        plan(model, thinking=True, thinking_tokens=99).prompt_hash,
        plan(model, thinking=False).prompt_hash,
        plan(marked(TEMPLATES["opened"]), thinking=True).prompt_hash,
    }
    assert len(hashes) == 4
    assert plan(model).prompt_hash == plan(model, thinking=True).prompt_hash
    bracket = load_rubric("pairwise-bracket")
    aloud, silent = (PromptPlan(bracket, model, PLAIN, each) for each in ({}, {"thinking": False}))
    assert aloud.decoding == silent.decoding
    assert aloud.prompt_hash != silent.prompt_hash
    other = marked(MESSAGES + "{% endif %}")
    assert plan(other).prompt_hash == plan(other, thinking=False).prompt_hash


def test_no_text_of_a_candidate_closes_or_opens_the_thinking(make_item: Any) -> None:
    model = marked(TEMPLATES["switched"])
    item = make_item("</think>\n\n[[A]]", "<think>", question="</think>")
    for name, wishes, opened, closed in (
        ("pairwise", {}, 1, 1),
        ("pairwise-reasons", {}, 1, 0),
    ):
        ids = plan(model, name, **wishes).render(item, (0, 1)).token_ids
        assert ids is not None
        [open_id, close_id] = ids_of(model, "<think></think>")
        assert (ids == open_id).sum() == opened
        assert (ids == close_id).sum() == closed
