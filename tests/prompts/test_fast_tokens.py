"""The faster encoder gives the ids of the sealed copy, or is not used."""

from __future__ import annotations

import random
import re
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

from judgefast.errors import ModelError
from judgefast.prompts import PromptTokenizer
from judgefast.prompts.fast_tokens import FastTokens, fast_tokens, hostile_sample

if TYPE_CHECKING:
    from judgefast.prompts.model import JudgeModel

MANY = 4000
MARKS = ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<tool_call>", "<|fim_prefix|>", "<think>"]
CHARACTERS = [
    (0x00, 0x20),  # control
    (0x20, 0x7F),
    (0x80, 0x250),
    (0x300, 0x370),  # combining marks
    (0x400, 0x530),
    (0x590, 0x780),  # right to left
    (0x900, 0xE00),
    (0x1100, 0x1200),  # Hangul jamo
    (0x1E00, 0x2100),
    (0x2100, 0x2C00),
    (0x3000, 0x3200),
    (0x4E00, 0xA000),
    (0xAC00, 0xD7A4),  # Hangul
    (0xD800, 0xE000),  # lone surrogates
    (0xE000, 0x10000),
    (0x1F000, 0x1FB00),
    (0x20000, 0x110000),
]


def hostile_texts(count: int) -> list[str]:
    """Drawn by characters, not by pieces as the sample of the product is."""
    draw = random.Random(7)  # noqa: S311 - the same texts every time
    texts = ["a" * 3000, "\u1100\u1161" * 1000, " " * 3000, "\n" * 500, "x\ud800y", ""]
    joined = "\U0001f468\u200d\U0001f4bb"
    while len(texts) < count:
        kind = draw.randrange(5)
        if kind == 0:
            low, high = draw.choice(CHARACTERS)
            text = "".join(chr(draw.randrange(low, high)) for _ in range(draw.randint(1, 30)))
        elif kind == 1:
            text = "".join(
                chr(draw.randrange(*draw.choice(CHARACTERS))) for _ in range(draw.randint(1, 20))
            )
        elif kind == 2:
            parts = [*MARKS, joined, "e\u0301", "\u1112\u1161\u11ab", " ", "\n", "system", "\x04"]
            text = "".join(draw.choices(parts, k=draw.randint(1, 9)))
        elif kind == 3:
            text = "".join(draw.choices("ab \n\t0'sS.", k=draw.randint(1, 80)))
        else:
            text = draw.choice("aZ0 \u00e9\u6f22") * draw.randint(1, 300)
        texts.append(text)
    return texts


def test_hostile_texts_get_the_ids_of_the_sealed_copy_and_no_control_id(
    judge: JudgeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fastokens")
    tokenizer = judge.tokenizer
    assert tokenizer is not None
    monkeypatch.setattr(tokenizer, "_fast", None)  # as it was, after this test
    monkeypatch.setattr(tokenizer, "_until_fast", 0)
    tokenizer.seal("now")
    assert tokenizer.slow_because == ""
    assert tokenizer._fast is not None
    by_fast = 0
    for text in hostile_texts(MANY):
        found, wanted = tokenizer.seal(text), tokenizer.encode_untrusted(text)
        assert found.token_ids.tolist() == wanted[0].tolist(), ascii(text)
        assert (found.token_ids.dtype, found.replaced_characters) == (np.int32, wanted[1])
        assert not tokenizer.control_ids.intersection(found.token_ids.tolist()), ascii(text)
        by_fast += tokenizer._fast.ids(found.text) is not None
    assert by_fast == MANY, "else it was not the faster encoder that was compared"


def test_a_control_id_from_the_faster_encoder_is_spelled_out_as_any_other() -> None:
    pytest.importorskip("fastokens")
    tokens = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "<end>"]
    vocabulary = {token: place for place, token in enumerate(tokens)}
    whole = Tokenizer(models.BPE(vocab=vocabulary, merges=[], ignore_merges=True))
    whole.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    whole.add_special_tokens([AddedToken("<end>", normalized=False)])
    tokenizer = PromptTokenizer(whole.to_str(), fast_after=0)
    assert len(tokenizer.seal("<end>").token_ids) == len("<end>")
    assert tokenizer._fast is not None, tokenizer.slow_because
    assert tokenizer._fast.ids("<end>").tolist() == [256], "else this test proves nothing"


def test_ids_are_the_same_before_and_after_the_change_of_encoder(smollm2: JudgeModel) -> None:
    pytest.importorskip("fastokens")
    assert smollm2.tokenizer is not None
    tokenizer = PromptTokenizer(smollm2.tokenizer._trusted.to_str(), fast_after=1000)
    for _ in range(9):
        assert tokenizer._fast is None
        ids = tokenizer.seal("It's <|im_end|> e\u0301! " * 5).token_ids
    tokenizer.seal("x" * 900)
    assert tokenizer._fast is not None
    assert tokenizer.seal("It's <|im_end|> e\u0301! " * 5).token_ids.tolist() == ids.tolist()


class OtherTokens:
    """A library that is wrong about some texts, or gives up on them."""

    def __init__(self, wrong: str = "", error: BaseException | None = None) -> None:
        self.wrong = wrong
        self.error = error

    def from_json_str(self, serialised: str) -> OtherTokens:
        if self.error and not self.wrong:
            raise self.error
        return self

    def encode_batch_flat(self, texts: list[str]) -> tuple[bytes, bytes]:
        [text] = texts
        ids = reference(text)
        if self.wrong and self.wrong in text:
            if self.error:
                raise self.error
            ids = ids[::-1]
        return ids.tobytes(), b""


class PanicException(BaseException):
    """As a panic in Rust arrives in Python."""


def reference(text: str) -> np.ndarray:
    return np.array([ord(character) for character in text], np.int32)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (OtherTokens(), None),
        (OtherTokens(wrong="\u1161"), "encodes .* otherwise"),
        (OtherTokens(wrong="<|tool|>"), r"encodes '<\|tool\|>' otherwise"),
        (OtherTokens(wrong="\u0345", error=ValueError("limit")), "encodes .* otherwise"),
        (OtherTokens(error=ValueError("no BPE")), r"refuses it \(no BPE\)"),
        (OtherTokens(error=PanicException("boom")), r"refuses it \(boom\)"),
    ],
)
def test_an_encoder_that_is_not_exact_is_turned_down_in_words(
    other: OtherTokens, words: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = type(sys)("fastokens")
    module.Tokenizer = other
    monkeypatch.setitem(sys.modules, "fastokens", module)
    found = fast_tokens("{}", reference, hostile_sample(["<|tool|>"]))
    if words is None:
        assert isinstance(found, FastTokens)
    else:
        assert isinstance(found, str)
        assert re.search(words, found)


def test_who_lacks_the_library_is_told_once_there_is_much_text(
    smollm2: JudgeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fastokens", None)
    assert smollm2.tokenizer is not None
    tokenizer = PromptTokenizer(smollm2.tokenizer._trusted.to_str(), fast_after=10)
    ids = tokenizer.seal("0123456789").token_ids
    assert tokenizer.slow_because == ""
    assert tokenizer.seal("0123456789").token_ids.tolist() == ids.tolist()
    assert "pip install 'judgefast[fast]'" in tokenizer.slow_because


def test_an_encoder_that_goes_wrong_later_is_found_and_stops_the_run() -> None:
    fast = FastTokens(OtherTokens(wrong="ba"), reference)
    assert fast.ids("ab").tolist() == [97, 98]
    for _ in range(4095):
        fast.ids("ba")
    with pytest.raises(ModelError, match="encodes a text otherwise than `tokenizers`: 'ba'"):
        fast.ids("ba")


def test_a_text_that_the_library_gives_up_on_is_left_to_the_other_one() -> None:
    for error in (ValueError("match limit"), PanicException("boom")):
        assert FastTokens(OtherTokens(wrong="x", error=error), reference).ids("x") is None
    with pytest.raises(KeyboardInterrupt):
        FastTokens(OtherTokens(wrong="x", error=KeyboardInterrupt()), reference).ids("x")
