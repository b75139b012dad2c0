"""Runs that ask several aspects, one by one and all in one answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import judgefast
from judgefast.engines.base import Completion, LabelRead
from judgefast.errors import ConfigError, DataError
from judgefast.pipeline.audit import audit
from judgefast.pipeline.reread import reread
from judgefast.pipeline.stream import stream
from tests.engines.scripted import ScriptedEngine, answered
from tests.pipeline.judging import judge_rows
from tests.prompts.aspects import JSON, SCALES, TOGETHER, several

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.batches.request import Request

NAMES = ("clarity", "tone", "truth")
ROWS = [
    {"id": f"q{row}", "question": f"Is {row} even?", "answer": f"{row} is."} for row in range(6)
]


def rubric_file(folder: Path, *names: str, **parts: str) -> str:
    path = folder / f"{'-'.join((*names, *parts))}.toml"
    path.write_text(several(*names, **parts), encoding="utf-8")
    return str(path)


def score_of(item_id: str, aspect: str) -> int:
    """What is said of an aspect, on its own scale."""
    low, high = SCALES[aspect]
    return low + (int(item_id[1:]) + len(aspect)) % (high - low + 1)


def by_label(request: Request) -> Completion:
    (question,) = request.questions
    score = str(score_of(request.item_id, question.aspect))
    assert score in [label.text for label in request.decoding.labels or ()] or not (
        request.decoding.labels
    )
    return answered(request, score)


def by_member(request: Request) -> Completion:
    """All aspects, but for the truth of every third item."""
    said: dict[str, Any] = {
        question.aspect: {
            "score": score_of(request.item_id, question.aspect),
            "reason": f"{question.aspect} of {request.item_id}",
        }
        for question in request.questions
    }
    if int(request.item_id[1:]) % 3 == 0:
        del said["truth"]
    return answered(request, json.dumps(said))


def verdicts(path: Path) -> dict[tuple[str, str], tuple[str, float | None]]:
    rows = judgefast.Run.open(path).table("verdicts").to_pylist()
    return {(row["item_id"], row["aspect"]): (row["status"], row["score"]) for row in rows}


def keys(path: Path) -> dict[str, set[str]]:
    rows = judgefast.Run.open(path).table("verdicts").to_pylist()
    return {name: {row["key"] for row in rows if row["aspect"] == name} for name in NAMES}


def test_aspects_asked_one_by_one_are_read_each_on_its_own_scale(tmp_path: Path) -> None:
    engine = ScriptedEngine(by_label)
    rubric = rubric_file(tmp_path, *NAMES)
    judge_rows(tmp_path / "run", ROWS, engine=engine, rubric=rubric)
    assert verdicts(tmp_path / "run") == {
        (row["id"], name): ("parsed", score_of(row["id"], name)) for row in ROWS for name in NAMES
    }
    assert len(engine.submitted) == len(ROWS) * 3
    groups: dict[str, set[int]] = {row["id"]: set() for row in ROWS}
    for _, request in engine.submitted:
        groups[request.item_id].add(request.prefix_group)
    assert all(len(each) == 1 for each in groups.values()), "they share all but the aspect"
    outcomes = judgefast.Run.open(tmp_path / "run").table("outcomes").to_pylist()
    assert {(each["item_id"], each["aspect"]): each["value"] for each in outcomes} == {
        (row["id"], name): score_of(row["id"], name) for row in ROWS for name in NAMES
    }
    streamed = stream(iter(ROWS), rubric=rubric, engine=ScriptedEngine(by_label), window=4)
    assert {(each.item_id, each.aspect): each.value for each in streamed} == {
        (each["item_id"], each["aspect"]): each["value"] for each in outcomes
    }


def test_another_aspect_changes_no_key_of_those_before(tmp_path: Path) -> None:
    for names in (NAMES[:2], NAMES, ("truth", *NAMES[:2])):
        rubric = rubric_file(tmp_path, *names)
        out = tmp_path / "-".join(names) / "run"
        judge_rows(out, ROWS, engine=ScriptedEngine(by_label), rubric=rubric)
    two, three, turned = (
        keys(tmp_path / "-".join(names) / "run")
        for names in (NAMES[:2], NAMES, ("truth", *NAMES[:2]))
    )
    assert all(two[name] == three[name] for name in NAMES[:2])
    assert three == turned
    assert not two["truth"]


def test_probabilities_of_a_short_scale_stand_beside_those_of_a_long_one(tmp_path: Path) -> None:
    def by_probability(request: Request) -> Completion:
        shares = np.arange(1, len(request.decoding.labels) + 1, dtype=np.float64)
        logprobs = tuple(np.log(shares / shares.sum()).tolist())
        read = LabelRead(question=0, logprobs=logprobs)
        return Completion(
            request_id=request.request_id,
            attempt=request.attempt,
            lane=0,
            text="1",
            finish_reason="stop",
            answers=(read,),
        )

    rubric = rubric_file(tmp_path, *NAMES)
    engine = ScriptedEngine(by_probability, label_probabilities=True)
    judge_rows(tmp_path / "run", ROWS, engine=engine, rubric=rubric)
    rows = judgefast.Run.open(tmp_path / "run").table("outcomes").to_pylist()
    for name in NAMES:
        low, high = SCALES[name]
        weights = range(1, high - low + 2)
        expected = sum((low + n) * w for n, w in enumerate(weights)) / sum(weights)
        found = [row["value"] for row in rows if row["aspect"] == name]
        assert found == pytest.approx([expected] * len(ROWS), abs=1e-6)
    view = judgefast.Run.open(tmp_path / "run").show("q0")
    assert [list(each.probabilities) for each in view.judgments] == [
        ["1", "2", "3"], ["1", "2", "3", "4", "5"], ["0", "1"],
    ]  # fmt: skip


def test_an_empty_answer_gets_the_lowest_score_of_each_scale(tmp_path: Path) -> None:
    rows = [ROWS[0], {**ROWS[1], "answer": ""}]
    engine = ScriptedEngine(by_label)
    rubric = rubric_file(tmp_path, *NAMES)
    judge_rows(tmp_path / "run", rows, engine=engine, rubric=rubric, on_empty="lose")
    assert {request.item_id for _, request in engine.submitted} == {"q0"}
    outcomes = judgefast.Run.open(tmp_path / "run").table("outcomes").to_pylist()
    found = {row["aspect"]: row["value"] for row in outcomes if row["item_id"] == "q1"}
    assert found == {name: SCALES[name][0] for name in NAMES}


def together(folder: Path, **parts: str) -> str:
    return rubric_file(folder, *NAMES, template=TOGETHER, verdict=JSON, **parts)


def test_one_answer_holds_the_verdicts_of_all_aspects(tmp_path: Path) -> None:
    engine = ScriptedEngine(by_member)
    rubric = together(tmp_path)
    judge_rows(tmp_path / "run", ROWS, engine=engine, rubric=rubric)
    assert len(engine.submitted) == len(ROWS)
    for _, request in engine.submitted:
        assert [question.aspect for question in request.questions] == list(NAMES)
        assert len(set(request.keys)) == 3
        assert request.keys[0] == request.request_id
    expected: dict[tuple[str, str], tuple[str, float | None]] = {
        (row["id"], name): ("parsed", score_of(row["id"], name)) for row in ROWS for name in NAMES
    }
    expected |= {(f"q{row}", "truth"): ("no_verdict", None) for row in (0, 3)}
    assert verdicts(tmp_path / "run") == expected
    run = judgefast.Run.open(tmp_path / "run")
    table = run.table("verdicts").to_pylist()
    assert {(row["aspect"], row["question"]) for row in table} == set(
        zip(NAMES, range(3), strict=True)
    )
    counts = run.report.results.counts
    assert (counts.planned, counts.parsed, counts.unparsed) == (18, 16, {"no_verdict": 2})
    assert "one verdict colours the next (halo)" in run.report.results.findings[-1]
    rows = run.table().to_pylist()
    reasons = {(row["item_id"], row["aspect"]): row["forward_reason"] for row in rows}
    assert reasons["q1", "tone"] == "tone of q1"
    assert reasons["q0", "truth"] is None
    made = list(stream(iter(ROWS), rubric=rubric, engine=ScriptedEngine(by_member), window=4))
    assert {(each.item_id, each.aspect): each.value for each in made} == {
        place: score for place, (_, score) in expected.items()
    }


def test_an_answer_that_is_asked_for_again_counts_for_all_its_aspects(tmp_path: Path) -> None:
    engine = ScriptedEngine(by_member)
    judge_rows(tmp_path / "run", ROWS, engine=engine, rubric=together(tmp_path))

    def now_whole(request: Request) -> Completion:
        members = {question.aspect: {"score": 1} for question in request.questions}
        return answered(request, json.dumps(members))

    again = ScriptedEngine(now_whole)
    judge_rows(tmp_path / "run", ROWS, engine=again, rubric=together(tmp_path), retry=("unparsed",))
    assert {request.item_id for _, request in again.submitted} == {"q0", "q3"}
    found = verdicts(tmp_path / "run")
    assert [found["q0", name] for name in NAMES] == [("parsed", 1)] * 3
    assert found["q1", "tone"] == ("parsed", score_of("q1", "tone"))


@pytest.mark.parametrize("way", ["alone", "together"])
def test_a_run_of_several_aspects_is_replayed(way: str, tmp_path: Path) -> None:
    rubric = together(tmp_path) if way == "together" else rubric_file(tmp_path, *NAMES)
    answer = by_member if way == "together" else by_label
    judge_rows(tmp_path / "run", ROWS, engine=ScriptedEngine(answer), rubric=rubric)
    judgefast.run(
        ROWS,
        engine="replay",
        rubric=rubric,
        out=tmp_path / "again",
        recorded=judgefast.Run.open(tmp_path / "run"),
    )
    assert verdicts(tmp_path / "again") == verdicts(tmp_path / "run")


def test_recorded_scores_are_those_of_the_aspect_that_they_name(tmp_path: Path) -> None:
    recorded = [
        {"id": row["id"], "answer": row["answer"], "shown": [0], "aspect": name,
         "score": score_of(row["id"], name)}
        for row in ROWS for name in NAMES
    ]  # fmt: skip
    judgefast.run(
        ROWS,
        engine="replay",
        rubric=rubric_file(tmp_path, *NAMES),
        out=tmp_path / "run",
        recorded=recorded,
    )
    assert verdicts(tmp_path / "run")["q4", "tone"] == ("parsed", score_of("q4", "tone"))
    long = tmp_path / "long.toml"
    long.write_text(several(*NAMES).replace("high = 3", "high = 10"), encoding="utf-8")
    judgefast.run(ROWS, engine="replay", rubric=long, out=tmp_path / "long", recorded=recorded)
    of_truth = {
        place: said for place, said in verdicts(tmp_path / "long").items() if place[1] == "truth"
    }
    assert {score for _, score in of_truth.values()} == {0, 1}, "0 is on no scale but this one"
    with pytest.raises(DataError, match="a bare score is one verdict, and the rubric asks for"):
        judgefast.run(
            ROWS, engine="replay", rubric=together(tmp_path), out=tmp_path / "no", recorded=recorded
        )


def test_other_weights_and_another_way_to_read_ask_nothing_anew(tmp_path: Path) -> None:
    rubric = rubric_file(tmp_path, *NAMES)
    judge_rows(tmp_path / "run", ROWS, engine=ScriptedEngine(by_label), rubric=rubric)
    other = tmp_path / "other.toml"
    text = several(*NAMES, verdict='name = "label"\nlenient = true')
    other.write_text(text.replace("weight = 2", "weight = 5"), encoding="utf-8")
    assert reread(tmp_path / "run", str(other))[0].readings[1].changed == 0
    other.write_text(text.replace("friendly", "polite"), encoding="utf-8")
    with pytest.raises(ConfigError, match="asks something else than this run did: aspects differ"):
        reread(tmp_path / "run", str(other))


def test_a_file_of_outputs_is_read_by_one_aspect(tmp_path: Path) -> None:
    rubric = rubric_file(tmp_path, *NAMES)
    path = tmp_path / "outputs.jsonl"
    said = [("clarity", "3"), ("tone", "5"), ("tone", "1"), ("truth", "0")]
    rows = [json.dumps({"text": text, "aspect": name}) for name, text in said]
    path.write_text("\n".join(rows), encoding="utf-8")
    how: dict[str, Any] = {
        "rubric": rubric, "mapping": {}, "skip_bad": False, "level": 0.95, "max_row_bytes": 10**6
    }  # fmt: skip
    with pytest.raises(ConfigError, match="has 3 aspects, which are read each by its own format"):
        audit([str(path)], **how)
    with pytest.raises(ConfigError, match="has no aspect `tune`; there is clarity, tone, truth"):
        audit([str(path)], aspect="tune", **how)
    found = audit([str(path)], aspect="tone", **how)
    assert (found.rows, [each.outcome for each in found.outcomes]) == (2, ["1", "5"])
