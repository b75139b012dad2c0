"""Several aspects on the real engine: one by one by probability, together by a schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import judgefast
from judgefast.prompts import load_rubric

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast import Run

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

ASPECTS = ("correctness", "completeness", "clarity")
ROWS = [
    {"id": "q1", "question": "What is 2 + 2?", "answer": "It is 4, since two twos are four."},
    {"id": "q2", "question": "Name the capital of France.", "answer": "Paris is its capital."},
]


def agrees_with_its_plan(run: Run, rubric: str | Path, *, requests: int) -> bool:
    """Whether plan and run send the same in one order, and the engine counts the same tokens."""
    plan = judgefast.plan(ROWS, rubric=rubric, engine="embedded")
    operations = run.report.operations
    assert operations.bill is not None
    assert operations.order is not None
    tokens = {plan.prompts.tokens, operations.bill.planned_prompt, operations.bill.counted_prompt}
    digests = {plan.digest, operations.order.planned, operations.order.sent}
    assert plan.requests.requests == operations.bill.requests == requests
    return len(tokens) == len(digests) == 1


def test_three_aspects_are_asked_one_by_one_and_together(weights: Path, tmp_path: Path) -> None:
    assert weights.exists()
    apart = judgefast.run(ROWS, rubric="aspects-1-5", engine="embedded", out=tmp_path / "apart")
    assert agrees_with_its_plan(apart, "aspects-1-5", requests=6)
    rows = apart.table("verdicts").to_pylist()
    assert [row["status"] for row in rows] == ["parsed"] * 6
    assert {row["aspect"] for row in rows} == set(ASPECTS)
    assert len({row["request_id"] for row in rows}) == 6
    assert all(sum(row["p_labels"]) == pytest.approx(1, abs=1e-5) for row in rows)

    text = load_rubric("aspects-1-5").source.replace(
        'layout = "aspect-last"', 'aspects = "together"'
    )
    text = text.replace('[verdict]\nname = "label"', '[verdict]\nname = "json"')
    text = text.replace("max_tokens = 8", "max_tokens = 128")
    path = tmp_path / "together.toml"
    path.write_text(text, encoding="utf-8")
    out = tmp_path / "together"
    together = judgefast.run(ROWS[:1], rubric=path, engine="embedded", out=out)
    rows = together.table("verdicts").to_pylist()
    assert [row["status"] for row in rows] == ["parsed"] * 3
    assert len({row["request_id"] for row in rows}) == 1
    for row in rows:
        said = json.loads(row["text"])
        assert list(said) == list(ASPECTS)
        assert row["score"] == said[row["aspect"]]["score"]
