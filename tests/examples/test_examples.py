"""The example data keep what `examples/README.md` says of them."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (EXAMPLES / name).read_text(encoding="utf-8").splitlines()]


def test_gold_labels_are_balanced_between_the_two_places() -> None:
    for part in (rows("pairs.jsonl"), [row for row in rows("pairs.jsonl") if row["meta"]["easy"]]):
        gold = Counter(row["gold"] for row in part)
        assert gold["a"] == gold["b"]


def test_each_model_stands_first_as_often_as_second() -> None:
    assert Counter(row["model_a"] for row in rows("pairs.jsonl")) == {"atlas": 18, "beacon": 18}


def test_half_of_the_single_answers_are_good() -> None:
    assert Counter(row["gold"] for row in rows("answers.jsonl")) == {"good": 16, "bad": 16}


def test_the_easy_pairs_are_twenty_english_facts() -> None:
    easy = [row["meta"] for row in rows("pairs.jsonl") if row["meta"]["easy"]]
    assert easy == [{"topic": "facts", "lang": "en", "easy": True}] * 20


def test_ids_are_unique_and_ten_questions_stand_in_both_files() -> None:
    pairs, answers = rows("pairs.jsonl"), rows("answers.jsonl")
    for part in (pairs, answers):
        assert len({row["id"] for row in part}) == len(part)
    assert len({row["question"] for row in pairs} & {row["question"] for row in answers}) == 10


def test_the_order_to_the_judge_asks_for_the_place_it_stands_in_and_is_worse() -> None:
    (row,) = [row for row in rows("pairs.jsonl") if row["meta"]["topic"] == "attack"]
    assert "say A" in row["answer_a"]
    assert row["gold"] == "b"
