"""Several judges from Python: what they share, how they end, what they say together."""

from __future__ import annotations

import json
import shutil
import threading
from typing import TYPE_CHECKING, Any

import pytest
from tests.engines.scripted import ScriptedEngine, answered
from tests.recorded import always_first, pairs, record, write_lines

import judgefast
from judgefast.errors import ConfigError, EngineError, RunDirectoryError
from judgefast.prompts.model import JudgeModel
from judgefast.reports.as_json import to_json
from judgefast.reports.panel_report import PanelReport
from judgefast.stopping import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUBRIC = "pairwise-reasons"
FORMULA = '=cmd|"x"!A1 \x1b[31m'


def _says(letter: str, reason: str = "r") -> Any:
    return lambda request: answered(request, json.dumps({"verdict": letter, "reason": reason}))


def _formula(row: dict[str, Any], order: str) -> str:
    del row, order
    return json.dumps({"verdict": "A", "reason": FORMULA})


def _replays(**said: Any) -> list[dict[str, Any]]:
    return [
        {"name": name, "engine": "replay", "recorded": record(pairs(), say) if say else say}
        for name, say in said.items()
    ]


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
    from tests.recorded import reasoned  # noqa: PLC0415 - beside its use

    judges = _replays(right=reasoned, first=always_first, formula=_formula)
    out = tmp_path_factory.mktemp("panels") / "p"
    return judgefast.run(_Once(), judges=judges, rubric=RUBRIC, out=out)


def test_each_judge_has_a_run_like_any_other(panel: judgefast.Panel) -> None:
    assert list(panel.runs) == ["right", "first", "formula"]
    assert panel.runs["right"].estimate("accuracy").value == 1.0
    assert panel.status == 0
    assert repr(panel) == f"<judgefast.Panel `{panel.path}`: right, first, formula>"
    assert judgefast.Panel.open(str(panel.path)).report == panel.report


def test_the_rows_are_written_once(panel: judgefast.Panel) -> None:
    parts = [next((run.path / "rows").iterdir()) for run in panel.runs.values()]
    assert len({part.stat().st_ino for part in parts}) == 1
    facts = [json.loads((run.path / "manifest.json").read_text()) for run in panel.runs.values()]
    assert len({one["data"]["identity"] for one in facts}) == 1


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
    assert report.levels.medium == len(gold) - gold.count("tie")
    assert (report.levels.high, report.levels.low) == (gold.count("tie"), 0)
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


@pytest.mark.parametrize("side_by_side", [False, True])
def test_a_judge_that_does_not_start_leaves_the_others_at_work(
    tmp_path: Path, *, side_by_side: bool
) -> None:
    class Broken(ScriptedEngine):
        def start(self) -> dict[str, Any]:
            message = "the model does not load"
            raise EngineError(message, hint="look at it")

    said: list[str] = []

    def judges() -> list[dict[str, Any]]:
        return [
            {"name": "broken", "engine": Broken(_says("A"))},
            {"name": "well", "engine": ScriptedEngine(_says("B"))},
        ]

    panel = judgefast.run(
        pairs(),
        judges=judges(),
        rubric=RUBRIC,
        out=tmp_path / "p",
        say=said.append,
        side_by_side=side_by_side,
    )
    assert panel.status == 3
    assert "broken: 72 judgments were not judged" in str(panel.why)
    assert any("judge broken cannot judge: the model does not load" in words for words in said)
    assert panel.runs["well"].status == 0
    mended = judges()
    mended[0]["engine"] = ScriptedEngine(_says("A"))
    panel = judgefast.run(pairs(), judges=mended, rubric=RUBRIC, out=tmp_path / "p")
    assert (panel.status, panel.why) == (0, None)


def test_when_no_judge_starts_the_first_error_is_that_of_the_panel(tmp_path: Path) -> None:
    class Broken(ScriptedEngine):
        def start(self) -> dict[str, Any]:
            message = "the model does not load"
            raise EngineError(message)

    judges = [{"name": name, "engine": Broken(_says("A"))} for name in "ab"]
    with pytest.raises(EngineError, match="does not load"):
        judgefast.run(pairs(), judges=judges, rubric=RUBRIC, out=tmp_path / "p")


@pytest.mark.parametrize("side_by_side", [False, True])
def test_a_wish_to_end_ends_all_and_the_same_call_goes_on(
    tmp_path: Path, *, side_by_side: bool
) -> None:
    stop = Stop()
    asked = {"a": 0, "b": 0}

    def slowly(name: str) -> Any:
        def say(request: Any) -> Any:
            asked[name] += 1
            if asked["a"] + asked["b"] >= 20:
                stop.requested = True
            return answered(request, json.dumps({"verdict": "A", "reason": name}))

        return say

    def judges() -> list[dict[str, Any]]:
        return [{"name": n, "engine": ScriptedEngine(slowly(n), room=2)} for n in "ab"]

    out = tmp_path / "p"
    options: dict[str, Any] = {"rubric": RUBRIC, "out": out, "side_by_side": side_by_side}
    panel = judgefast.run(pairs(), judges=judges(), stop=stop, **options)
    assert panel.status == 130
    before = sum(asked.values())
    assert before < 144
    assert not [t for t in threading.enumerate() if t.name.startswith("judgefast-judge")]
    stop = Stop()
    asked.update(a=-200, b=-200)
    panel = judgefast.run(pairs(), judges=judges(), **options)
    assert panel.status == 0
    again = sum(asked.values()) + 400
    assert 144 <= before + again <= 144 + 2 * 2  # at most what was in flight is asked again
    assert {row.counts.parsed for row in panel.report.judges} == {72}


def test_a_judge_may_be_added_and_none_left_out(tmp_path: Path) -> None:
    from tests.recorded import reasoned  # noqa: PLC0415 - beside its use

    out = tmp_path / "p"
    judgefast.run(pairs(), judges=_replays(right=reasoned), rubric=RUBRIC, out=out)
    assert judgefast.Panel.open(out).report.agreement is None
    judges = _replays(first=always_first, right=reasoned)
    panel = judgefast.run(pairs(), judges=judges, rubric=RUBRIC, out=out)
    assert list(panel.runs) == ["right", "first"]
    with pytest.raises(ConfigError, match="has judges that are not named now: `right`"):
        judgefast.run(pairs(), judges=judges[:1], rubric=RUBRIC, out=out)
    with pytest.raises(RunDirectoryError, match="belongs to another run"):
        judgefast.run(pairs()[:5], judges=judges, rubric=RUBRIC, out=out)


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
            pairs(), judges=_replays(first=always_first), rubric=RUBRIC, out=tmp_path / "run"
        )


def test_rubrics_of_other_kinds_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    judges = [
        {"name": "pairs", "engine": ScriptedEngine(_says("A"))},
        {"name": "scores", "engine": ScriptedEngine(_says("A")), "rubric": "scalar-1-5"},
    ]
    with pytest.raises(ConfigError, match="pairwise and scalar on 1 to 5"):
        judgefast.run(pairs(), judges=judges, rubric=RUBRIC, out=tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_a_judge_of_a_candidates_family_is_refused_before_the_first_is_asked(
    tmp_path: Path,
) -> None:
    class Qwen(ScriptedEngine):
        def __init__(self) -> None:
            super().__init__(_says("A"))
            self.model = JudgeModel(name="Qwen2.5-7B-Instruct", digest="0" * 64)

    asked = []

    def count(request: Any) -> Any:
        asked.append(request)
        return _says("A")(request)

    def judges(**more: Any) -> list[dict[str, Any]]:
        return [
            {"name": "other", "engine": ScriptedEngine(count)},
            {"name": "own", "engine": Qwen(), **more},
        ]

    rows = [row | {"model_a": "qwen2-72b"} for row in pairs()]
    out = tmp_path / "p"
    with pytest.raises(ConfigError, match=r"judge `own`: the judge `Qwen2\.5-7B-Instruct`"):
        judgefast.run(rows, judges=judges(), rubric=RUBRIC, out=out)
    assert not asked
    panel = judgefast.run(rows, judges=judges(allow_self=True), rubric=RUBRIC, out=out)
    assert "its own among the candidates: 36 answers of `qwen2-72b`" in str(
        panel.report.judges[1].self_judging
    )
    assert panel.report.judges[0].self_judging is None


def test_a_judge_that_never_began_may_be_left_out(tmp_path: Path) -> None:
    from tests.recorded import reasoned  # noqa: PLC0415 - beside its use

    class Broken(ScriptedEngine):
        @property
        def capabilities(self) -> Any:
            message = "the server is away"
            raise EngineError(message)

        @capabilities.setter
        def capabilities(self, value: object) -> None:
            del value

    judges = [*_replays(right=reasoned), {"name": "away", "engine": Broken(_says("A"))}]
    panel = judgefast.run(pairs(), judges=judges, rubric=RUBRIC, out=tmp_path / "p")
    assert (panel.status, panel.why) == (3, "away: not started")
    panel = judgefast.run(pairs(), judges=judges[:1], rubric=RUBRIC, out=tmp_path / "p")
    assert (panel.status, list(panel.runs)) == (0, ["right"])


def test_when_the_first_is_away_the_next_reads_what_can_be_read_once(tmp_path: Path) -> None:
    class Away(ScriptedEngine):
        @property
        def capabilities(self) -> Any:
            message = "the server is away"
            raise EngineError(message)

        @capabilities.setter
        def capabilities(self, value: object) -> None:
            del value

    judges = [{"name": "away", "engine": Away(_says("A"))}]
    judges += [{"name": name, "engine": ScriptedEngine(_says("B"))} for name in "bc"]
    panel = judgefast.run(
        iter(pairs()), judges=judges, rubric=RUBRIC, out=tmp_path / "p", side_by_side=True
    )
    assert panel.status == 3
    assert [row.counts.items for row in panel.report.judges] == [36, 36]
    assert panel.report.levels.high == 36


def test_answers_of_other_data_are_joined_by_what_they_say(tmp_path: Path) -> None:
    turned = [
        row
        | {"answer_a": row["answer_b"], "answer_b": row["answer_a"], "gold": "tie"}
        | {"model_a": row["model_b"], "model_b": row["model_a"]}
        for row in pairs()[:18]
    ] + pairs()[18:]
    for name, rows in (("a", pairs()), ("b", turned)):
        engine = ScriptedEngine(_says("A"))
        judgefast.run(rows, engine=engine, rubric=RUBRIC, out=tmp_path / name)
    joining = judgefast.agree([tmp_path / "a", tmp_path / "b"], across=["data"]).report.joining
    assert (joining.asked_of_all, joining.asked_of_one) == (18, 36)


def test_adaptive_orders_are_for_one_judge(tmp_path: Path) -> None:
    judges = [{"name": name, "engine": ScriptedEngine(_says("A"))} for name in "ab"]
    with pytest.raises(ConfigError, match="adaptive orders are for one judge, and 2 are named"):
        judgefast.run(pairs(), judges=judges, rubric=RUBRIC, out=tmp_path, orders="adaptive")


def test_what_follows_the_place_prefers_no_answer(tmp_path: Path) -> None:
    """Also where its probabilities lean by a hair: what counts is what each order chose."""
    import numpy as np  # noqa: PLC0415 - here alone

    from judgefast.codes import CHOICE_TIE, Position  # noqa: PLC0415 - as above
    from judgefast.pipeline import panel_join  # noqa: PLC0415 - as above

    class Said:
        def __init__(self, **named: Any) -> None:
            self.__dict__.update(named)

    value = np.array([0.501, 0.75, 0.9, 0.4, 0.53])
    where = [Position.FIRST_TWICE, Position.TIE_AND_WIN, Position.AGREE, Position.ONE_ORDER]
    reading = Said(
        outcomes=Said(
            status=np.zeros(5, np.uint8),
            value=np.rint(value * 2**24).astype(np.int64),
            position=np.array([*where, Position.AGREE], np.uint8),
            first_judgment=np.arange(5),
        ),
        verdicts=Said(choice=np.array([0, 0, 1, 0, CHOICE_TIE], np.uint8)),
        rubric=Said(mode="pairwise"),
    )
    found = panel_join._verdicts(reading)  # type: ignore[arg-type]  # what it reads of one
    assert found.tolist() == [0.5, 0.5, 1.0, 0.0, 0.5]


def test_a_file_is_read_once_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.recorded import reasoned  # noqa: PLC0415 - beside its use

    from judgefast.pipeline import directory  # noqa: PLC0415 - to count its calls

    read = []
    real = directory.reader_of
    monkeypatch.setattr(directory, "reader_of", lambda *given: read.append(given) or real(*given))
    path = write_lines(tmp_path / "rows.jsonl", pairs())
    judges = _replays(right=reasoned, first=always_first)
    for starts in (1, 2):
        judgefast.run(path, judges=judges, rubric=RUBRIC, out=tmp_path / "p")
        assert len(read) == starts
