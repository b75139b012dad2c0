"""What is shown while a run goes on, and what it may cost."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from judgefast.pipeline import headline as headline_module
from judgefast.pipeline.headline import Headline
from judgefast.pipeline.results import read_run
from judgefast.reports import progress
from tests.pipeline.judging import by_hash, judge_rows, pairs

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion
    from judgefast.pipeline.results import Reading


def test_readings_of_the_headline_take_a_small_part_of_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge_rows(tmp_path / "run", pairs(10))
    reading = read_run(tmp_path / "run")
    calls = []
    estimates_of = headline_module.estimates_of

    def slow(reading: Reading) -> Any:
        calls.append(time.monotonic())
        time.sleep(0.02)
        return estimates_of(reading)

    monkeypatch.setattr(headline_module, "estimates_of", slow)
    headline = Headline(
        reading.directory,
        reading.config,
        reading.rubric,
        reading.items,
        reading.plan,
        reading.table,
    )
    began = time.monotonic()
    while time.monotonic() - began < 0.3:
        shown = headline()
        assert shown is not None
        assert shown.name == "win_rate"
    assert len(calls) == 1
    while len(calls) < 2:
        headline()
    assert calls[1] - calls[0] > 20 * 0.02


def test_progress_counts_what_earlier_starts_did_and_never_more_than_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []

    class Watched(progress.Progress):
        def __init__(self, total: int | None, *, already: int = 0, **_: Any) -> None:
            seen.append((already, total or 0))
            super().__init__(total, already=already, stream=io.StringIO(), is_silent=True)

        def update(self, done: int, **counters: Any) -> None:
            seen.append((done, 0))
            super().update(done, **counters)

    def first(request: Request) -> Completion | None:
        return by_hash(request) if request.item_id in {"item-0", "item-1"} else None

    judge_rows(tmp_path / "run", pairs(5), first, request_seconds=0.05)
    monkeypatch.setattr("judgefast.pipeline.run.Progress", Watched)
    judge_rows(tmp_path / "run", pairs(5))
    assert seen[0] == (4, 10)
    done = np.array([count for count, _ in seen[1:]])
    assert done[-1] == 10
    assert (np.diff(done) > 0).all()
