"""What a start has cost counts, however it ends: while rows are read, while an engine loads."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.errors import ConfigError, EngineError
from judgefast.journal.launches import read_launches
from judgefast.pipeline import metered, rented
from judgefast.pipeline import run as run_module
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.budgets import budget_of
from tests.pipeline.judging import by_hash, go_on, judge_rows, pairs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOAD_SECONDS = 0.5


class Loads(ScriptedEngine):
    """Takes its time to start, and then does not."""

    def __init__(self, end: Callable[[], None]) -> None:
        super().__init__(by_hash)
        self._end = end

    def start(self) -> dict[str, Any]:
        time.sleep(LOAD_SECONDS)
        self._end()
        return super().start()


def raising(error: BaseException) -> Callable[[], None]:
    def end() -> None:
        raise error

    return end


def spent_seconds(out: Path) -> list[float]:
    """By launch, as they are counted."""
    return [metered.rented_seconds(one, 0.0) for one in read_launches(out / "launches")]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), EngineError("no"), MemoryError()])
def test_a_load_that_is_interrupted_or_fails_is_paid_for(
    tmp_path: Path, error: BaseException
) -> None:
    out = tmp_path / "run"
    with pytest.raises(type(error)):
        judge_rows(out, pairs(3), engine=Loads(raising(error)), budget=("4judgments",))
    [seconds] = spent_seconds(out)
    [launch] = read_launches(out / "launches")
    assert ("interrupted" in launch) is isinstance(error, KeyboardInterrupt)
    assert LOAD_SECONDS <= seconds < LOAD_SECONDS + 10
    go_on(out)
    found = budget_of(out)
    assert found.spent.gpu_hours * 3600 >= LOAD_SECONDS
    assert found.killed == 0


def test_planning_that_is_interrupted_is_paid_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"

    def plan(*arguments: object) -> None:
        time.sleep(LOAD_SECONDS)
        raise KeyboardInterrupt

    monkeypatch.setattr(run_module, "plan_run", plan)
    with pytest.raises(KeyboardInterrupt):
        judge_rows(out, pairs(3), budget=("4judgments",))
    assert spent_seconds(out)[0] >= LOAD_SECONDS


def test_a_start_that_is_killed_while_it_loads_has_said_lately_that_it_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, seen = tmp_path / "run", list[dict[str, Any]]()
    monkeypatch.setattr(rented, "BEAT_SECONDS", 0.05)

    def look() -> None:
        launches = (out / "launches").glob("*.json")  # a beat may be writing another file
        seen.extend(json.loads(path.read_text()) for path in launches)

    judge_rows(out, pairs(3), engine=Loads(look), budget=("4judgments",))
    [as_if_killed] = seen  # what is on the disk while the engine loads
    assert "finished" not in as_if_killed
    assert "engine" not in as_if_killed
    seconds = metered.rented_seconds(as_if_killed, 0.0)
    assert LOAD_SECONDS - 0.3 < seconds < LOAD_SECONDS + 10


def test_a_start_that_has_nothing_to_ask_costs_nothing_and_one_that_is_refused_does(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    with pytest.raises(ConfigError, match="buys no judgment"):
        judge_rows(out, pairs(3), budget=("1judgment",))
    [refused] = spent_seconds(out)
    assert refused > 0
    go_on(out, budget=("none",))
    go_on(out)
    assert spent_seconds(out)[2] == 0
