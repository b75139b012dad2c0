"""How panels are interrupted, and what they cannot be extended by."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.engines.scripted import ScriptedEngine
from tests.facade.seated import RUBRIC, says
from tests.recorded import pairs

import judgefast
from judgefast.errors import ConfigError, EngineError
from judgefast.pipeline.panel import run_panel
from judgefast.pipeline.panel_judges import judges_of
from judgefast.stopping import Stop

if TYPE_CHECKING:
    from pathlib import Path


def test_an_interruption_is_one_although_another_judge_has_failed_to_start(tmp_path: Path) -> None:
    stop, has_failed = Stop(), threading.Event()

    class Broken(ScriptedEngine):
        def start(self) -> dict[str, Any]:
            has_failed.set()
            message = "the model does not load"
            raise EngineError(message)

    class Slow(ScriptedEngine):
        def start(self) -> dict[str, Any]:
            assert has_failed.wait(30)
            stop.requested = True
            raise KeyboardInterrupt

    judges = [{"name": "slow", "engine": Slow(says("A"))}]
    judges += [{"name": "broken", "engine": Broken(says("A"))}]
    panel = judgefast.run(
        pairs(), judges=judges, rubric=RUBRIC, out=tmp_path / "p", side_by_side=True, stop=stop
    )
    assert panel.status == 130


def test_several_judges_are_not_extended_by_what_can_be_read_once(tmp_path: Path) -> None:
    def judges(names: str) -> list[dict[str, Any]]:
        return [{"name": name, "engine": ScriptedEngine(says("A"))} for name in names]

    options: dict[str, Any] = {"rubric": RUBRIC, "out": tmp_path / "p"}
    judgefast.run(pairs()[:9], judges=judges("ab"), **options)
    rest = iter(pairs())
    with pytest.raises(ConfigError, match="these can be read only once"):
        judgefast.run(rest, judges=judges("ab"), extend=True, **options)
    shared = {"rubric": RUBRIC, "data": ["-"], "extend": True}
    with pytest.raises(ConfigError, match="these can be read only once"):
        run_panel(judges_of(judges("ab"), shared, where="here"), tmp_path / "p", say=print)
    panel = judgefast.run(pairs(), judges=judges("ab"), extend=True, **options)
    assert [row.counts.items for row in panel.report.judges] == [36, 36]
