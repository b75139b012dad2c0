"""Prompts that are too long, in a run: refused in the plan, or judged by shortened answers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from judgefast.datasets.items import text_hash
from judgefast.datasets.rows import items_of, iter_rows
from judgefast.errors import ConfigError, RunDirectoryError
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.item_view import view_item
from judgefast.pipeline.prompts import prompt_of
from judgefast.pipeline.results import read_run
from judgefast.pipeline.stream import stream
from judgefast.prompts.truncation import MARK
from judgefast.reports.show import render_item
from judgefast.reports.text import render
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.judging import by_hash, go_on, judge_rows, pairs
from tests.prompts.marked import TEMPLATES, marked

if TYPE_CHECKING:
    from pathlib import Path


WORDS = "one two three four " * 400
ROWS: list[dict[str, Any]] = [
    *pairs(2),
    pairs(3, answer_a=WORDS, answer_b="It is. " * 300)[2],
    pairs(4, question="Why? " * 2000)[3],
]
BALANCED: dict[str, Any] = {"rubric": "pairwise-reasons", "truncate": "balanced"}


def engine_of(context: int | None = 1500) -> ScriptedEngine:
    engine = ScriptedEngine(by_hash, takes="ids")
    model = marked(TEMPLATES["off_by_default"])
    engine.model = msgspec.structs.replace(model, context_tokens=context)
    return engine


def test_a_run_says_what_it_has_shortened_and_keeps_the_whole(tmp_path: Path) -> None:
    out, engine, said = tmp_path / "run", engine_of(), []
    report = judge_rows(out, ROWS, engine=engine, say=said.append, **BALANCED).report
    results = report.results
    assert (results.truncated_items, results.truncated_judgments) == (1, 2)
    assert results.counts.failed == {"too_long": 2}, "a question is never shortened"
    left_out = results.truncated_tokens // 2
    words = f"answers of 1 item, for length: {2 * left_out:,} tokens of 2 judgments not shown"
    assert words in " ".join(render(report).split())
    assert [each for each in said if "judged by shortened answers" in each]
    assert len(engine.submitted) == 6
    marked = [each for _, each in engine.submitted if each.prompt and MARK in each.prompt.text]
    assert {each.item_id for each in marked} == {"item-2"}
    for each in marked:
        assert each.prompt is not None
        assert each.prompt.token_ids is not None
        assert len(each.prompt.token_ids) + each.decoding.most_tokens <= 1500
        again = prompt_of(out, each.request_id, engine=engine_of())
        assert again is not None
        assert again.text == each.prompt.text
    kept = {item.item_id: item for batch in iter_rows(out) for item in items_of(batch)}
    assert kept["item-2"].answers[0].text == WORDS
    assert kept["item-2"].answers[0].sha256 == text_hash(WORDS)
    counts = RunDirectory.open(out, write=False).plan_counts
    assert counts["truncated_tokens"] == 2 * left_out
    reading = read_run(out)
    by_item = {name: view_item(reading, name) for name in kept}
    assert [each.left_out for each in by_item["item-2"].judgments] == [left_out, left_out]
    assert not any(each.left_out for each in by_item["item-0"].judgments)
    shown = render_item(by_item["item-2"])
    assert f"the judge saw these answers shortened, by {left_out:,} tokens in all" in shown
    assert "shortened" not in render_item(by_item["item-0"])
    assert go_on(out, engine=engine_of()).report.results == results


def test_without_it_what_is_too_long_is_counted_and_another_run(tmp_path: Path) -> None:
    out = tmp_path / "run"
    whole = judge_rows(out, ROWS, engine=engine_of(), rubric="pairwise-reasons").report
    assert whole.results.counts.failed == {"too_long": 4}
    assert whole.results.truncated_items == 0
    assert "shortened" not in render(whole)
    with pytest.raises(RunDirectoryError, match="options: truncate null -> balanced"):
        judge_rows(out, ROWS, engine=engine_of(), **BALANCED)


def test_a_stream_says_of_each_window_what_it_has_shortened(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = engine_of()
    with caplog.at_level(logging.INFO, "judgefast"):
        made = list(stream(ROWS, engine=engine, window=2, **BALANCED))
    left_out = [each.prompt.text.count(MARK) for _, each in engine.submitted if each.prompt]
    assert sorted(left_out) == [0, 0, 0, 0, 2, 2]
    assert len(made) == 4
    told = [each.getMessage() for each in caplog.records if "shortened" in each.getMessage()]
    [words] = told
    assert words.startswith("window 1: 1 item judged by shortened answers: ")
    assert words.endswith(" tokens of 2 judgments not shown")


def test_a_longer_context_is_another_run_where_answers_are_shortened(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge_rows(out, ROWS[:2], engine=engine_of(), **BALANCED)
    with pytest.raises(RunDirectoryError, match="rubric: prompt_hash "):
        judge_rows(out, ROWS[:2], engine=engine_of(1600), **BALANCED)


def test_it_is_refused_before_anything_is_made_where_nobody_can_count(tmp_path: Path) -> None:
    for engine, words in (
        (ScriptedEngine(by_hash), "takes no token ids"),
        (engine_of(None), "context, which is not known"),
    ):
        with pytest.raises(ConfigError, match=words):
            judge_rows(tmp_path / "run", ROWS, engine=engine, **BALANCED)
        assert not (tmp_path / "run").exists()
