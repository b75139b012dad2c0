"""Best of four with one and with eight scores (Lail 2026), from the scores that its judges gave."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from . import composo
from .replays import replay, rows_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("judge", "repeats"), [("full", 1), ("full", 8), ("mini", 8)])
def test_accuracy_interval_and_cost_come_out_as_published(
    judge: str, repeats: int, shared: Path, tmp_path: Path
) -> None:
    rows = rows_of(shared / "data/scalar/composo_gpt_base.jsonl")
    expected = json.loads((shared / "data/scalar/composo_expected.json").read_text())
    (cell,) = (row for row in expected["rows"] if (row["model"], row["k"]) == (judge, repeats))
    rubric = composo.rubric(tmp_path / "scalar.toml")
    recorded = composo.recorded(rows, judge, repeats)
    reading = replay(recorded, rubric, tmp_path / "run", repeats=repeats)
    best = composo.best_of_four(reading, rows)
    found = {"n": best.read, "n_correct": best.right, "n_tied": best.tied}
    assert {name: int(each.sum()) for name, each in found.items()} == {
        name: cell[name] for name in found
    }
    interval = cell["ci95_percentile_bootstrap"]
    assert composo.published_interval(best) == pytest.approx(interval, abs=1e-12)
    usd = composo.usd(rows, judge, repeats, expected["usd_per_million"][judge])
    assert usd == pytest.approx(cell["usd_per_example"], abs=1e-12)
    ours = composo.measured(reading, best).estimate(0.95)
    assert ours.value == pytest.approx(cell["accuracy"], abs=1e-15)
    assert ours.clusters == cell["n"]
    assert [ours.low, ours.high] == pytest.approx(interval, abs=0.003)
