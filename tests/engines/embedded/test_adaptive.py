"""Adaptive orders on the real engine: what it asks is foretold by its answers in both orders."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any

import pytest
from tests.pipeline.adaptive_judge import is_audited, swapped_first
from tests.recorded import pairs

import judgefast

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

ROWS = pairs()[:8]
AUDIT = 0.2


def confidence_of(verdict: dict[str, Any]) -> float:
    shares = verdict["p_labels"]
    return float((max(shares) - 1 / len(shares)) / (1 - 1 / len(shares)))


def test_the_real_engine_asks_second_orders_of_what_is_open_or_audited(tmp_path: Path) -> None:
    both = judgefast.run(ROWS, rubric="pairwise", out=tmp_path / "both")
    verdicts = both.table("verdicts").to_pylist()
    clusters = {row["item_id"]: row["cluster"] for row in both.table("items").to_pylist()}
    is_first = [
        (row["order"] == "swapped") == swapped_first(0, row["item_id"], (0, 1), 2)
        for row in verdicts
    ]
    firsts = {
        row["item_id"]: confidence_of(row)
        for row, first in zip(verdicts, is_first, strict=True)
        if first
    }
    sure = median(firsts.values())
    wanted = {
        row["key"]
        for row, first in zip(verdicts, is_first, strict=True)
        if first or firsts[row["item_id"]] < sure or is_audited(0, clusters[row["item_id"]], AUDIT)
    }
    assert len(ROWS) < len(wanted) < 2 * len(ROWS)
    how: dict[str, Any] = {"orders": "adaptive", "sure": sure, "audit": AUDIT}
    judged = judgefast.run(ROWS, rubric="pairwise", out=tmp_path / "adaptive", **how)
    assert {row["request_id"] for row in judged.table("completions").to_pylist()} == wanted
    assert judged.status == 0
    shown = judgefast.run(
        ROWS,
        rubric="pairwise",
        engine="replay",
        recorded=tmp_path / "both",
        out=tmp_path / "replay",
        **how,
    )
    counts = shown.report.results.counts
    assert counts.not_judged == {"decided": 2 * len(ROWS) - len(wanted)}
    values = [
        {row["item_id"]: row["value"] for row in run.table("outcomes").to_pylist()}
        for run in (shown, judged)
    ]
    assert values[0] == pytest.approx(values[1], abs=1e-3)
