"""Budgets of time and money: a run ends before the clock does, and what was killed counts."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline import budget as budget_module
from judgefast.pipeline.results import read_run, report_of
from judgefast.reports.text import render
from tests.pipeline.budgets import budget_of
from tests.pipeline.judging import go_on, judge_rows, pairs
from tests.pipeline.paced import PacedEngine

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.batches.request import Request


def seconds_of(out: Path) -> float:
    """Of all starts, from their records: as a bill would count them."""
    return budget_of(out).spent.gpu_hours * 3600


@pytest.fixture
def _soon_closed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    judge_rows(tmp_path / "warm", pairs(2))  # imports take longer than these budgets
    monkeypatch.setattr(budget_module, "CLOSING_SECONDS", 1.5)


@pytest.mark.slow
@pytest.mark.usefixtures("_soon_closed")
def test_money_ends_a_run_in_time_with_nothing_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    engine = PacedEngine(lambda request: 0.08, room=4)
    began = time.monotonic()
    usd = 2 * 1.80 * 3.2 / 3600  # 3.2 seconds of two GPUs
    finished = judge_rows(
        out, pairs(100), engine=engine, budget=(f"{usd:.6f}usd",), gpu="H200:2", price=1.80
    )
    assert time.monotonic() - began < 4
    assert finished.status == 3
    found = budget_of(out)
    assert found.reached == "usd"
    assert found.spent.usd is not None
    assert found.spent.usd <= usd
    assert found.spent.gpu_hours == pytest.approx(found.spent.usd / 1.80)
    assert (found.given_up, found.items_in_part) == (0, 0)
    assert found.price == "given"
    assert found.go_on is not None
    assert f"judgefast resume {out} --budget 0.0" in found.go_on
    assert 10 < finished.done < 100

    with monkeypatch.context() as closing:  # what is left is the closing that was not needed
        closing.setattr(budget_module, "CLOSING_SECONDS", 3.0)
        again = go_on(out)
    assert (again.status, again.done) == (3, finished.done)
    assert budget_of(out).spent == found.spent, "a start that asks nothing costs nothing"
    more = go_on(
        out, engine=PacedEngine(lambda request: 0.08, room=4), budget=(f"{2 * usd:.6f}usd",)
    )
    assert more.done > finished.done
    assert usd < (budget_of(out).spent.usd or 0) <= 2 * usd


@pytest.mark.usefixtures("_soon_closed")
def test_answers_that_take_longer_than_all_before_are_given_up_in_time(tmp_path: Path) -> None:
    out = tmp_path / "run"
    asked = 0

    def seconds(request: Request) -> float:
        nonlocal asked
        asked += 1
        return 0.02 if asked < 40 else 60.0

    finished = judge_rows(
        out, pairs(100), engine=PacedEngine(seconds, room=4), budget=("0.0011gpu-hours",)
    )
    assert finished.status == 3
    found = budget_of(out)
    assert (found.reached, found.given_up) == ("gpu_hours", 4)
    assert seconds_of(out) <= 0.0011 * 3600
    words = " ".join(render(report_of(read_run(out))).split())
    assert "4 requests given up in flight, time being up: their tokens are not counted" in words
    assert "leans to answers that come quickly" in words
    assert "fair sample" not in words


def test_the_time_of_a_start_that_was_killed_counts_to_its_last_answer(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge_rows(out, pairs(10), budget=("8judgments",), price=3.6)
    with RunDirectory.open(out, write=False) as directory:
        [launch] = directory.launches()
    before = budget_of(out).spent.gpu_hours
    path = out / "launches" / f"{launch['launch']}.json"
    path.write_text(json.dumps({key: launch[key] for key in launch if key != "finished"}))
    found = budget_of(out)
    assert found.killed == 1
    assert 0 < found.spent.gpu_hours <= before
    assert found.spent.usd == pytest.approx(3.6 * found.spent.gpu_hours)
    assert "1 start killed" in render(report_of(read_run(out)))
