"""Position-Bias-Analyzer (Shi et al. 2024, arXiv:2406.07791): extraction and consistency."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.codes import Status

from .replays import replay, rows_of, verdicts_of, write_rubric

if TYPE_CHECKING:
    from pathlib import Path

JUDGES = ("claude-3-haiku-20240307", "gemini-pro", "gpt-3.5-turbo-0125")
FIRST_MARK = [(r"\[\[A\]\]", "A"), (r"\[\[B\]\]", "B"), (r"\[\[[CD]\]\]", "C")]


def recorded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Twins become one item with two orders; `a` is the model that comes first by name."""
    out = []
    for row in rows:
        one, two = sorted((row["model_a"], row["model_b"]))
        out.append(
            {
                "id": f"{row['question']} {one} {two}",
                "cluster": row["question"],
                "order": "ab" if row["model_a"] == one else "ba",
                "repeat": row["rep"] - 1,
                "text": row["text"],
                "model_a": one,
                "model_b": two,
            }
        )
    return out


@pytest.mark.parametrize("judge", JUDGES)
def test_extraction_and_consistency_come_out_as_published(
    judge: str, shared: Path, tmp_path: Path
) -> None:
    rows = [
        row
        for row in rows_of(shared / "data/swap/position_bias_rep.jsonl")
        if row["judge"] == judge
    ]
    rubric = write_rubric(tmp_path / "source.toml", FIRST_MARK, which="first", source_rule=True)
    reading = replay(recorded(rows), rubric, tmp_path / "run", repeats=3)
    said = verdicts_of(reading)
    expected = {
        cell["rep"]: cell
        for cell in json.loads((shared / "data/swap/position_bias_expected.json").read_text())
        if cell.get("judge") == judge and "rep" in cell
    }
    assert sorted(expected) == [1, 2, 3]
    for rep, cell in expected.items():
        verdicts = {key: verdict for key, verdict in said.items() if key[2] == rep - 1}
        read = {key: verdict for key, verdict in verdicts.items() if verdict is not None}
        # The source counts a row whose twin has no verdict as consistent.
        consistent = [
            verdicts[item, not swapped, repeat] in {None, verdict}
            for (item, swapped, repeat), verdict in read.items()
        ]
        assert len(verdicts) == cell["n"]
        assert len(read) == cell["extracted"] == cell["of"]
        assert sum(consistent) == cell["consistent"]


def test_texts_with_two_verdicts_are_conflicting_under_our_strict_rule(
    shared: Path, tmp_path: Path
) -> None:
    rows = rows_of(shared / "data/swap/position_bias_rep.jsonl")
    strict = write_rubric(
        tmp_path / "strict.toml", FIRST_MARK, which="unanimous", source_rule=False
    )
    conflicting = {}
    for judge in JUDGES:
        reading = replay(
            recorded([row for row in rows if row["judge"] == judge]),
            strict,
            tmp_path / judge,
            repeats=3,
        )
        conflicting[judge] = int((reading.verdicts.status == Status.CONFLICTING).sum())
    assert sum(conflicting.values()) == 6
