"""Texts of given lengths, and the workloads that are made of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from judgefast.benchmarks.texts import Texts, write_rows, write_rubric
from judgefast.benchmarks.workloads import SHAPES, find_workload
from judgefast.config import RunConfig
from judgefast.errors import ConfigError
from judgefast.pipeline.run import run
from judgefast.prompts.tokenizer import PromptTokenizer

from .paced_engine import PacedEngine

if TYPE_CHECKING:
    from pathlib import Path


def by_letters() -> PromptTokenizer:
    """A token a byte: words are of very different lengths."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    vocabulary = {letter: number for number, letter in enumerate(sorted(alphabet))}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return PromptTokenizer.from_tokenizer(tokenizer)


LETTERS = by_letters()


@settings(max_examples=40, deadline=None)
@given(st.integers(20, 3000), st.integers(0, 2**40))
def test_a_text_has_its_length_but_for_a_word(tokens: int, seed: int) -> None:
    text = Texts(LETTERS, seed).make(tokens, "answer")
    assert 0.8 * tokens - 12 <= len(text) <= tokens
    assert len(Texts(None, seed).make(tokens, "answer").split()) == tokens


def test_texts_hang_on_seed_and_name_alone() -> None:
    def made(seed: int, *name: object) -> str:
        return Texts(LETTERS, seed).make(200, *name)

    assert made(1, "item", 2) == made(1, "item", 2)
    assert len({made(1, "item", 2), made(2, "item", 2), made(1, "item", 3)}) == 3


@pytest.mark.parametrize("name", SHAPES)
def test_a_workload_asks_as_many_judgments_as_it_says(name: str, tmp_path: Path) -> None:
    shape, texts = SHAPES[name].at(0.02), Texts(None, 1)
    write_rubric(tmp_path / "rubric.toml", shape, texts)
    write_rows(tmp_path / "rows.jsonl", shape, texts, 3)
    config = RunConfig(
        data=(str(tmp_path / "rows.jsonl"),),
        rubric=str(tmp_path / "rubric.toml"),
        orders=shape.orders,
        out=str(tmp_path / "run"),
    )
    would = run(config, engine=PacedEngine(), dry_run=True)
    assert would.planned == 3 * SHAPES[name].judgments  # type: ignore[union-attr] # a dry run
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    shown = [text for row in rows for text in _answers(row)]
    assert {len(text.split()) for text in shown} == {shape.answer}
    assert len({text.split()[0:3][-1] + text for text in shown}) == 3 * shape.answers


def _answers(row: dict[str, object]) -> list[str]:
    answers = row.get("answers") or [{"text": row["answer"]}]
    return [answer["text"] for answer in answers]  # type: ignore[attr-defined] # JSON


def test_a_wrong_name_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match="there is no workload `worked-exmple`") as error:
        find_workload("worked-exmple")
    assert error.value.hint == "did you mean `worked-example`?"
    with pytest.raises(ConfigError) as error:
        find_workload("zzz")
    assert str(error.value.hint).startswith("workloads: worked-example, short-reasons")


def test_scale_shortens_lengths_and_leaves_labels_labels() -> None:
    assert SHAPES["one-token"].at(0.1).max_tokens == 1
    long = SHAPES["worked-example"].at(0.001)
    assert (long.answer, long.question, long.max_tokens) == (1, 1, 8)
