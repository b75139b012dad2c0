"""Runs of several aspects that read label probabilities, of some scales or of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

import judgefast
from judgefast.engines.base import Completion, LabelRead
from judgefast.errors import ConfigError
from judgefast.pipeline import tables
from judgefast.pipeline.reread import reread
from judgefast.pipeline.results import read_run, reading_of
from judgefast.pipeline.stream import stream
from tests.engines.scripted import ScriptedEngine, answered, failed
from tests.pipeline.judging import judge_rows
from tests.prompts.aspects import JSON, SCALES, TOGETHER, several

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.batches.request import Request

NAMES = ("clarity", "tone", "truth")
ROWS = [
    {"id": f"q{row}", "question": f"Is {row} even?", "answer": f"{row} is."} for row in range(5)
]
STATUS = {
    "labels": "parsed",
    "text": "parsed",
    "refused": "refused",
    "error": "engine_error",
    "other": "malformed",
}
"""What may come back, and what it is read as."""
MIXED = tuple(STATUS)


def shares_of(aspect: str) -> list[float]:
    """Label probabilities: the higher the score, the likelier."""
    low, high = SCALES[aspect]
    total = sum(range(1, high - low + 2))
    return [weight / total for weight in range(1, high - low + 2)]


def way_of(ways: dict[str, str], item_id: str, aspect: str) -> str:
    """How a judgment is answered; `mixed` differs from item to item."""
    way = ways[aspect]
    return MIXED[(int(item_id[1:]) + len(aspect)) % len(MIXED)] if way == "mixed" else way


def engine_of(ways: dict[str, str]) -> ScriptedEngine:
    def answer(request: Request) -> Completion:
        (question,) = request.questions
        way = way_of(ways, request.item_id, question.aspect)
        if way == "text":
            return answered(request, "1")
        if way == "error":
            return failed(request)
        shares = shares_of(question.aspect) if way == "labels" else [1.0]
        read = LabelRead(0, tuple(np.log(shares).tolist()))
        return Completion(
            request_id=request.request_id,
            attempt=request.attempt,
            lane=0,
            text="",
            finish_reason="refused" if way == "refused" else "stop",
            answers=() if way == "refused" else (read,),
        )

    return ScriptedEngine(answer, label_probabilities=True)


@pytest.mark.parametrize(
    "ways",
    [
        ("labels", "refused", "text"),
        ("text", "labels", "error"),
        ("other", "text", "labels"),
        ("labels", "labels", "labels"),
        ("text", "refused", "error"),
        ("mixed", "mixed", "mixed"),
    ],
    ids=" ".join,
)
def test_probabilities_of_some_aspects_stand_beside_whatever_came_of_the_others(
    ways: tuple[str, ...], tmp_path: Path
) -> None:
    said = dict(zip(NAMES, ways, strict=True))
    rubric = tmp_path / "several.toml"
    rubric.write_text(several(*NAMES), encoding="utf-8")
    options: dict[str, Any] = {"rubric": str(rubric)}
    judge_rows(
        tmp_path / "run",
        ROWS,
        engine=engine_of(said),
        max_unreadable=1.0,
        max_attempts=1,
        **options,
    )
    run = judgefast.Run.open(tmp_path / "run")
    verdicts = {(row["item_id"], row["aspect"]): row for row in run.table("verdicts").to_pylist()}
    scores: dict[tuple[str, str], float | None] = {}
    for place in ((row["id"], name) for row in ROWS for name in NAMES):
        way, (low, high), found = way_of(said, *place), SCALES[place[1]], verdicts[place]
        assert found["status"] == STATUS[way]
        if way == "labels":
            shares = shares_of(place[1])
            assert found["p_labels"] == pytest.approx(shares, abs=1e-6)
            expected = sum((low + n) * share for n, share in enumerate(shares))
            assert found["choice"] == str(high)
        else:
            assert found["p_labels"] is None
            expected = 1
        scores[place] = expected if STATUS[way] == "parsed" else None
        assert found["score"] == pytest.approx(scores[place], abs=1e-6)
    outcomes = run.table("outcomes").to_pylist()
    made = list(stream(iter(ROWS), engine=engine_of(said), window=2, **options))
    for values in (
        {(row["item_id"], row["aspect"]): row["value"] for row in outcomes},
        {(one.item_id, one.aspect): one.value for one in made},
    ):
        assert values == {
            place: None if score is None else pytest.approx(score, abs=1e-6)
            for place, score in scores.items()
        }
    for item in ("q0", "q3"):
        for view in run.show(item).judgments:
            shown = list(view.probabilities.values())
            assert shown == (verdicts[item, view.aspect]["p_labels"] or [])
    counts = run.report.results.counts
    assert counts.parsed == sum(score is not None for score in scores.values())
    # what the first estimate is made from while the run goes on
    reading = read_run(run.path)
    now = reading_of(*reading[:6], reading.table.snapshot()).outcomes
    np.testing.assert_array_equal(now.value, reading.outcomes.value)


def test_a_run_with_probabilities_of_several_scales_is_replayed(tmp_path: Path) -> None:
    rubric = tmp_path / "several.toml"
    rubric.write_text(several(*NAMES), encoding="utf-8")
    options: dict[str, Any] = {"rubric": str(rubric), "max_unreadable": 1.0, "max_attempts": 1}
    ways = {"clarity": "labels", "tone": "text", "truth": "labels"}
    judge_rows(tmp_path / "run", ROWS, engine=engine_of(ways), **options)
    run = judgefast.Run.open(tmp_path / "run")
    again = judgefast.run(ROWS, engine="replay", recorded=run, out=tmp_path / "again", **options)
    for name in ("verdicts", "outcomes"):
        mine, theirs = run.table(name), again.table(name)
        for column in ("status", "score", "p_labels", "value", "p_win", "label_mass"):
            if column in mine.column_names:
                assert mine[column].to_pylist() == theirs[column].to_pylist(), column


def test_probabilities_are_those_of_no_other_labels(tmp_path: Path) -> None:
    """They are kept without the labels' texts; a text says by itself which label it is."""
    labels = [f'{{ text = "{text}", score = {score} }}' for text, score in (("Yes", 1), ("No", 0))]
    names = {"yes": labels, "no": labels[::-1], "more": [*labels, '{ text = "So", score = 0.5 }']}
    for name, own in names.items():
        verdict = f'name = "label"\nlabels = [{", ".join(own)}]'
        text = several("truth", "clarity", verdict=verdict).replace("low = 1", "low = 0")
        (tmp_path / f"{name}.toml").write_text(text, encoding="utf-8")

    def answer(request: Request) -> Completion:
        said = answered(request, "Yes")
        read = LabelRead(0, tuple(np.log([0.75, 0.25]).tolist()))
        return msgspec.structs.replace(said, answers=(read,))

    for probabilities in (True, False):
        run = tmp_path / f"run-{probabilities}"
        engine = ScriptedEngine(
            answer if probabilities else lambda request: answered(request, "Yes"),
            label_probabilities=probabilities,
        )
        judge_rows(run, ROWS, engine=engine, rubric=str(tmp_path / "yes.toml"))
        for name in ("no", "more"):
            other = str(tmp_path / f"{name}.toml")
            if probabilities:
                with pytest.raises(ConfigError, match="than this run did: labels differ"):
                    reread(run, other)
            else:
                assert reread(run, other)[0].readings[1].changed == 0
    replayed: dict[str, Any] = {"engine": "replay", "recorded": tmp_path / "run-True"}
    with pytest.raises(ConfigError, match="holds probabilities of other labels than") as refused:
        judgefast.run(ROWS, rubric=tmp_path / "no.toml", out=tmp_path / "replayed", **replayed)
    assert (
        refused.value.hint == "in the aspect `truth` they are those of `Yes`, `No`, in this order"
    )
    found, after = reread(tmp_path / "run-True", str(tmp_path / "yes.toml"))
    assert found.readings[1].changed == 0
    assert after.outcomes.value.tolist() == [0.75 * 2**24] * len(ROWS) * 2


def test_the_table_of_verdicts_looks_at_the_whole_plan_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rubric = tmp_path / "together.toml"
    rubric.write_text(several(*NAMES, template=TOGETHER, verdict=JSON), encoding="utf-8")
    engine = ScriptedEngine(lambda request: answered(request, '{"tone": {"score": 2}}'))
    judge_rows(tmp_path / "run", ROWS, engine=engine, rubric=str(rubric), max_unreadable=1.0)
    monkeypatch.setattr(tables, "BATCH_ROWS", 2)
    looks: list[int] = []
    real = tables.question_of

    def counted(plan: Any) -> Any:
        looks.append(len(plan.item))
        return real(plan)

    monkeypatch.setattr(tables, "question_of", counted)
    rows = judgefast.Run.open(tmp_path / "run").table("verdicts").to_pylist()
    assert [(row["aspect"], row["question"]) for row in rows] == [
        (name, place) for _ in ROWS for place, name in enumerate(NAMES)
    ]
    assert looks == [len(ROWS) * len(NAMES)]
