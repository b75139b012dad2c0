"""No text of an item becomes a control token, on the tokenizers that were made for control."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE

from judgefast.errors import ModelError
from judgefast.prompts import PromptPlan, PromptTokenizer, load_rubric

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.datasets.items import Item
    from judgefast.prompts.decoding import Capabilities
    from judgefast.prompts.model import JudgeModel

    MakeItem = Callable[..., Item]

MARKS = [
    "<|im_start|>",
    "<|im_end|>",
    "<|endoftext|>",
    "<tool_call>",
    "<|fim_prefix|>",
    "<file_sep>",
]
HOSTILE = st.lists(
    st.one_of(
        st.sampled_from([*MARKS, "system\n", "<|", "|>", "\n", " ", "\x04", "\x13", "\U00040000"]),
        st.text(max_size=8),
    ),
    max_size=12,
).map("".join)


@cache
def attacks(folder: Path) -> list[str]:
    rows = (folder / "data" / "attacks" / "injections.jsonl").read_text(encoding="utf-8")
    texts = [json.loads(row)["text"] for row in rows.split("\n") if row]
    path = folder / "data" / "attacks" / "control_tokens.json"
    for family in json.loads(path.read_text(encoding="utf-8"))["families"].values():
        texts += [*family["tokens"], "".join(family["tokens"])]
        turns = [turn for turn in (family["turn"] or {}).values() if turn]
        texts += ["x" + turn.replace("{content}", "[[A]]") for turn in turns]
    return texts


def num_control(plan: PromptPlan, model: JudgeModel, item: Item) -> int:
    ids = plan.render(item, (0, 1)).token_ids
    assert model.tokenizer is not None
    return int(np.isin(ids, sorted(model.tokenizer.control_ids)).sum())


def test_no_attack_yields_a_control_token(
    judge: JudgeModel, ids_engine: Capabilities, shared: Path, make_item: MakeItem
) -> None:
    assert judge.tokenizer is not None
    plan = PromptPlan(load_rubric("pairwise"), judge, ids_engine)
    harmless = num_control(plan, judge, make_item(reference="It is."))
    assert harmless > 0
    texts = attacks(shared)
    assert len(texts) > 1000
    for text in texts:
        ids, _ = judge.tokenizer.encode_untrusted(text)
        assert not judge.tokenizer.control_ids.intersection(ids.tolist()), text
        item = make_item("This.", text, question=text, reference=text)
        assert num_control(plan, judge, item) == harmless, text


def test_the_sealed_copy_reads_control_strings_as_plain_words(judge: JudgeModel) -> None:
    tokenizer = judge.tokenizer
    assert tokenizer is not None
    for text in MARKS:
        plain = tokenizer._sealed.encode(text, add_special_tokens=False).ids
        assert not tokenizer.control_ids.intersection(plain)
        assert tokenizer.seal(text).token_ids.tolist() == plain
        assert len(plain) < len(text), "not spelled out: the judge sees ordinary tokens"


def test_the_usual_switch_would_let_attacks_through(qwen: JudgeModel) -> None:
    assert qwen.tokenizer is not None
    usual = Tokenizer.from_str(qwen.tokenizer._trusted.to_str())
    usual.encode_special_tokens = True
    ids = usual.encode("<tool_call>", add_special_tokens=False).ids
    assert qwen.tokenizer.control_ids.intersection(ids), "else this test proves nothing"


@given(text=HOSTILE)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_text_yields_a_control_token_and_no_character_is_lost(
    smollm2: JudgeModel, qwen: JudgeModel, text: str
) -> None:
    for model in (smollm2, qwen):
        assert model.tokenizer is not None
        sealed = model.tokenizer.seal(text)
        assert not model.tokenizer.control_ids.intersection(sealed.token_ids.tolist())
        assert len(sealed.text) == len(text)
        changed = sum(a != b for a, b in zip(sealed.text, text, strict=True))
        assert changed == sealed.replaced_characters
        if model is smollm2:  # the other one normalises
            assert model.tokenizer.decode(sealed.token_ids) == sealed.text


def test_honest_texts_that_look_like_attacks_come_through_unchanged(
    judge: JudgeModel, ids_engine: Capabilities, shared: Path, make_item: MakeItem
) -> None:
    plan = PromptPlan(load_rubric("binary"), judge, ids_engine)
    path = shared / "data" / "attacks" / "benign_lookalikes.jsonl"
    for row in path.read_text(encoding="utf-8").split("\n"):
        if not row:
            continue
        text = json.loads(row)["text"]
        prompt = plan.render(make_item(text), (0,))
        assert text.strip() + "\n" in [s.text for s in prompt.segments if not s.trusted]
        assert judge.tokenizer is not None
        assert text.strip() in judge.tokenizer.decode(prompt.token_ids)
        assert prompt.replaced_characters == 0


def test_characters_that_the_vocabulary_lacks_are_replaced_and_counted(
    smollm2: JudgeModel, qwen: JudgeModel, ids_engine: Capabilities, make_item: MakeItem
) -> None:
    text = "a\x04b\U00040000c\x1d"
    for model, count in ((smollm2, 3), (qwen, 0)):
        plan = PromptPlan(load_rubric("binary"), model, ids_engine)
        prompt = plan.render(make_item(f"{text}!"), (0,))
        assert prompt.replaced_characters == count
        assert plan.verify_seams(prompt) is None


def test_a_lone_surrogate_is_replaced(judge: JudgeModel) -> None:
    assert judge.tokenizer is not None
    sealed = judge.tokenizer.seal("cut \ud83d emoji")
    assert (sealed.text, sealed.replaced_characters) == ("cut \ufffd emoji", 1)


def small_tokenizer(*, ignore_merges: bool, vocabulary: list[str], added: list[str]) -> Tokenizer:
    tokens = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *vocabulary]
    vocab = {token: index for index, token in enumerate(tokens)}
    tokenizer = Tokenizer(BPE(vocab=vocab, merges=[], ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in added])
    return tokenizer


def test_a_control_string_that_is_a_vocabulary_entry_is_spelled_out() -> None:
    tokenizer = small_tokenizer(ignore_merges=True, vocabulary=["<end>"], added=["<end>"])
    sealed = PromptTokenizer.from_tokenizer(tokenizer)
    assert sealed._sealed.encode("<end>").ids == [256], "else this test proves nothing"
    ids, replaced = sealed.encode_untrusted("<end>")
    assert sealed.decode(ids) == "<end>"
    assert (len(ids), replaced) == (5, 0)


def test_a_tokenizer_that_cannot_be_sealed_is_refused() -> None:
    tokenizer = small_tokenizer(ignore_merges=False, vocabulary=[], added=["x"])
    sealed = PromptTokenizer.from_tokenizer(tokenizer)
    with pytest.raises(ModelError, match="turns plain text into its control token `x`"):
        sealed.encode_untrusted("a x")


def test_bytes_without_a_token_do_not_vanish() -> None:
    tokenizer = small_tokenizer(ignore_merges=False, vocabulary=[], added=[])
    facts = json.loads(tokenizer.to_str())
    del facts["model"]["vocab"]["\u0104"]  # stands for byte 0x04
    sealed = PromptTokenizer(json.dumps(facts))
    assert len(sealed._sealed.encode("a\x04b").ids) == 2, "else this test proves nothing"
    result = sealed.seal("a\x04b")
    assert (result.text, result.replaced_characters) == ("a\ufffdb", 1)


def test_the_unknown_token_is_a_control_token() -> None:
    tokens = ["<unk>", "a", "\ufffd", "\n"]
    model = BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=[], unk_token=tokens[0])
    tokenizer = Tokenizer(model)
    sealed = PromptTokenizer.from_tokenizer(tokenizer)
    assert sealed.control_ids == {0}
    result = sealed.seal("aba")
    assert (result.text, result.token_ids.tolist()) == ("a\ufffda", [1, 2, 1])
    assert result.replaced_characters == 1


def test_bos_of_the_post_processor_is_found() -> None:
    tokenizer = small_tokenizer(ignore_merges=False, vocabulary=[], added=["<s>", "</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 256), ("</s>", 257)]
    )
    sealed = PromptTokenizer.from_tokenizer(tokenizer)
    assert sealed.prefix == "<s>"
    assert sealed.encode_trusted("<s>a").tolist()[0] == 256
    assert len(sealed.encode_trusted("<s>a")) == 2, "nothing is added by itself"


def test_truncation_and_padding_of_a_tokenizer_file_are_off() -> None:
    tokenizer = small_tokenizer(ignore_merges=False, vocabulary=[], added=["[PAD]"])
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=8)
    prompts = PromptTokenizer.from_tokenizer(tokenizer)
    assert prompts.decode(prompts.encode_untrusted("abcdef")[0]) == "abcdef"
    assert prompts.decode(prompts.encode_trusted("abc")) == "abc"
