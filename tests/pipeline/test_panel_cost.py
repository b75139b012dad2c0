"""What a judge of a panel has cost for 1,000 verdicts, also where a start was killed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import judgefast
from judgefast.pipeline.panel_cost import cost_of
from judgefast.pipeline.results import read_run, report_of
from judgefast.reports.panel_text import render_panel
from tests.facade.seated import RUBRIC, replays
from tests.recorded import always_first, pairs, reasoned

if TYPE_CHECKING:
    from pathlib import Path


def test_what_a_killed_start_did_not_tell_is_reckoned_by_the_others(tmp_path: Path) -> None:
    """Two starts of 36 judgments each, of which one took 9 seconds and one was killed."""
    judges = replays(right=reasoned, first=always_first)
    for rows in (pairs()[:18], pairs()):
        judgefast.run(rows, judges=judges, rubric=RUBRIC, out=tmp_path / "p", extend=True)
    folder = tmp_path / "p" / "judges" / "right"
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["engine"]["name"] = "http"  # what a replay's judge cost is elsewhere
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    killed, told = sorted((folder / "launches").glob("*.json"))
    for file in (killed, told):
        facts = json.loads(file.read_text("utf-8"))
        facts["seconds"] = {"judge": 9.0} if file == told else {}
        file.write_text(json.dumps(facts), "utf-8")
    reading = read_run(folder)
    cost = cost_of(reading, report_of(reading))
    assert (cost.seconds, cost.verdicts, cost.untimed) == (9.0, 72, 36)
    assert cost.seconds_per_1000 == pytest.approx(1000 * 9 / 36)
    said = " ".join(render_panel(judgefast.Panel.open(tmp_path / "p").report).split())
    assert "without 36 judgments of starts that were killed" in said
