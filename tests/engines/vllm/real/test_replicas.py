"""One of two replicas is lost for good: every request is answered all the same."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from judgefast.config import RunConfig
from judgefast.engines.vllm import versions
from judgefast.pipeline.run import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engines.conftest import Started

pytestmark = [pytest.mark.vllm, pytest.mark.slow]


def test_the_groups_of_a_replica_that_is_lost_move_to_another(
    replicas: Callable[[int], Started],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(versions, "NEWEST", (0, 21))
    with caplog.at_level(logging.WARNING, "judgefast"):
        engine, facts = replicas(2)
    assert "is outside of 0.20 to 0.20; tested were" in caplog.text, "an untested release"
    rows = [
        {"id": f"{n}", "question": f"Question {n}?", "answer_a": "One.", "answer_b": "Another."}
        for n in range(60)
    ]
    killed = threading.Event()
    collect = engine.collect
    came: list[int] = []

    def collect_and_kill(*, timeout_seconds: float) -> Any:
        found = collect(timeout_seconds=timeout_seconds)
        came.extend(each.lane for each in found)
        if not killed.is_set() and came.count(1) >= 20 and engine.in_flight(1):
            killed.set()
            pid = engine._supervisors[1].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
        return found

    monkeypatch.setattr(engine, "start", lambda: facts)
    monkeypatch.setattr(engine, "collect", collect_and_kill)
    monkeypatch.setattr(engine, "close", lambda: None)
    config = RunConfig(
        data=(), rubric="pairwise", engine="vllm", out=str(tmp_path / "run"), repeats=4
    )
    with caplog.at_level(logging.WARNING, "judgefast"):
        finished = run(config, data=rows, engine=engine, show_progress=False)
    assert killed.is_set()
    assert "replica 1 is lost" in caplog.text
    assert [lane.lane for lane in engine.lanes] == [0]
    assert (finished.status, finished.why) == (0, None)
    table = pq.read_table(sorted((tmp_path / "run" / "journal").glob("*.parquet")))
    assert table.num_rows == 60 * 2 * 4
    assert set(table["error_kind"].to_pylist()) == {None}
    assert len(set(table["request_id"].to_pylist())) == table.num_rows
    assert set(table["lane"].to_pylist()) == {0, 1}
