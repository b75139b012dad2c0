"""Accuracy by slot of the right answer, and its spread, as themis-judge-reliability has them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.codes import Status
from judgefast.pipeline.results import estimates_of

from . import fourway
from .replays import replay, rows_of

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.pipeline.results import Reading


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[dict[str, Any]]:
    return rows_of(shared / "data/swap/fourway_qwen.jsonl")


@pytest.fixture(scope="module")
def expected(shared: Path) -> dict[str, Any]:
    text = (shared / "data/swap/fourway_expected.json").read_text()
    (found,) = json.loads(text).values()
    return dict(found)


@pytest.fixture(scope="module")
def reading(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Reading:
    folder = tmp_path_factory.mktemp("fourway")
    rubric = fourway.rubric(folder / "fourway.toml")
    recorded = fourway.recorded(rows)
    return replay(recorded, rubric, folder / "run", slices=("gold_slot",), one_failed="single")


def test_accuracy_by_slot_comes_out_as_published(
    reading: Reading, expected: dict[str, Any]
) -> None:
    assert int((reading.verdicts.status == Status.PARSED).sum()) == 7052
    found = fourway.accuracy(reading)
    assert {slot: round(share, 4) for slot, share in found.items()} == {
        slot: expected[slot] for slot in fourway.SLOTS
    }
    (whole, *_) = (each for each in estimates_of(reading) if each.name == "accuracy")
    assert whole.slice == "all"
    assert whole.value == pytest.approx(expected["mean"], abs=5e-5)


def test_the_interval_of_the_spread_is_the_published_one_within_0_1_points(
    reading: Reading, expected: dict[str, Any]
) -> None:
    """The page promises 0.3; this is tight enough to miss slots that are drawn apart."""
    right = fourway.right_of(reading)
    found = fourway.spread(fourway.accuracy(reading), right, seed=0, level=0.95)
    assert round(found.value, 4) == expected["spread"]
    assert [found.low, found.high] == pytest.approx(expected["spread_ci95"], abs=0.001)


def test_the_source_drew_items_with_the_same_weights_in_all_slots(
    rows: list[dict[str, Any]], expected: dict[str, Any]
) -> None:
    """Its own generator and order of items give its interval to the last digit."""
    found = fourway.published_interval(fourway.right_in(rows))
    assert [round(end, 4) for end in found] == expected["spread_ci95"]
