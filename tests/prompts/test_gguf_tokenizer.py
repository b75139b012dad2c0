"""The tokenizer and the facts that come out of a GGUF file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tokenizers import Tokenizer, pre_tokenizers

from judgefast.errors import ModelError
from judgefast.prompts import PromptTokenizer, tokenizer_from_gguf
from judgefast.prompts.chat_template import wrap_parts

if TYPE_CHECKING:
    from judgefast.prompts.gguf_tokenizer import GgufTokenizerFacts
    from judgefast.prompts.model import JudgeModel

gguf = pytest.importorskip("gguf")

Smol = tuple["JudgeModel", "GgufTokenizerFacts"]


def write_gguf(
    path: Path,
    *,
    pre: str = "qwen2",
    kind: str = "gpt2",
    bos_id: int | None = None,
    repeat: bool = False,
) -> Path:
    """Every byte, one merge and two marks: a whole vocabulary in small."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*alphabet, "ab", "<|im_end|>", "<tool_call>"]
    if repeat:
        tokens[-1] = "ab"
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_context_length(4096)
    writer.add_tokenizer_model(kind)
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([*(1 for _ in alphabet), 1, 3, 4])
    writer.add_token_merges(["a b"])
    if bos_id is not None:
        writer.add_bos_token_id(bos_id)
        writer.add_add_bos_token(value=True)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_smollm2_has_the_control_tokens_that_its_file_names(smollm2_facts: Smol) -> None:
    model, facts = smollm2_facts
    assert facts.control_ids == frozenset(range(17))
    assert model.tokenizer is not None
    assert model.tokenizer.control_ids == facts.control_ids
    assert (facts.bos_token, facts.eos_token) == ("<|im_start|>", "<|im_end|>")
    assert (facts.vocabulary_size, facts.context_tokens) == (49152, 8192)


def test_smollm2_encodes_as_its_engine_does(smollm2_facts: Smol) -> None:
    tokenizer = smollm2_facts[0].tokenizer
    assert tokenizer is not None
    known = {"A": 49, "B": 50, "C": 51, "1": 33, " A": 330, "tie": 36521, "Yes": 10539, "No": 5230}
    assert {text: tokenizer.token_id(text) for text in known} == known
    assert tokenizer.encode_trusted("10").tolist() == [33, 32]
    assert tokenizer.encode_trusted("  7").tolist() == [256, 39]
    assert tokenizer.token_id("Tie") is None
    assert tokenizer.prefix == ""


def test_the_chat_template_writes_its_own_system_message_before_a_lone_user(
    smollm2_facts: Smol,
) -> None:
    wrapped = wrap_parts(smollm2_facts[0], has_system=False, num_parts=1, date="2026-01-01")
    assert wrapped.around == (
        (
            "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging "
            "Face<|im_end|>\n<|im_start|>user\n"
        ),
        "<|im_end|>\n<|im_start|>assistant\n",
    )


def test_a_saved_tokenizer_is_the_same_tokenizer(smollm2_facts: Smol, tmp_path: Path) -> None:
    tokenizer = smollm2_facts[0].tokenizer
    assert tokenizer is not None
    tokenizer.save(tmp_path / "tokenizer.json")
    again = PromptTokenizer.from_file(tmp_path / "tokenizer.json")
    assert again.sha256 == tokenizer.sha256
    assert again.control_ids == tokenizer.control_ids
    text = "def f():\n    return 'é' * 12  # <|im_end|> \x04"
    assert again.seal(text).token_ids.tolist() == tokenizer.seal(text).token_ids.tolist()


def test_qwen2_files_split_text_as_qwen2_does(tmp_path: Path, shared: Path) -> None:
    tokenizer, facts = tokenizer_from_gguf(write_gguf(tmp_path / "small.gguf"))
    folder = shared / "h200" / "configs" / "Qwen2.5-72B-Instruct"
    original = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for text in ("It's 12 o'clock\r\n\n  x", "e\u0301 ) \n(", "a  b\t\nDON'T 漢字1234"):
        normal = original.normalizer.normalize_str(text)
        assert tokenizer.normalizer.normalize_str(text) == normal
        wanted = original.pre_tokenizer.pre_tokenize_str(normal)
        assert tokenizer.pre_tokenizer.pre_tokenize_str(normal) == wanted
    assert facts.context_tokens == 4096
    sealed = PromptTokenizer.from_tokenizer(tokenizer)
    assert sealed.control_ids == facts.control_ids == {257, 258}


def test_a_file_that_wants_bos_gets_it_before_the_prompt(tmp_path: Path) -> None:
    tokenizer, facts = tokenizer_from_gguf(write_gguf(tmp_path / "bos.gguf", bos_id=257))
    assert PromptTokenizer.from_tokenizer(tokenizer).prefix == facts.bos_token
    assert facts.bos_id == 257


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"pre": "llama-bpe"}, "pre-tokenizer `llama-bpe`"),
        ({"kind": "llama"}, "the tokenizer `llama`"),
        ({"repeat": True}, "has 1 duplicate tokens"),
        ({"bos_id": 100000}, "names token 100000 as bos, but holds only 259"),
    ],
)
def test_a_file_that_is_not_known_exactly_is_refused_by_name(
    tmp_path: Path, settings: dict[str, object], words: str
) -> None:
    path = write_gguf(tmp_path / "other.gguf", **settings)
    with pytest.raises(ModelError, match=words) as caught:
        tokenizer_from_gguf(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("size", [0, 3, 24, 300, 2000])
def test_a_file_cut_short_is_called_damaged(tmp_path: Path, size: int) -> None:
    whole = write_gguf(tmp_path / "whole.gguf").read_bytes()
    path = tmp_path / "cut.gguf"
    path.write_bytes(whole[:size])
    with pytest.raises(ModelError, match=r"cut\.gguf` cannot be read as GGUF"):
        tokenizer_from_gguf(path)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ModelError, match=r"there is no file `nowhere\.gguf`"):
        tokenizer_from_gguf(Path("nowhere.gguf"))
