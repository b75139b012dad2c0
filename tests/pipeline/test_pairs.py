"""Several answers to a question: which of them are compared, and how a run of few pairs grows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from judgefast.config import RunConfig
from judgefast.errors import ConfigError, RunDirectoryError
from judgefast.pipeline.finished import DryRun
from judgefast.pipeline.item_view import view_item
from judgefast.pipeline.results import read_run
from judgefast.pipeline.stream import stream
from judgefast.reports.text import render
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.judging import by_hash, go_on, judge_rows, start

if TYPE_CHECKING:
    from pathlib import Path


def answered_by(*models: str, name: str) -> dict[str, Any]:
    answers = [{"model": model, "text": f"{model} says {name}"} for model in models]
    return {"id": name, "question": f"What is {name}?", "answers": answers}


SEVERAL = [answered_by(*"abcdef", name=f"q{number}") for number in range(4)]
GAPS = [
    answered_by("a", "base", "b", name="first"),
    answered_by("a", "b", name="without"),
    answered_by("base", "b", "c", "d", name="last"),
    answered_by("a", "c", name="also without"),
]


def test_a_sparse_run_grows_to_all_pairs_and_asks_only_what_is_new(tmp_path: Path) -> None:
    out = tmp_path / "run"
    first = judge_rows(out, SEVERAL, pairs="sparse:2")
    assert first.report.results.counts.planned == 4 * 6 * 2
    assert "(pairwise, both orders, rule strict, pairs sparse:2)" in render(first.report)
    with pytest.raises(RunDirectoryError, match="options: pairs sparse:2 -> all") as caught:
        judge_rows(out, SEVERAL)
    assert caught.value.hint == "name another --out, or let the plan grow with --extend"
    for pairs, asked, planned in [("sparse:3", 24, 72), ("all", 48, 120)]:
        dry = start(out, SEVERAL, pairs=pairs, extend=True, dry_run=True)
        assert isinstance(dry, DryRun)
        assert (dry.planned, dry.to_ask) == (planned, asked)
        engine = ScriptedEngine(by_hash)
        grown = judge_rows(out, SEVERAL, engine=engine, pairs=pairs, extend=True)
        assert len(engine.submitted) == asked
        assert grown.report.results.counts.parsed == planned
    whole = judge_rows(tmp_path / "whole", SEVERAL)
    assert grown.report.results.estimates == whole.report.results.estimates
    with pytest.raises(RunDirectoryError, match="48 requests of the plan"):
        judge_rows(out, SEVERAL, pairs="sparse:3", extend=True)


def test_an_item_without_the_baseline_is_counted_and_not_judged(tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = {"pairs": "baseline", "baseline": "base"}
    engine = ScriptedEngine(by_hash)
    said: list[str] = []
    report = judge_rows(out, GAPS, engine=engine, say=said.append, **options).report
    assert "2 of 4 items have no answer of base: none is judged" in said
    assert len(engine.submitted) == report.results.counts.planned == (2 + 3) * 2
    assert (report.results.without_baseline, report.results.counts.items) == (2, 4)
    words = render(report)
    assert "2 items without an answer of the baseline, not judged" in words
    assert "pairs baseline base" in words
    reading = read_run(out)
    assert set(reading.outcomes.baseline.tolist()) == {0, 1}
    view = view_item(reading, "also without")
    assert (view.judgments, view.outcomes) == ([], [])
    assert go_on(out).report.results == report.results
    with pytest.raises(RunDirectoryError, match="options: pairs baseline base -> baseline b"):
        judge_rows(out, GAPS, pairs="baseline", baseline="b")
    grown = judge_rows(out, GAPS, extend=True, baseline="base")
    assert grown.report.results.counts.planned == (3 + 1 + 6 + 1) * 2
    assert grown.report.results.without_baseline == 0


def test_a_stream_compares_the_same_pairs() -> None:
    options: dict[str, Any] = {"rubric": "pairwise-reasons", "pairs": "baseline"}
    engine = ScriptedEngine(by_hash)
    outcomes = stream(GAPS, engine=engine, window=2, baseline="base", **options)
    compared = sorted((each.item_id, each.candidate_model) for each in outcomes)
    assert compared == [
        ("first", "a"),
        ("first", "b"),
        ("last", "b"),
        ("last", "c"),
        ("last", "d"),
    ]
    with pytest.raises(ConfigError, match="no baseline is named"):
        stream(GAPS, engine=engine, **options)


@pytest.mark.parametrize(
    ("options", "message", "hint"),
    [
        (
            {"pairs": "baseline"},
            "`pairs` is baseline, but no baseline is named",
            "add --baseline MODEL, with whose answers others are compared",
        ),
        (
            {"pairs": "sparse:2", "rubric": "scalar-1-5"},
            "`pairs` is sparse:2, but the rubric `scalar-1-5` compares no two answers",
            "leave `pairs` out: its mode is scalar",
        ),
        (
            {"pairs": "baseline", "baseline": "bass"},
            "no model `bass` to serve as baseline; known: ",
            "did you mean `base`?",
        ),
    ],
)
def test_pairs_that_cannot_be_are_refused(
    options: dict[str, Any], message: str, hint: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError) as caught:
        judge_rows(tmp_path / "run", GAPS, **options)
    assert str(caught.value).startswith(message)
    assert caught.value.hint == hint
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("pairs", ["sparse", "sparse:0", "sparse:x", "sparse:10000", "ALL", ""])
def test_a_design_that_does_not_exist_is_refused_by_the_option(pairs: str) -> None:
    with pytest.raises(ConfigError, match=r"`pairs` is .*; it must be all, baseline, or sparse:K"):
        RunConfig(pairs=pairs)
