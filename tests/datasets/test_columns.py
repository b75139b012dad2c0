"""What statistics read of a run's items, beside the items themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from judgefast.codes import CHOICE_NONE, CHOICE_TIE
from judgefast.datasets import columns as columns_module
from judgefast.datasets import items_of, iter_rows, load_item_columns, read_items, snapshot
from judgefast.errors import RunDirectoryError
from judgefast.hashes import cluster_id64

if TYPE_CHECKING:
    from pathlib import Path


def test_pairs_and_lists_of_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns_module, "BATCH_ROWS", 16)
    golds = ["a", "b", "tie", None, "c"]
    data: list[dict[str, Any]] = []
    for number in range(600):
        answers = [
            {"model": f"m{number % 3}", "text": "x"},
            {"text": "y"},
            {"model": "m9", "text": "z"},
        ]
        row = {"id": number, "question": f"Q{number % 100}", "answers": answers[: 2 + number % 2]}
        gold = golds[number % 5]
        row["gold"] = None if gold == "c" and number % 2 == 0 else gold
        row |= {"even": number % 2 == 0, "n": number, "tens": number // 60, "late": None}
        if number in (300, 301):
            row["late"] = "L"
        data.append(row)
    snapshot(read_items(data), tmp_path, seed=3)
    items = [item for batch in iter_rows(tmp_path) for item in items_of(batch)]
    columns = load_item_columns(tmp_path)

    assert columns.item_id.to_pylist() == [item.item_id for item in items]
    assert columns.cluster_id64.tolist() == [cluster_id64(item.cluster) for item in items]
    assert columns.num_answers.tolist() == [len(item.answers) for item in items]
    codes = {"a": 0, "b": 1, "c": 2, "tie": CHOICE_TIE, None: CHOICE_NONE}
    assert columns.gold_choice.tolist() == [codes[item.gold] for item in items]
    assert np.isnan(columns.gold_score).all()
    assert columns.gold_label is None
    assert columns.model.shape == (600, 3)
    names = [*columns.models, None]
    assert [[names[code] for code in row] for row in columns.model.tolist()] == [
        [*(answer.model for answer in item.answers), None, None][:3] for item in items
    ]
    assert set(columns.meta) == {"even", "tens", "late"}
    for field, coded in columns.meta.items():
        seen = [*coded.names, None]
        as_text = {True: "true", False: "false"}
        assert [seen[code] for code in coded.codes.tolist()] == [
            None
            if (value := item.meta.get(field)) is None
            else as_text[value]
            if isinstance(value, bool)
            else str(value)
            for item in items
        ]


def test_single_answers_have_scores_or_labels(tmp_path: Path) -> None:
    data = [
        {"id": n, "answer": "x", "gold": gold} for n, gold in enumerate([1, 2.5, "good", None, "b"])
    ]
    snapshot(read_items(data), tmp_path, seed=3)
    columns = load_item_columns(tmp_path)
    order = [int(item_id) for item_id in columns.item_id.to_pylist()]
    scores = [columns.gold_score[order.index(number)] for number in range(5)]
    np.testing.assert_array_equal(scores, [1.0, 2.5, np.nan, np.nan, np.nan])
    assert columns.gold_label is not None
    names = [*columns.gold_label.names, None]
    assert [names[columns.gold_label.codes[order.index(n)]] for n in range(5)] == [
        None, None, "good", None, "b"
    ]  # fmt: skip
    assert columns.gold_choice.tolist() == [CHOICE_NONE] * 5
    assert (columns.models, columns.model.tolist()) == ([], [[-1]] * 5)
    assert columns.meta == {}


def test_items_without_a_snapshot_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="holds no rows"):
        load_item_columns(tmp_path)
