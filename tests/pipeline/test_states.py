"""Runs of engines that take a state: all questions at once, each answered by itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import judgefast
from judgefast.codes import Status
from judgefast.config import RunConfig
from judgefast.engines.base import Completion
from judgefast.journal.recordings import recorded_rows
from judgefast.pipeline.plan_report import plan_report
from judgefast.pipeline.results import read_run, read_run_by, report_of
from judgefast.pipeline.stream import stream
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.deciding import by_state, deciding
from tests.pipeline.judging import attempts_of, go_on, judge_rows, pairs, start
from tests.prompts.aspects import CRITERIA, SCALES, several

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.prompts.questions import Question

NAMES = ("clarity", "tone", "truth")
ROWS = [
    {"id": f"q{row}", "question": f"Is {row} even?", "answer": f"{row} is."} for row in range(6)
]


@pytest.fixture
def rubric(tmp_path: Path) -> str:
    path = tmp_path / "several.toml"
    path.write_text(several(*NAMES), encoding="utf-8")
    return str(path)


def by_aspect(**said: Any) -> Any:
    """What becomes of each aspect's question; by the state where nothing is said."""

    def opinion(request: Request, question: Question) -> Any:
        return said.get(question.aspect) or by_state(request, question)

    return opinion


def table_of(out: Path) -> dict[tuple[str, str], dict[str, Any]]:
    verdicts = judgefast.Run.open(out).table("verdicts").to_pylist()
    return {(row["item_id"], row["aspect"]): row for row in verdicts}


def test_all_aspects_of_a_state_are_one_request_and_each_is_read_by_its_own_scale(
    rubric: str, tmp_path: Path
) -> None:
    engine = deciding()
    out = tmp_path / "run"
    finished = judge_rows(out, ROWS, engine=engine, rubric=rubric)
    assert finished.status == 0
    assert len(engine.submitted) == len(ROWS)
    for _, request in engine.submitted:
        assert [each.aspect for each in request.questions] == list(NAMES)
        assert [each.instructions for each in request.questions] == [CRITERIA[x] for x in NAMES]
        assert len(request.keys) == len(set(request.keys)) == len(NAMES)
    asked = {request.item_id: request for _, request in engine.submitted}
    found = table_of(out)
    assert len(found) == len(ROWS) * len(NAMES)
    for (item, aspect), row in found.items():
        place = NAMES.index(aspect)
        assert (row["status"], row["question"]) == ("parsed", place)
        assert row["key"] == asked[item].keys[place]
        shares = by_state(asked[item], asked[item].questions[place])
        leaning = [0.8 * p for p in shares]
        leaning[0] += 0.2
        assert row["p_labels"] == pytest.approx(leaning, abs=1e-6)
        low = SCALES[aspect][0]
        assert row["score"] == pytest.approx(sum((low + n) * p for n, p in enumerate(leaning)))


def test_plan_dry_run_and_stream_ask_what_the_run_asks(rubric: str, tmp_path: Path) -> None:
    dry = start(tmp_path / "dry", ROWS, engine=deciding(), rubric=rubric, dry_run=True)
    config = RunConfig(rubric=rubric)
    planned = plan_report(config, data=ROWS, engine=deciding(), lint=True)
    judge_rows(tmp_path / "run", ROWS, engine=deciding(), rubric=rubric)
    assert (dry.requests, dry.planned) == (6, 18)
    assert (planned.requests.requests, planned.requests.judgments) == (6, 18)
    assert dry.digest == planned.digest
    engine = deciding()
    streamed = {
        (one.item_id, one.aspect): one.value
        for one in stream(ROWS, engine=engine, rubric=rubric, window=4)
    }
    assert len(engine.submitted) == 6
    outcomes = judgefast.Run.open(tmp_path / "run").table("outcomes").to_pylist()
    assert streamed == {(row["item_id"], row["aspect"]): row["value"] for row in outcomes}


@pytest.mark.parametrize("way", ["refused", "malformed", "absent"])
def test_a_question_without_an_answer_says_so_and_its_text_is_never_a_verdict(
    way: str, rubric: str, tmp_path: Path
) -> None:
    """What is kept of a reply is full of digits and of letters that are labels."""
    out = tmp_path / "run"
    opinion = by_aspect(tone=way)
    live = judge_rows(out, ROWS, engine=deciding(opinion), rubric=rubric, max_unreadable=1.0)
    expected = "refused" if way == "refused" else "malformed"
    assert live.report is not None
    assert live.report.results.counts.unparsed == {expected: 6}
    found = table_of(out)
    for (_, aspect), row in found.items():
        assert row["status"] == (expected if aspect == "tone" else "parsed")
        assert (row["p_labels"] is None) == (aspect == "tone")
    # as read again, from the open journal and from the sealed one, and by a replay of the run
    assert Counter(read_run(out).verdicts.status.tolist()) == {
        Status.PARSED: 12,
        Status[expected.upper()]: 6,
    }
    again = tmp_path / "again"
    config: Any = {"engine": "replay", "recorded": str(out), "rubric": rubric}
    replayed = judgefast.run(ROWS, out=again, max_unreadable=1.0, **config)
    assert replayed.report.results.counts.unparsed == {expected: 6}
    assert table_of(again).keys() == found.keys()
    assert all(row["text"] == "" for row in recorded_rows(out))


@pytest.mark.parametrize("way", ["malformed", "absent"])
def test_by_another_rubric_a_question_without_an_answer_stays_without_a_verdict(
    way: str, rubric: str, tmp_path: Path
) -> None:
    """What is kept is no judge's words there either."""
    out, other = tmp_path / "run", tmp_path / "other.toml"
    judge_rows(out, ROWS, engine=deciding(by_aspect(tone=way)), rubric=rubric, max_unreadable=1.0)
    text = several(*NAMES).replace('name = "several"', 'name = "other"')
    assert "weight = 2" in text
    other.write_text(text.replace("weight = 2", "weight = 5"), encoding="utf-8")
    own, beside = read_run_by(out, [None, str(other)])
    assert beside.rubric.name == "other"
    for reading in (own, beside):
        assert Counter(reading.verdicts.status.tolist()) == {
            Status.PARSED: 12,
            Status.MALFORMED: 6,
        }
        assert np.isnan(reading.verdicts.label_mass).all()
    assert beside.verdicts.p_labels is not None
    assert np.array_equal(own.verdicts.score, beside.verdicts.score, equal_nan=True)
    assert report_of(beside).results.counts == report_of(own).results.counts


def test_labels_of_a_pair_in_the_kept_text_are_no_verdict(tmp_path: Path) -> None:
    """One question and no answer at all: only its text is there, and it is a label."""

    def answer(request: Request) -> Completion:
        return Completion(
            request_id=request.request_id, attempt=1, lane=0, text="A", finish_reason="stop"
        )

    engine = ScriptedEngine(answer)
    engine.capabilities = deciding().capabilities
    finished = judge_rows(tmp_path / "run", pairs(2), engine=engine, max_unreadable=1.0)
    assert finished.report is not None
    assert finished.report.results.counts.unparsed == {"malformed": 4}
    streamed = list(stream(pairs(2), engine=engine, rubric="pairwise"))
    assert {judged.status for one in streamed for judged in one.judgments} == {"malformed"}


@pytest.mark.parametrize("kind", ["unsupported", "invalid"])
def test_what_cannot_be_asked_fails_once_and_is_asked_again_where_that_is_said(
    kind: Any, rubric: str, tmp_path: Path
) -> None:
    def answer(request: Request) -> Completion:
        return Completion(
            request_id=request.request_id,
            attempt=request.attempt,
            lane=0,
            text="",
            finish_reason="error",
            error_kind=kind,
            error=f"{kind}: no more than 26 options",
        )

    out = tmp_path / "run"
    engine = ScriptedEngine(answer)
    engine.capabilities = deciding().capabilities
    first = judge_rows(out, ROWS, engine=engine, rubric=rubric, max_attempts=3)
    assert first.status == 3
    assert first.report is not None
    assert first.report.results.counts.failed == {kind: 18}
    assert {row["attempt"] for row in attempts_of(out)} == {1}
    assert {row["error_kind"] for row in attempts_of(out)} == {kind}
    better = deciding()
    assert go_on(out, engine=better).status == 3
    assert not better.submitted
    assert go_on(out, engine=better, retry=("failed",)).status == 0
    assert len(better.submitted) == 6


def test_a_judge_that_knows_nothing_but_the_labels_has_no_label_mass(
    rubric: str, tmp_path: Path
) -> None:
    for label_mass in (False, True):
        out = tmp_path / f"run-{label_mass}"
        judge_rows(out, pairs(4), engine=deciding(label_mass=label_mass))
        reading = read_run(out)
        results = report_of(reading).results
        assert (results.label_mass is not None) == label_mass
        options = reading.directory.manifest.options
        assert options.get("label_mass", True) == label_mass
        for table in ("verdicts", "outcomes"):
            rows = judgefast.Run.open(out).table(table).to_pylist()
            assert all((row["label_mass"] is not None) == label_mass for row in rows)
        wins = judgefast.Run.open(out).table("outcomes").column("p_win").to_pylist()
        assert not np.isnan(np.array(wins, float)).any()
        replayed = judgefast.run(
            pairs(4),
            out=tmp_path / f"again-{label_mass}",
            rubric="pairwise",
            recorded=str(out),
            engine="replay",
        )
        assert (replayed.report.results.label_mass is not None) == label_mass


def test_values_do_not_depend_on_what_the_labels_sum_to(tmp_path: Path) -> None:
    outcomes = []
    for label_mass in (False, True):
        out = tmp_path / f"run-{label_mass}"
        judge_rows(out, pairs(6), engine=deciding(label_mass=label_mass))
        rows = judgefast.Run.open(out).table("outcomes").drop_columns(["label_mass"])
        outcomes.append(rows.to_pylist())
    assert outcomes[0] == outcomes[1]
