"""How panels start, end and go on, and what is refused before anything is asked."""

from __future__ import annotations

import json
import re
import threading
import time
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest
from tests.engines.scripted import ScriptedEngine, answered
from tests.facade.seated import RUBRIC, Away, replays, says
from tests.recorded import always_first, pairs, reasoned, record, write_lines

import judgefast
from judgefast.errors import ConfigError, DataError, EngineError, JudgefastError, RunDirectoryError
from judgefast.prompts.model import JudgeModel
from judgefast.reports.panel_text import render_panel
from judgefast.reports.panel_view import render_panel_item
from judgefast.stopping import Stop

if TYPE_CHECKING:
    from pathlib import Path


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
            {"name": "broken", "engine": Broken(says("A"))},
            {"name": "well", "engine": ScriptedEngine(says("B"))},
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
    mended[0]["engine"] = ScriptedEngine(says("A"))
    panel = judgefast.run(pairs(), judges=mended, rubric=RUBRIC, out=tmp_path / "p")
    assert (panel.status, panel.why) == (0, None)


def test_when_no_judge_starts_the_first_error_is_that_of_the_panel(tmp_path: Path) -> None:
    class Broken(ScriptedEngine):
        def start(self) -> dict[str, Any]:
            message = "the model does not load"
            raise EngineError(message)

    judges = [{"name": name, "engine": Broken(says("A"))} for name in "ab"]
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
            time.sleep(0.01)
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
    out = tmp_path / "p"
    judgefast.run(pairs(), judges=replays(right=reasoned), rubric=RUBRIC, out=out)
    assert judgefast.Panel.open(out).report.agreement is None
    judges = replays(first=always_first, right=reasoned)
    panel = judgefast.run(pairs(), judges=judges, rubric=RUBRIC, out=out)
    assert list(panel.runs) == ["right", "first"]
    with pytest.raises(ConfigError, match="has judges that are not named now: `right`"):
        judgefast.run(pairs(), judges=judges[:1], rubric=RUBRIC, out=out)
    with pytest.raises(RunDirectoryError, match="belongs to another run"):
        judgefast.run(pairs()[:5], judges=judges, rubric=RUBRIC, out=out)


def test_rubrics_of_other_kinds_are_refused_before_anything_is_asked(tmp_path: Path) -> None:
    judges = [
        {"name": "pairs", "engine": ScriptedEngine(says("A"))},
        {"name": "scores", "engine": ScriptedEngine(says("A")), "rubric": "scalar-1-5"},
    ]
    with pytest.raises(ConfigError, match="mode: pairwise -> scalar"):
        judgefast.run(pairs(), judges=judges, rubric=RUBRIC, out=tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_a_judge_of_a_candidates_family_is_refused_before_the_first_is_asked(
    tmp_path: Path,
) -> None:
    class Qwen(ScriptedEngine):
        def __init__(self) -> None:
            super().__init__(says("A"))
            self.model = JudgeModel(name="Qwen2.5-7B-Instruct", digest="0" * 64)

    asked = []

    def count(request: Any) -> Any:
        asked.append(request)
        return says("A")(request)

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
    words = " ".join(render_panel(panel.report).split())
    assert "family of the judge not known, so not compared with candidates'" in words
    assert "its own among the candidates: 36 answers of `qwen2-72b`" in words


def test_what_a_judge_has_begun_with_leave_it_goes_on_with_beside_a_new_one(tmp_path: Path) -> None:
    class Atlas(ScriptedEngine):
        def __init__(self) -> None:
            super().__init__(says("A"))
            self.model = JudgeModel(name="atlas-7b", digest="0" * 64)

    options: dict[str, Any] = {"rubric": RUBRIC, "out": tmp_path / "p"}
    own = {"name": "own", "family": "atlas"}
    judges = [{**own, "engine": Atlas(), "allow_self": True}]
    assert judgefast.run(pairs()[:3], judges=judges, **options).status == 0
    judges = [{**own, "engine": Atlas()}, {"name": "other", "engine": ScriptedEngine(says("B"))}]
    panel = judgefast.run(pairs()[:3], judges=judges, **options)
    assert (panel.status, list(panel.runs)) == (0, ["own", "other"])


def test_a_judge_that_never_began_may_be_left_out(tmp_path: Path) -> None:
    judges = [*replays(right=reasoned), {"name": "away", "engine": Away(says("A"))}]
    panel = judgefast.run(pairs(), judges=judges, rubric=RUBRIC, out=tmp_path / "p")
    assert (panel.status, panel.why) == (3, "away: not started")
    panel = judgefast.run(pairs(), judges=judges[:1], rubric=RUBRIC, out=tmp_path / "p")
    assert (panel.status, list(panel.runs)) == (0, ["right"])


def test_when_the_first_is_away_the_next_reads_what_can_be_read_once(tmp_path: Path) -> None:
    judges = [{"name": "away", "engine": Away(says("A"))}]
    judges += [{"name": name, "engine": ScriptedEngine(says("B"))} for name in "bc"]
    panel = judgefast.run(
        iter(pairs()), judges=judges, rubric=RUBRIC, out=tmp_path / "p", side_by_side=True
    )
    assert panel.status == 3
    assert [row.counts.items for row in panel.report.judges] == [36, 36]
    assert panel.report.levels.held_back == 36


def test_answers_of_other_data_are_joined_by_what_they_say(tmp_path: Path) -> None:
    turned = [
        row
        | {"answer_a": row["answer_b"], "answer_b": row["answer_a"], "gold": "tie"}
        | {"model_a": row["model_b"], "model_b": row["model_a"]}
        for row in pairs()[:18]
    ] + pairs()[18:]
    for name, rows in (("a", pairs()), ("b", turned)):
        engine = ScriptedEngine(says("A"))
        judgefast.run(rows, engine=engine, rubric=RUBRIC, out=tmp_path / name)
    panel = judgefast.agree([tmp_path / "a", tmp_path / "b"], across=["data"])
    joining = panel.report.joining
    assert (joining.asked_of_all, joining.asked_of_one) == (18, 36)
    turned_item, same_item = panel.show(pairs()[0]["id"]), panel.show(pairs()[18]["id"])
    assert [unit.asked_of for unit in turned_item.units] == [["a"], ["b"]]
    assert [unit.asked_of for unit in same_item.units] == [["a", "b"]]
    shown = [render_panel_item(item) for item in (turned_item, same_item)]
    assert [text.count("(other contents, under the same id)") for text in shown] == [1, 0]
    assert [text.count(pairs()[0]["question"]) for text in shown[:1]] == [2]
    assert re.findall(r"; asked of (.) alone; agreement none", shown[0]) == ["a", "b"]
    assert "alone" not in shown[1].partition("== together")[2]


def test_adaptive_orders_are_for_one_judge(tmp_path: Path) -> None:
    judges = [{"name": name, "engine": ScriptedEngine(says("A"))} for name in "ab"]
    with pytest.raises(ConfigError, match="adaptive orders are for one judge, and 2 are named"):
        judgefast.run(pairs(), judges=judges, rubric=RUBRIC, out=tmp_path, orders="adaptive")


def test_a_bad_row_ends_all_and_is_no_judges_fault(tmp_path: Path) -> None:
    """Also where judges have begun in an earlier start."""
    bad = write_lines(tmp_path / "bad.jsonl", [*pairs(), pairs()[0]])
    good = write_lines(tmp_path / "good.jsonl", pairs())
    calls: list[str] = []

    def judges() -> list[dict[str, Any]]:
        return [{"name": name, "engine": ScriptedEngine(says("A"))} for name in "ab"]

    judgefast.run(good, judges=judges(), rubric=RUBRIC, out=tmp_path / "old")
    for out in ("new", "old"):
        with pytest.raises(DataError, match=r"^`.*bad\.jsonl`, line 37, field `id`") as caught:
            judgefast.run(bad, judges=judges(), rubric=RUBRIC, out=tmp_path / out, say=calls.append)
        assert "give each row an id of its own" in str(caught.value.hint)
    assert calls == ["judge 1 of 2: a"] * 2


def test_a_file_is_read_once_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from judgefast.pipeline import directory  # noqa: PLC0415 - to count its calls

    read = []
    real = directory.reader_of
    monkeypatch.setattr(directory, "reader_of", lambda *given: read.append(given) or real(*given))
    path = write_lines(tmp_path / "rows.jsonl", pairs())
    judges = replays(right=reasoned, first=always_first)
    for starts in (1, 2):
        judgefast.run(path, judges=judges, rubric=RUBRIC, out=tmp_path / "p")
        assert len(read) == starts


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"engine": "replay", "recorded": "nowhere.jsonl"}, "nowhere.jsonl"),
        ({"engine": "embedded", "budget": "5usd"}, "a budget in money"),
        ({"engine": "embedded", "engine_args": {"rom": 3}}, "rom"),
        ({"engine": "embedded", "rubric": "pairwize"}, "pairwize"),
    ],
)
def test_what_a_later_judge_would_refuse_is_refused_before_the_first_is_asked(
    second: dict[str, Any], words: str, tmp_path: Path
) -> None:
    asked = []

    def count(request: Any) -> Any:
        asked.append(request)
        return says("A")(request)

    judges = [{"name": "first", "engine": ScriptedEngine(count)}, {"name": "second", **second}]
    with pytest.raises(JudgefastError, match="judge `second`: ") as caught:
        judgefast.run(pairs(), judges=judges, rubric=RUBRIC, out=tmp_path / "p")
    assert words in str(caught.value)
    assert not asked


def test_two_that_are_one_judge_are_refused(tmp_path: Path) -> None:
    """Whatever they are called, and their rubrics, and whatever they may cost."""
    text = (resources.files("judgefast.prompts.rubrics") / f"{RUBRIC}.toml").read_text("utf-8")
    renamed, other = tmp_path / "renamed.toml", tmp_path / "other.toml"
    renamed.write_text(text.replace(f'"{RUBRIC}"', '"other"'), encoding="utf-8")
    other.write_text(text.replace("impartial", "strict"), encoding="utf-8")
    write_lines(tmp_path / "said.jsonl", record(pairs(), reasoned))
    recorded, engine = f"recorded={tmp_path / 'said.jsonl'}", ScriptedEngine(says("A"))
    for one, two in (
        ("name=a,engine=embedded", "name=b,engine=embedded"),
        ("name=a,engine=embedded", f"name=b,engine=embedded,rubric={renamed}"),
        ("name=a,engine=embedded", "name=b,engine=embedded,budget=9judgments,family=zed"),
        (
            f"name=a,engine=replay,{recorded}",
            f"name=b,engine=replay,{recorded}".replace("said", "./said"),
        ),
        ({"name": "a", "engine": engine}, {"name": "b", "engine": engine}),
    ):
        with pytest.raises(ConfigError, match="`a` and `b` are the same judge under two names"):
            judgefast.run(pairs(), judges=[one, two], rubric=RUBRIC, out=tmp_path / "p")
    assert not (tmp_path / "p").exists()
    judges = [
        {"name": name, "engine": ScriptedEngine(says("A")), "rubric": str(rubric)}
        for name, rubric in (("a", RUBRIC), ("b", renamed), ("c", other))
    ]
    panel = judgefast.run(pairs(), judges=judges, out=tmp_path / "p")
    alike = [words for words in panel.report.findings if "both answer as" in words]
    assert len(alike) == 1
    assert alike[0].startswith("a and b both answer as `")
