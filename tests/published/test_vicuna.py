"""Totals and wins of the Vicuna blog: from its figures as published, and from its texts."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.codes import CHOICE_TIE, Status
from judgefast.pipeline.results import estimates_of

from . import vicuna
from .replays import replay, rows_of

if TYPE_CHECKING:
    from pathlib import Path

CONTRADICTED = {("bard", "70"), ("llama-13b", "70")}
"""The source's figure is 10/2; its text says 10/4."""


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[dict[str, Any]]:
    return rows_of(shared / "data/scalar/vicuna_reviews.jsonl")


@pytest.fixture(scope="module")
def expected(shared: Path, rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Published figures by the model beside Vicuna."""
    by_file = json.loads((shared / "data/scalar/vicuna_expected.json").read_text())
    return {vicuna.other(row): by_file[row["file"]] for row in rows}


def test_totals_come_out_of_the_score_rows_as_published(
    rows: list[dict[str, Any]], expected: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    rubric = vicuna.scores_rubric(tmp_path / "scores.toml")
    recorded = vicuna.recorded_scores(rows)
    found = vicuna.totals(replay(recorded, rubric, tmp_path / "run", slices=("beside",)))
    assert len(expected) == 4
    for beside, figures in expected.items():
        assert found[beside, beside] == pytest.approx(figures["total_1"], abs=1e-9)
        assert found[beside, vicuna.VICUNA] == pytest.approx(figures["total_2"], abs=1e-9)
    assert [expected[name]["total_2"] for name in ("bard", "llama-13b")] == [655.5, 694.0]


def test_wins_come_out_of_the_pairs_of_scores_as_published(
    rows: list[dict[str, Any]], expected: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    """The source asked one order; the other was not recorded, hence fails, as `single` allows."""
    rubric = vicuna.pair_rubric(tmp_path / "pair.toml")
    recorded = vicuna.recorded_pairs(rows, texts=False)
    reading = replay(recorded, rubric, tmp_path / "run", one_failed="single")
    codes, names = reading.items.meta["beside"]
    wins: dict[str, Counter[int]] = {name: Counter() for name in names}
    first = dict.fromkeys(names, 0.0)
    for row in (reading.verdicts.status == Status.PARSED).nonzero()[0].tolist():
        beside = names[codes[reading.plan.columns.item[row]]]
        wins[beside][int(reading.verdicts.choice[row])] += 1
        first[beside] += float(reading.verdicts.score[row])
    for beside, figures in expected.items():
        assert (wins[beside][0], wins[beside][CHOICE_TIE], wins[beside][1]) == (
            figures["wins_1"],
            figures["ties"],
            figures["wins_2"],
        )
        assert first[beside] == figures["total_1"]  # a verdict holds the score of the answer first


@pytest.mark.parametrize("side", vicuna.SIDES)
def test_the_texts_say_the_figures_but_in_two_reviews(
    side: int, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    rubric = vicuna.texts_rubric(tmp_path / "texts.toml", side, source_rule=True)
    recorded = vicuna.recorded_texts(rows, side)
    reading = replay(recorded, rubric, tmp_path / "run", slices=("beside",))
    read = vicuna.scores_by_review(reading)
    published = {
        (vicuna.other(row), str(row["question_id"])): row["scores"][side - 1] for row in rows
    }
    differ = {name for name, score in read.items() if score != published[name]}
    assert differ == (CONTRADICTED if side == 2 else set())
    assert {(published[name], read[name]) for name in differ} <= {(2, 4)}
    if side == 2:
        totals = vicuna.totals(reading)
        assert totals["bard", vicuna.VICUNA] == pytest.approx(657.5, abs=1e-9)
        assert totals["llama-13b", vicuna.VICUNA] == pytest.approx(696.0, abs=1e-9)


def test_numbers_in_prose_are_no_verdict_of_ours(
    rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    rubric = vicuna.pair_rubric(tmp_path / "pair.toml")
    recorded = vicuna.recorded_pairs(rows, texts=True)
    pairs = replay(recorded, rubric, tmp_path / "run", one_failed="single")
    counts = Counter(Status(code).label for code in pairs.verdicts.status.tolist())
    assert counts == {"parsed": 308, "no_verdict": 12, "engine_error": 320}
    strict = [
        replay(
            vicuna.recorded_texts(rows, side),
            vicuna.texts_rubric(tmp_path / f"{side}.toml", side, source_rule=False),
            tmp_path / str(side),
        )
        for side in vicuna.SIDES
    ]
    prose = {
        (beside, number) for beside in map(vicuna.other, rows) for number in ("68", "69", "70")
    }
    for reading in strict:
        assert {
            name for name, score in vicuna.scores_by_review(reading).items() if score is None
        } == prose
        (mean, *_) = estimates_of(reading)
        assert (mean.name, mean.outcomes, mean.missing) == ("mean", 308, 12)
