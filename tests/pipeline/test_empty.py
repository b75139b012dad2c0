"""`--on-empty`, from the row to the headline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.errors import DataError
from judgefast.pipeline.results import read_run
from judgefast.pipeline.stream import stream
from judgefast.reports.console import Look
from judgefast.reports.text import render
from tests.engines.scripted import ScriptedEngine, answered
from tests.pipeline.judging import judge_rows, pairs, results_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

    Cli = Callable[..., tuple[int, str, str]]


def rows() -> list[dict[str, Any]]:
    """Item 0: `right` is empty; item 1: `wrong`; item 2: both; item 3: none."""
    made = pairs(4)
    made[0]["answer_a"] = made[1]["answer_b"] = " \n"
    made[2]["answer_a"] = made[2]["answer_b"] = ""
    return made


def right_wins(request: Request) -> Completion:
    return answered(request, "A" if request.shown == (0, 1) else "B")


def values(out: Path) -> dict[str, float | None]:
    """Value of the candidate, which is `wrong`, by item."""
    reading = read_run(out)
    ids = reading.items.item_id.to_pylist()
    return {
        ids[item]: None if status else value / (1 << 24)
        for item, value, status in zip(
            reading.outcomes.item.tolist(),
            reading.outcomes.value.tolist(),
            reading.outcomes.status.tolist(),
            strict=True,
        )
    }


def test_by_default_an_empty_answer_is_an_error_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="answer_a"):
        judge_rows(tmp_path / "run", rows())
    assert not (tmp_path / "run").exists()


def test_lose_gives_the_loss_without_asking(tmp_path: Path) -> None:
    engine = ScriptedEngine(right_wins)
    finished = judge_rows(tmp_path / "run", rows(), engine=engine, on_empty="lose")
    assert finished.status == 0
    assert {request.item_id for _, request in engine.submitted} == {"item-3"}
    assert values(tmp_path / "run") == {"item-0": 1.0, "item-1": 0.0, "item-2": 0.5, "item-3": 0.0}
    results = results_of(tmp_path / "run")
    assert results.counts.not_judged == {"not_needed": 6}
    assert results.counts.parsed == 2
    assert results.empty_answers == {"right": 2, "wrong": 2}
    assert results.lost_by_empty == 3, "comparisons, not judgments"


def test_judge_asks_all_the_same(tmp_path: Path) -> None:
    engine = ScriptedEngine(right_wins)
    judge_rows(tmp_path / "run", rows(), engine=engine, on_empty="judge")
    assert len(engine.submitted) == 7, "both orders of two empty answers say the same"
    results = results_of(tmp_path / "run")
    assert (results.counts.parsed, results.lost_by_empty) == (8, 0)
    assert results.empty_answers == {"right": 2, "wrong": 2}


def test_skip_counts_the_row_and_the_model(tmp_path: Path) -> None:
    judge_rows(tmp_path / "run", rows(), right_wins, on_empty="skip")
    results = results_of(tmp_path / "run")
    assert (results.counts.read, results.counts.items) == (4, 1)
    assert sum(results.counts.skipped.values()) == 3
    assert results.empty_answers == {"right": 2, "wrong": 2}


@pytest.mark.parametrize("on_empty", ["judge", "lose", "skip"])
def test_empty_answers_are_shown_on_the_first_screen(on_empty: str, tmp_path: Path) -> None:
    finished = judge_rows(tmp_path / "run", rows(), right_wins, on_empty=on_empty)
    assert finished.report is not None
    screen = "\n".join(render(finished.report, Look(width=100)).splitlines()[:24])
    assert "2 right, 2 wrong" in screen, screen


def test_an_empty_single_answer_loses_with_the_lowest_score(tmp_path: Path) -> None:
    singles = [
        {"id": "full", "question": "Why?", "answer": "Because.", "model": "m"},
        {"id": "empty", "question": "How?", "answer": "", "model": "m"},
    ]
    out = tmp_path / "run"
    judge_rows(
        out,
        singles,
        lambda r: answered(r, "4"),
        rubric="scalar-1-5",
        on_empty="lose",
    )
    assert values(out) == {"full": 4.0, "empty": 1.0}
    assert results_of(out).counts.not_judged == {"not_needed": 1}


def test_a_stream_of_empty_answers_alone_ends() -> None:
    made = pairs(50)
    for row in made:
        row["answer_b"] = ""
    engine = ScriptedEngine(right_wins)
    outcomes = list(
        stream(made, rubric="pairwise", engine=engine, window=5, on_empty="lose")  # type: ignore[arg-type]  # a double is an engine
    )
    assert [outcome.value for outcome in outcomes] == [0.0] * 50
    assert engine.submitted == []
    assert engine.closed


def test_the_command_says_it_too(cli: Cli, tmp_path: Path) -> None:
    recorded = tmp_path / "recorded.jsonl"
    lines = [row | {"order": order, "text": "C"} for row in rows() for order in ("ab", "ba")]
    recorded.write_text("".join(json.dumps(line) + "\n" for line in lines))
    line = ["run", "--engine", "replay", "--recorded", recorded, "--rubric", "pairwise"]
    status, _, err = cli(*line, "--out", "run")
    assert status == 2
    assert err.startswith("error: ")
    status, stdout, err = cli(*line, "--out", "run", "--on-empty", "lose")
    assert status == 0, err
    assert "2 right, 2 wrong" in stdout


def test_where_only_empty_answers_count_the_report_says_so(cli: Cli, tmp_path: Path) -> None:
    recorded = tmp_path / "recorded.jsonl"
    recorded.write_text('{"id": "nobody", "order": "ab", "text": "A"}\n')
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows()))
    line = ["run", data, "--engine", "replay", "--recorded", recorded, "--rubric", "pairwise"]
    status, stdout, err = cli(*line, "--out", "run", "--on-empty", "lose")
    assert status == 3, err
    assert "No verdict was read: the numbers below are of empty answers alone." in stdout
    assert "nothing to estimate" not in stdout
