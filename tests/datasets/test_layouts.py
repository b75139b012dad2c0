"""Field layouts of well-known data sets, and `map` on top of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.datasets import ReadOptions, ReadSummary, Turn, read_items
from judgefast.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.datasets import Item


def read(*rows: dict[str, Any], **options: object) -> tuple[list[Item], ReadSummary]:
    reader = read_items(list(rows), ReadOptions(**options))
    return list(reader), reader.summary


def texts(item: Item) -> list[object]:
    return [item.question, *(answer.text for answer in item.answers)]


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize(
    ("row", "layout", "gold"),
    [
        (
            {"instruction": "Q", "output_1": "x", "output_2": "y", "preference": 1.2},
            "AlpacaEval pairs",
            "a",
        ),
        (
            {"input": "Q", "output_1": "x", "output_2": "y", "label": 2},
            "LLMBar (dataset.json)",
            "b",
        ),
        ({"instruction": "Q", "response_a": "x", "response_b": "y", "gold": "A"}, "LLMBar", "a"),
        (
            {"question": "Q", "response_A": "x", "response_B": "y", "label": "B>A"},
            "JudgeBench",
            "b",
        ),
        ({"prompt": "Q", "chosen": "x", "rejected": "y", "subset": "s"}, "RewardBench", "a"),
        ({"prompt": "Q", "chosen": "x", "rejected": "y"}, "TRL preference", "a"),
        (
            {"prompt": "Q", "chosen": [assistant("x")], "rejected": [assistant("y")]},
            "TRL preference",
            "a",
        ),
        (
            {
                "prompt": "Q",
                "chosen": [user("Q"), assistant("x")],
                "rejected": [user("Q"), assistant("y")],
            },
            "TRL preference",
            "a",
        ),
        (
            {
                "prompt": [user("Q")],
                "chosen": [assistant("x")],
                "rejected": [assistant("y")],
            },
            "TRL preference",
            "a",
        ),
        (
            {"chosen": [user("Q"), assistant("x")], "rejected": [user("Q"), assistant("y")]},
            "TRL preference",
            "a",
        ),
        (
            {
                "conversation_a": [user("Q"), assistant("x")],
                "conversation_b": [user("Q"), assistant("y")],
                "winner": "model_b",
            },
            "LMArena",
            "b",
        ),
    ],
)
def test_a_layout_is_recognised(row: dict[str, Any], layout: str, gold: str) -> None:
    (item,), summary = read(row)
    question = item.question
    if question == (Turn("user", "Q"),):
        question = "Q"
    assert (summary.layout, item.gold) == (layout, gold)
    assert [question, *texts(item)[1:]] == ["Q", "x", "y"]


def test_ids_and_models_of_layouts_are_taken() -> None:
    arena = {
        "question_id": "abc",
        "model_a": "m",
        "model_b": "n",
        "winner": "tie (bothbad)",
        "conversation_a": [user("Q"), assistant("x")],
        "conversation_b": [user("Q"), assistant("x")],
        "language": "English",
    }
    (item,), summary = read(arena)
    assert (item.item_id, item.gold, item.meta) == ("abc", "tie", {"language": "English"})
    assert [answer.model for answer in item.answers] == ["m", "n"]
    assert texts(item) == ["Q", "x", "x"]
    assert summary.mapping == {
        "id": "question_id",
        "answer_a": "conversation_a",
        "answer_b": "conversation_b",
        "model_a": "model_a",
        "model_b": "model_b",
        "gold": "winner",
    }


def test_an_id_under_our_own_name_is_taken_where_the_layout_has_another() -> None:
    row = {"conversation_a": "x", "conversation_b": "y", "id": 5}
    (item,), summary = read(row)
    assert (summary.layout, item.item_id, item.meta) == ("LMArena", "5", {})


def test_an_empty_name_says_that_the_data_has_no_such_field() -> None:
    row = {"question_id": 81, "conversation_a": "x", "conversation_b": "y", "": 0}
    with pytest.raises(DataError, match="also the id of") as caught:
        read(row, row | {"judge": "j"})
    assert caught.value.hint is not None
    assert "--map id=" in caught.value.hint
    (one, two), _ = read(row, row | {"judge": "j"}, map={"id": ""})
    assert one.item_id != two.item_id
    assert one.meta == {"question_id": 81, "": 0}


def test_conversations_part_where_they_differ_and_only_after_a_user() -> None:
    shared = [user("1"), assistant("2"), user("3")]
    row = {
        "conversation_a": [*shared, assistant("same"), user("x"), assistant("y")],
        "conversation_b": [*shared, assistant("same"), user("z"), assistant("w")],
        "winner": "tie",
    }
    (item,), _ = read(row)
    assert item.question == (Turn("user", "1"), Turn("assistant", "2"), Turn("user", "3"))
    first = item.answers[0].text
    assert first == (Turn("assistant", "same"), Turn("user", "x"), Turn("assistant", "y"))


def test_the_last_turn_of_a_conversation_is_never_taken_off() -> None:
    (item,), _ = read({"conversation_a": [user("Q")], "conversation_b": [user("Q")]})
    assert texts(item) == [None, (Turn("user", "Q"),), (Turn("user", "Q"),)]


def test_a_prompt_that_conversations_do_not_repeat_is_kept_with_them() -> None:
    row = {
        "prompt": "other",
        "chosen": [user("Q"), assistant("x")],
        "rejected": [user("Q"), assistant("y")],
    }
    (item,), _ = read(row)
    assert item.question == "other"
    assert item.answers[0].text == (Turn("user", "Q"), Turn("assistant", "x"))


def test_single_outputs_of_alpaca_eval_are_recognised() -> None:
    (item,), summary = read({"instruction": "Q", "output": "x", "generator": "m", "dataset": "d"})
    assert summary.layout == "AlpacaEval outputs"
    assert (texts(item), item.answers[0].model, item.meta) == (["Q", "x"], "m", {"dataset": "d"})


@pytest.mark.parametrize(
    ("preference", "gold"),
    [(1, "a"), (2, "b"), (1.5, "tie"), (0, "tie"), (1.49, "a"), (1.51, "b"), (None, None)],
)
def test_preferences_of_alpaca_eval(preference: float | None, gold: str | None) -> None:
    row = {"instruction": "Q", "output_1": "x", "output_2": "y", "preference": preference}
    (item,), _ = read(row)
    assert item.gold == gold


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            {"instruction": "Q", "output_1": "x", "output_2": "y", "preference": 3},
            "from 1 to 2, saw 3",
        ),
        ({"input": "Q", "output_1": "x", "output_2": "y", "label": 3}, "one of 1, 2, saw 3"),
        ({"question": "Q", "response_A": "x", "response_B": "y", "label": "A"}, 'saw "A"'),
    ],
)
def test_a_gold_that_the_layout_does_not_know_is_refused(row: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=r"`rows`, row 1, field `(label|preference)`: ") as caught:
        read(row)
    assert words in str(caught.value)


def test_own_names_come_first() -> None:
    row = {"question": "Q", "answer_a": "x", "answer_b": "y", "chosen": "c", "rejected": "d"}
    (item,), summary = read(row)
    assert (summary.layout, texts(item)) == ("judgefast pairs", ["Q", "x", "y"])
    assert item.meta == {"chosen": "c", "rejected": "d"}


def test_map_overrides_a_layout() -> None:
    row = {"instruction": "Q", "output_1": "x", "output_2": "y", "gpt": "z", "best": "answer_b"}
    (item,), summary = read(row, map={"answer_a": "gpt", "gold": "best"})
    assert texts(item) == ["Q", "z", "y"]
    assert (item.gold, item.meta) == ("b", {"output_1": "x"})
    assert summary.mapping == {
        "question": "instruction",
        "answer_a": "gpt",
        "answer_b": "output_2",
        "gold": "best",
    }


def test_map_names_fields_of_an_unknown_layout_and_reaches_into_objects() -> None:
    row = {"q": "Q", "a.b": "dotted", "out": {"text": "x", "alts": [{"text": "y"}]}, "k": 1}
    names = {"question": "q", "answer_a": "out.text", "answer_b": "out.alts.0.text"}
    (item,), summary = read(row, map=names | {"reference": "a.b"})
    assert texts(item) == ["Q", "x", "y"]
    assert item.reference == "dotted"
    assert item.meta == {"k": 1}
    assert summary.ignored_fields == {}


def test_a_mapped_field_that_no_row_has_is_an_error_with_a_suggestion() -> None:
    row = {"id": 1, "question": "Q", "answer": "x", "referenz": "R"}
    with pytest.raises(DataError, match="map: `referenc`") as caught:
        read(row, map={"reference": "referenc"})
    assert caught.value.hint == "did you mean `referenz`? use --map reference=referenz"
    with pytest.raises(DataError, match=r"field `outptu_1`: the field is missing \(mapped to") as c:
        read({"output_1": "x", "b": "y"}, map={"answer_a": "outptu_1", "answer_b": "b"})
    assert c.value.hint == "did you mean `output_1`? use --map answer_a=output_1"


def test_the_shared_pairs_are_read_whole(shared: Path) -> None:
    path = shared / "data/pairs/llmbar_pairs.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    reader = read_items(path)
    items = list(reader)
    assert reader.summary.layout == "LLMBar"
    assert len(items) == len(rows) == 327
    for row, item in zip(rows, items, strict=True):
        assert texts(item) == [row["instruction"], row["response_a"], row["response_b"]]
        assert (item.item_id, item.gold) == (row["id"], row["gold"].lower())
        assert item.meta == {"subset": row["subset"]}
