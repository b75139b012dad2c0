"""An engine that starts early is told in time, and ended where it was not needed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from judgefast.batches.columns import no_plan
from judgefast.batches.tables import PLANNED, RenderedColumns
from judgefast.errors import ConfigError, DataError
from judgefast.pipeline.directory import open_run as real_open_run
from judgefast.pipeline.loading import workload_of
from judgefast.pipeline.plan import RunPlan
from judgefast.pipeline.results import read_run, report_of
from judgefast.prompts.decoding import Decoding
from judgefast.reports.text import render
from tests.engines.scripted import ScriptedEngine

from .judging import by_hash, judge_rows, pairs

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.engines.base import Workload


class EarlyEngine(ScriptedEngine):
    """Writes down what it is told, and when."""

    def __init__(self, *, fails_to: str = "") -> None:
        super().__init__(by_hash)
        self.calls: list[Any] = []
        self._fails_to = fails_to

    def begin(self) -> None:
        self.calls.append("begin")
        if self._fails_to == "begin":
            message = "it does not fit"
            raise ConfigError(message)

    def prepare(self, workload: Workload) -> None:
        self.calls.append(workload)

    def told(self) -> list[str]:
        return [f"word {len(self.calls)}"]

    def start(self) -> dict[str, Any]:
        self.calls.append("start")
        return {
            "version": "early",
            "startup": {"import": 1.0, "start": 2.5},
            "compile_seconds": 1.5,
        }

    def counters(self) -> dict[str, float]:
        return {"preemptions": 3}


def test_an_engine_begins_before_rows_are_read_and_hears_what_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, said = EarlyEngine(), list[str]()

    def open_run(*arguments: Any) -> Any:
        engine.calls.append("read")
        return real_open_run(*arguments)

    monkeypatch.setattr("judgefast.pipeline.run.open_run", open_run)
    finished = judge_rows(tmp_path / "run", pairs(20), engine=engine, say=said.append)
    assert finished.status == 0
    begin, read, workload, start = engine.calls
    assert (begin, read, start) == ("begin", "read", "start")
    assert (workload.requests, workload.labels_only) == (40, False)
    assert workload.longest_prompt_tokens is None, "this engine takes no tokens"
    assert said[:3] == ["word 1", "word 3", "word 4"], "it is asked after each call"


def test_an_engine_is_set_up_alike_whatever_is_left_of_a_run() -> None:
    planned = np.array([PLANNED.index("send")] * 3 + [PLANNED.index("too_long")], np.uint8)
    tokens = np.array([100, 300, 200, 9_000], np.int32)
    plan = RunPlan(no_plan(), RenderedColumns(None, tokens, None, planned))
    workload = workload_of(plan, np.array([0], np.uint32), Decoding(max_tokens=5))
    assert (workload.requests, workload.of_run) == (1, 3)
    assert (workload.longest_prompt_tokens, workload.mean_prompt_tokens) == (300, 200.0)


def test_one_that_is_not_needed_is_closed_without_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judge_rows(tmp_path / "run", pairs(5)).status == 0
    again = EarlyEngine()

    def read_before(*arguments: Any, **named: Any) -> Any:
        assert again.closed, "before the report, which takes its time"
        return read_run(*arguments, **named)

    monkeypatch.setattr("judgefast.pipeline.run.read_run", read_before)
    assert judge_rows(tmp_path / "run", pairs(5), engine=again).status == 0
    assert again.calls == ["begin"]
    assert again.closed


def test_mistakes_end_it(tmp_path: Path) -> None:
    engine = EarlyEngine()
    with pytest.raises(DataError):
        judge_rows(tmp_path / "run", [{"id": "1"}], engine=engine)
    assert engine.calls == ["begin"]
    assert engine.closed
    small = EarlyEngine(fails_to="begin")
    with pytest.raises(ConfigError, match="it does not fit"):
        judge_rows(tmp_path / "other", pairs(5), engine=small)
    assert small.closed
    assert not (tmp_path / "other").exists(), "it is said before anything is read or written"


def test_the_report_tells_what_came_before_the_first_request(tmp_path: Path) -> None:
    finished = judge_rows(tmp_path / "run", pairs(20), engine=EarlyEngine())
    assert finished.report is not None
    first = finished.report.operations.first_request
    assert first is not None
    assert first.engine == {"import": 1.0, "start": 2.5, "compile": 1.5}
    parts = [first.read, first.plan, first.load]
    assert all(part is not None and part >= 0 for part in parts)
    assert sum(part or 0 for part in parts) <= first.seconds
    text = " ".join(render(finished.report).split())
    assert "the engine meanwhile: import 1.0 s, engine start 2.5 s, compile 1.5 s" in text
    other = judge_rows(tmp_path / "other", pairs(5)).report
    assert other is not None
    assert other.operations.first_request is None, "an engine that has nothing to tell"
    assert other.operations.preemptions is None


@pytest.mark.parametrize(("count", "is_said"), [(1, False), (2, True)])
def test_frequent_preemptions_are_worth_a_word(
    tmp_path: Path, count: int, *, is_said: bool
) -> None:
    engine = EarlyEngine()
    engine.counters = lambda: {"preemptions": count}  # type: ignore[method-assign]  # as it happens
    judge_rows(tmp_path / "run", pairs(20), engine=engine)
    operations = report_of(read_run(tmp_path / "run")).operations
    assert operations.preemptions == count
    assert any("kv_cache_dtype=fp8" in note for note in operations.notes) is is_said
    [launch] = (tmp_path / "run/launches").iterdir()
    assert json.loads(launch.read_text("utf-8"))["counters"] == {"preemptions": count}
