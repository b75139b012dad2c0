"""The decoding that a rubric comes to on an engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import BPE

from judgefast.engines.vllm import VllmEngine
from judgefast.errors import ConfigError, ModelError, RubricError
from judgefast.prompts import PromptTokenizer, decide_decoding, load_rubric
from judgefast.prompts.decide import verdict_schema
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.model import JudgeModel
from judgefast.prompts.read_rubric import read_rubric

if TYPE_CHECKING:
    from judgefast.prompts.rubric import Rubric

IDS = Capabilities(takes="ids", label_probabilities=True, schema=True, choice=True)
CHAT = Capabilities(takes="chat")


def edited(name: str, *changes: tuple[str, str]) -> Rubric:
    text = load_rubric(name).source
    for old, new in changes:
        assert old in text, "else this test proves nothing"
        text = text.replace(old, new, 1)
    return read_rubric(text, "edited.toml")


def test_labels_are_read_by_probability_where_the_engine_has_it(judge: JudgeModel) -> None:
    for name in ("pairwise", "scalar-1-5", "binary", "few-shot-quality"):
        rubric = load_rubric(name)
        decoding = decide_decoding(rubric, IDS, judge)
        assert (decoding.probabilities, decoding.max_tokens, decoding.schema) == (True, 1, None)
        assert judge.tokenizer is not None
        for label, wanted in zip(decoding.labels, rubric.verdict.labels, strict=True):
            assert label.text == wanted.text
            assert label.token_id is not None
            assert judge.tokenizer.decode([label.token_id]) == wanted.text


def test_labels_of_smollm2_have_the_ids_that_its_engine_knows(smollm2: JudgeModel) -> None:
    found = decide_decoding(load_rubric("pairwise"), IDS, smollm2).labels
    assert [label.token_id for label in found] == [49, 50, 51]


def test_labels_are_held_or_free_where_there_are_no_probabilities() -> None:
    rubric = load_rubric("pairwise")
    held = decide_decoding(rubric, Capabilities(takes="chat", choice=True), None)
    assert [label.text for label in held.labels] == ["A", "B", "C"]
    assert (held.probabilities, held.max_tokens) == (False, 8)
    assert decide_decoding(rubric, CHAT, None).labels == ()
    free = edited("pairwise", ('structured = "auto"', 'structured = "none"'))
    assert decide_decoding(free, Capabilities(takes="chat", choice=True), None).labels == ()


def test_a_server_without_a_tokenizer_gets_the_labels_as_text() -> None:
    server = Capabilities(takes="chat", label_probabilities=True)
    decoding = decide_decoding(load_rubric("pairwise"), server, None)
    assert decoding.probabilities
    assert [label.token_id for label in decoding.labels] == [None] * 3


def test_a_label_of_several_tokens_is_refused_by_name(judge: JudgeModel) -> None:
    longer = ('text = "C"', 'text = "Tie!"')
    with pytest.raises(ModelError, match=r"`Tie!` of `edited.toml` is [23] tokens") as caught:
        decide_decoding(edited("pairwise", longer), IDS, judge)
    assert "set `decoding.probabilities` to false" in str(caught.value.hint)
    as_text = ('probabilities = "auto"', "probabilities = false")
    assert not decide_decoding(edited("pairwise", longer, as_text), IDS, judge).probabilities


TEN = (('text = "A"', 'text = "1"'), ('text = "B"', 'text = "10"'))


@pytest.mark.parametrize("way", ["vllm", "http"])
def test_10_is_not_read_as_1_where_it_is_the_tokens_1_and_0(
    way: str, qwen: JudgeModel, smollm2: JudgeModel
) -> None:
    can = VllmEngine.capabilities if way == "vllm" else IDS
    for judge in (qwen, smollm2):
        with pytest.raises(ModelError, match=r"the label `10` of `edited.toml` is 2 tokens"):
            decide_decoding(edited("pairwise", *TEN), can, judge)


def test_10_is_not_read_as_1_where_nobody_knows_what_its_tokens_are() -> None:
    words = Capabilities(takes="chat", label_probabilities=True)
    with pytest.raises(ModelError, match=r"`1` of .* may be the first token of `10`") as caught:
        decide_decoding(edited("pairwise", *TEN), words, None)
    assert "set `decoding.probabilities` to false" in str(caught.value.hint)
    as_text = ('probabilities = "auto"', "probabilities = false")
    assert not decide_decoding(edited("pairwise", *TEN, as_text), words, None).probabilities
    typed = Capabilities(takes="state", label_probabilities=True)
    assert decide_decoding(edited("pairwise", *TEN), typed, None).probabilities


def test_a_label_that_is_a_control_token_is_refused(judge: JudgeModel) -> None:
    rubric = edited("pairwise", ('text = "C"', 'text = "<|im_end|>"'))
    with pytest.raises(ModelError, match=r"the label `<\|im_end\|>`"):
        decide_decoding(rubric, IDS, judge)


def test_a_label_that_melts_into_the_text_before_it_is_refused() -> None:
    tokens = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "ab"]
    small = Tokenizer(BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=[("a", "b")]))
    small.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    template = "{% for m in messages %}{{ m.content }}{% endfor %}a"
    wrapped = PromptTokenizer.from_tokenizer(small)
    judge = JudgeModel(name="s", digest="", tokenizer=wrapped, chat_template=template)
    # Behind the template's "a", "bc" makes the tokens "ab" and "c": one more, but not its own.
    with pytest.raises(ModelError, match=r"the label `bc` of `edited\.toml` is no token by itself"):
        decide_decoding(edited("binary", ('text = "0"', 'text = "bc"')), IDS, judge)


def test_labels_that_are_one_token_are_refused(qwen: JudgeModel) -> None:
    changes = ('text = "1"', 'text = "\u00e9"'), ('text = "0"', 'text = "e\u0301"')
    with pytest.raises(ModelError, match="are one token for this judge"):
        decide_decoding(edited("binary", *changes), IDS, qwen)


def test_probabilities_that_are_asked_for_must_be_there() -> None:
    rubric = edited("pairwise", ('probabilities = "auto"', "probabilities = true"))
    with pytest.raises(RubricError, match=r"`decoding.probabilities` is true") as caught:
        decide_decoding(rubric, CHAT, None)
    assert caught.value.hint == 'set it to "auto" to read the label as text there'


def test_probabilities_are_only_for_labels() -> None:
    with pytest.raises(RubricError, match="only `label` has probabilities"):
        edited("pairwise-reasons", ("max_tokens =", "probabilities = true\nmax_tokens ="))


def test_the_schema_has_the_verdict_first_and_stable_bytes() -> None:
    schema = verdict_schema(load_rubric("pairwise-reasons"))
    assert schema == (
        '{"type":"object","properties":{"verdict":{"type":"string","enum":["A","B","C"]},'
        '"reason":{"type":"string"}},"required":["verdict","reason"],"additionalProperties":false}'
    )
    engine = Capabilities(takes="chat", schema=True)
    assert decide_decoding(load_rubric("pairwise-reasons"), engine, None).schema == schema
    assert decide_decoding(load_rubric("pairwise-reasons"), CHAT, None).schema is None


@pytest.mark.parametrize(
    ("scale", "shape"),
    [
        ("low = 1\nhigh = 3", {"type": "integer", "enum": [1, 2, 3]}),
        ("low = 0\nhigh = 100", {"type": "integer", "minimum": 0, "maximum": 100}),
        (
            "low = 0\nhigh = 1\ninteger = false",
            {"type": "number", "minimum": 0, "maximum": 1},
        ),
        (
            "low = 0.5\nhigh = 1.5\ninteger = false",
            {"type": "number", "minimum": 0.5, "maximum": 1.5},
        ),
    ],
)
def test_the_schema_of_a_score_is_its_scale(scale: str, shape: dict[str, Any]) -> None:
    rubric = read_rubric(
        'name = "s"\nmode = "scalar"\n[[aspects]]\nname = "q"\ncriterion = "x"\n'
        f"[aspects.scale]\n{scale}\n"
        "[[template.blocks]]\ntext = '''\n[Answer]\n{answer}\n[End]\n'''\n"
        '[verdict]\nname = "json"\n',
        "s.toml",
    )
    assert json.loads(verdict_schema(rubric))["properties"] == {"score": shape}


def test_overrides_replace_settings_and_are_checked() -> None:
    rubric = load_rubric("pairwise-reasons")
    changed = decide_decoding(rubric, CHAT, None, {"temperature": 0.5, "stop": ["\n\n"]})
    assert (changed.temperature, changed.stop, changed.max_tokens) == (0.5, ("\n\n",), 256)
    with pytest.raises(ConfigError, match="no decoding setting `max_token`") as caught:
        decide_decoding(rubric, CHAT, None, {"max_token": 3})
    assert caught.value.hint == "did you mean `max_tokens`?"
    with pytest.raises(ConfigError, match="`temperature` is 3"):
        decide_decoding(rubric, CHAT, None, {"temperature": 3})
    with pytest.raises(ConfigError, match="does not fit"):
        decide_decoding(rubric, CHAT, None, {"max_tokens": "many"})


def test_an_engine_that_takes_ids_needs_a_tokenizer(smollm2: JudgeModel) -> None:
    blind = msgspec.structs.replace(smollm2, tokenizer=None)
    with pytest.raises(ModelError, match="the tokenizer of `SmolLM2-135M-Instruct` is unknown"):
        decide_decoding(load_rubric("pairwise"), IDS, blind)
