"""What is listed of units that judges disagree on: the texts and reasons of that unit, and all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import judgefast
from judgefast.pipeline import judgment_rows
from judgefast.pipeline.panel_lists import write_own
from judgefast.pipeline.panel_read import read_judges
from tests.recorded import Row, pairs, reasoned, record, replayed

if TYPE_CHECKING:
    from pathlib import Path


def _always_tied(row: Row, order: str) -> str:
    return json.dumps({"verdict": "C", "reason": f"{row['id']} is tied in {order}"})


def test_each_unit_has_its_own_texts_and_reasons_also_beyond_the_first_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judgment_rows, "BATCH_ITEMS", 5)
    rows = {row["id"]: row for row in pairs()}
    judges = [
        replayed(name, record(pairs(), say))
        for name, say in (("right", reasoned), ("tied", _always_tied))
    ]
    panel = judgefast.run(pairs(), judges=judges, rubric="pairwise-reasons", out=tmp_path / "p")
    listed = panel.disagreements.to_pylist()
    apart = {name for name, row in rows.items() if row["gold"] != "tie"}
    assert {one["item_id"] for one in listed} == apart
    assert len(listed) == len(apart) > 2 * 5
    own = write_own(read_judges(tmp_path / "p"))
    assert (own.path, own.rows) == (tmp_path / "p" / "disagreements.jsonl", len(apart))
    for one in listed:
        row = rows[one["item_id"]]
        assert one["question"] == row["question"]
        assert {one["candidate_answer"], one["baseline_answer"]} == {
            row["answer_a"],
            row["answer_b"],
        }
        assert one["gold"] == row["gold"]
        assert f"{row['id']} in ab" in one["right_reason"]
        assert f"{row['id']} is tied in ba" in one["tied_reason"]


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "a", "b")])
def test_a_unit_that_some_judge_was_not_asked_about_has_its_texts(
    order: tuple[str, ...], tmp_path: Path
) -> None:
    rows = [{"id": f"i{at}", "question": f"q{at}", "answer": f"x{at}"} for at in range(4)]
    for at, (name, data) in enumerate((("a", rows), ("b", rows), ("c", rows[:3]))):
        judgefast.run(
            data,
            recorded=[{"id": row["id"], "text": str(1 + 2 * at)} for row in data],
            out=tmp_path / name,
            rubric="scalar-1-5",
            engine="replay",
        )
    panel = judgefast.agree([tmp_path / name for name in order], across=["data"])
    listed = {row["item_id"]: row for row in panel.disagreements.to_pylist()}
    assert listed.keys() == {row["id"] for row in rows}
    for row in rows:
        assert listed[row["id"]]["question"] == row["question"]
        assert listed[row["id"]]["candidate_answer"] == row["answer"]
