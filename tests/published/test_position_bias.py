"""Position-Bias-Analyzer (Shi et al. 2024, arXiv:2406.07791): extraction and consistency."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from judgefast.codes import Status

from .position_bias import FIRST_MARK, JUDGES, cell, recorded
from .replays import patterns_rubric, replay, rows_of, verdicts_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("judge", JUDGES)
def test_extraction_and_consistency_come_out_as_published(
    judge: str, shared: Path, tmp_path: Path
) -> None:
    rows = [
        row
        for row in rows_of(shared / "data/swap/position_bias_rep.jsonl")
        if row["judge"] == judge
    ]
    rubric = patterns_rubric(tmp_path / "source.toml", FIRST_MARK, which="first", source_rule=True)
    reading = replay(recorded(rows), rubric, tmp_path / "run", repeats=3)
    said = verdicts_of(reading)
    expected = {
        row["rep"]: row
        for row in json.loads((shared / "data/swap/position_bias_expected.json").read_text())
        if row.get("judge") == judge and "rep" in row
    }
    assert sorted(expected) == [1, 2, 3]
    for rep, published in expected.items():
        found = cell(said, rep - 1)
        assert found == {name: published[name] for name in ("n", "extracted", "consistent")}
        assert published["of"] == published["extracted"]


def test_texts_with_two_verdicts_are_conflicting_under_our_strict_rule(
    shared: Path, tmp_path: Path
) -> None:
    rows = rows_of(shared / "data/swap/position_bias_rep.jsonl")
    strict = patterns_rubric(
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
