"""Budgets on the real engine: what it counts itself stays within what was allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pytest
from tests.recorded import pairs

import judgefast

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

TOKENS = 1_800
ROWS = pairs()[:8]


def test_tokens_and_then_time_stop_a_run_of_the_real_engine_inside_them(tmp_path: Path) -> None:
    out = tmp_path / "run"
    run = judgefast.run(ROWS, rubric="pairwise", out=out, budget=f"{TOKENS}tokens")
    budget = run.report.operations.budget
    assert budget is not None
    assert (run.status, budget.reached) == (3, "tokens")
    completions = run.table("completions")
    counted = sum(
        pc.sum(completions.column(name)).as_py() for name in ("prompt_tokens", "completion_tokens")
    )
    assert budget.spent.tokens == counted
    longest = 2 * (pc.max(completions.column("prompt_tokens")).as_py() + 10)
    assert TOKENS - longest < counted <= TOKENS
    assert budget.items_in_part == 0
    judged = run.report.results.counts.parsed

    seconds = budget.spent.gpu_hours * 3600 * 2 + 8
    hours = [f"{seconds / 3600:.6f}gpu-hours"]
    run = judgefast.run(ROWS, rubric="pairwise", out=out, budget=hours)
    budget = run.report.operations.budget
    assert budget is not None
    assert budget.spent.gpu_hours * 3600 <= seconds
    assert run.report.results.counts.parsed >= judged
    if run.status:
        assert budget.reached == "gpu_hours"
