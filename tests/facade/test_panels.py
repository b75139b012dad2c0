"""Several judges from Python: what they share, how they end, what they say together."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.facade.seated import RUBRIC, replays
from tests.recorded import always_first, pairs, reasoned

import judgefast
from judgefast.errors import ConfigError, RunDirectoryError
from judgefast.reports.as_json import to_json
from judgefast.reports.panel_report import PanelReport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from judgefast.stats.estimate import Estimate

FORMULA = '=cmd|"x"!A1 \x1b[31m'


def _formula(row: dict[str, Any], order: str) -> str:
    del row, order
    return json.dumps({"verdict": "A", "reason": FORMULA})


class _Once:
    """Rows that can be read once, and tell if they are read again."""

    def __init__(self) -> None:
        self.read = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self.read += 1
        assert self.read == 1, "the data was read twice"
        return iter(pairs())


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> judgefast.Panel:
    """A judge who agrees with gold, and two who follow the place."""
    judges = replays(right=reasoned, first=always_first, formula=_formula)
    out = tmp_path_factory.mktemp("panels") / "p"
    return judgefast.run(_Once(), judges=judges, rubric=RUBRIC, out=out)


def test_each_judge_has_a_run_like_any_other(panel: judgefast.Panel) -> None:
    assert list(panel.runs) == ["right", "first", "formula"]
    assert panel.runs["right"].estimate("accuracy").value == 1.0
    assert panel.status == 0
    assert repr(panel) == f"<judgefast.Panel `{panel.path}`: right, first, formula>"
    report = judgefast.Panel.open(str(panel.path)).report
    assert panel.path is not None
    assert (panel.report.disagreements_file, panel.report.listed) == (
        str(panel.path / "disagreements.jsonl"),
        panel.disagreements.num_rows,
    )
    listed = {"disagreements_file": None, "listed": 0}
    assert msgspec.structs.replace(panel.report, **listed) == report


def test_the_rows_are_written_once(panel: judgefast.Panel) -> None:
    parts = [next((run.path / "rows").iterdir()) for run in panel.runs.values()]
    assert len({part.stat().st_ino for part in parts}) == 1
    facts = [json.loads((run.path / "manifest.json").read_text()) for run in panel.runs.values()]
    assert len({one["data"]["identity"] for one in facts}) == 1


def _width(estimate: Estimate) -> float:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.high - estimate.low


def test_a_panel_that_is_started_again_is_read_as_it_is_said_now(tmp_path: Path) -> None:
    """As one run is; and `report` of the panel goes on to read it so."""
    judges, out = replays(right=reasoned, first=always_first), tmp_path / "p"
    first = judgefast.run(pairs(), judges=judges, rubric=RUBRIC, out=out).report
    again = judgefast.run(
        pairs(), judges=judges, rubric=RUBRIC, out=out, level=0.5, rule="games"
    ).report
    assert (first.level, again.level) == (0.95, 0.5)
    assert {row.rule for row in first.judges} == {"strict"}
    assert {row.rule for row in again.judges} == {"games"}
    assert first.agreement is not None
    assert again.agreement is not None
    assert _width(again.agreement.alpha) < _width(first.agreement.alpha)
    listed = {"disagreements_file": None, "listed": 0}
    assert judgefast.Panel.open(out).report == msgspec.structs.replace(again, **listed)


def test_majority_and_mean_are_of_all(panel: judgefast.Panel) -> None:
    report = panel.report
    majority, mean = report.together
    assert (majority.name, mean.name) == ("majority", "mean")
    assert majority.headline is not None
    assert majority.headline.value == 0.5  # two of three follow the place: always a tie
    values = [row.headline.value for row in report.judges if row.headline is not None]
    assert mean.headline is not None
    assert mean.headline.value == pytest.approx(sum(values) / 3, abs=1e-6)  # type: ignore[arg-type]  # each has one
    gold = [pair["gold"] for pair in pairs()]
    assert report.levels.medium == len(gold)
    assert report.levels.held_back == gold.count("tie")  # two contradict themselves
    assert report.agreement is not None
    assert [pair.units for pair in report.agreement.pairs] == [36, 36, 36]


def test_the_table_has_a_row_for_each_comparison(panel: judgefast.Panel) -> None:
    table = panel.table()
    assert table.num_rows == 36
    gold = {"a": 0.0, "b": 1.0, "tie": 0.5}
    expected = {row["id"]: gold[row["gold"]] for row in pairs()}
    assert dict(zip(table["item_id"].to_pylist(), table["gold"].to_pylist(), strict=True)) == (
        expected
    )
    assert table["right_value"].to_pylist() == table["gold"].to_pylist()
    assert set(table["first_value"].to_pylist()) == {0.5}
    with pytest.raises(ConfigError, match="no table of several judges named `pannel`") as caught:
        panel.table("pannel")
    assert caught.value.hint == "did you mean `panel`?"


def test_disagreements_carry_both_reasons_and_stay_text(
    panel: judgefast.Panel, tmp_path: Path
) -> None:
    table = panel.disagreements
    row = table.to_pylist()[0]
    assert row["formula_reason"] == FORMULA
    assert row["right_reason"].startswith(f"in the order of the data: {row['item_id']} in ab: «")
    assert "\nswapped: " in row["right_reason"]
    assert row["question"] == next(p for p in pairs() if p["id"] == row["item_id"])["question"]
    assert row["right_verdict"] == row["gold"]
    assert panel.export(tmp_path / "d.csv", table="disagreements") == table.num_rows
    text = (tmp_path / "d.csv").read_text()
    assert "\x1b" not in text
    assert '"=cmd' not in text
    assert "'=cmd" in text


def test_an_item_is_shown_with_all_judges(panel: judgefast.Panel) -> None:
    item = panel.show("facts-cows")
    assert {name: len(view.judgments) for name, view in item.judges.items()} == {
        "right": 2,
        "first": 2,
        "formula": 2,
    }
    (unit,) = item.units
    assert (unit.candidate, unit.baseline) == ("b (beacon)", "a (atlas)")
    assert (unit.level, unit.majority, unit.tied) == ("medium", 0.5, False)
    with pytest.raises(ConfigError, match="has no item `facts-cow`") as caught:
        panel.show("facts-cow")
    assert "facts-cows" in str(caught.value.hint)


def test_a_report_is_read_back_from_its_json(panel: judgefast.Panel) -> None:
    import msgspec  # noqa: PLC0415 - here alone

    text = to_json(panel.report)
    assert to_json(msgspec.json.decode(text, type=PanelReport)) == text


def test_a_panel_is_no_run_and_a_run_no_panel(panel: judgefast.Panel, tmp_path: Path) -> None:
    with pytest.raises(RunDirectoryError, match="holds several judges") as caught:
        judgefast.Run.open(str(panel.path))
    assert f"`{panel.path}/judges/right`" in str(caught.value.hint)
    run = panel.runs["right"].path
    with pytest.raises(RunDirectoryError, match="is no panel"):
        judgefast.Panel.open(run)
    shutil.copytree(run, tmp_path / "run")
    with pytest.raises(RunDirectoryError, match="holds the run of one judge"):
        judgefast.run(
            pairs(), judges=replays(first=always_first), rubric=RUBRIC, out=tmp_path / "run"
        )
