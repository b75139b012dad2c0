"""One of two replicas is lost for good: every request is answered all the same."""

from __future__ import annotations

import logging
import os
import re
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from judgefast.config import RunConfig
from judgefast.engines.vllm import versions
from judgefast.pipeline.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from judgefast.batches.request import Request
    from tests.engines.conftest import Started

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

MANY = 8
"""Requests of the replica that is killed: more than it has in flight."""


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
    submit = engine.submit
    sent: Counter[int] = Counter()

    def submit_and_kill(lane: int, requests: Sequence[Request]) -> None:
        submit(lane, requests)
        before, sent[lane] = sent[lane], sent[lane] + len(requests)
        if lane == 1 and before < MANY <= sent[lane]:
            pid = engine._supervisors[1].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)

    monkeypatch.setattr(engine, "start", lambda: facts)
    monkeypatch.setattr(engine, "submit", submit_and_kill)
    monkeypatch.setattr(engine, "close", lambda: None)
    config = RunConfig(
        data=(), rubric="pairwise", engine="vllm", out=str(tmp_path / "run"), repeats=4
    )
    with caplog.at_level(logging.WARNING, "judgefast"):
        finished = run(config, data=rows, engine=engine, show_progress=False)
    assert sent[1] >= MANY
    assert re.search(r"replica 1 is lost, [1-4] requests move", caplog.text)
    assert [lane.lane for lane in engine.lanes] == [0]
    assert (finished.status, finished.why) == (0, None)
    table = pq.read_table(sorted((tmp_path / "run" / "journal").glob("*.parquet")))
    assert table.num_rows == 60 * 2 * 4
    assert set(table["error_kind"].to_pylist()) == {None}
    assert len(set(table["request_id"].to_pylist())) == table.num_rows
    assert set(table["lane"].to_pylist()) == {0, 1}
