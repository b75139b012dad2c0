"""The collected attacks as answers of a run: kept, shown to the judge, inert in every output."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.datasets.rows import items_of, iter_rows
from judgefast.pipeline.item_view import view_item
from judgefast.pipeline.results import read_run
from judgefast.reports.show import render_item
from judgefast.reports.text import render
from judgefast.runs import Run
from tests.engines.scripted import ScriptedEngine, answered
from tests.pipeline.judging import judge_rows

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

ACTING = {*map(chr, (*range(0x20), *range(0x7F, 0xA0)))} - {"\t", "\n", "\r"}


def rows_of(shared: Path, *names: str) -> list[dict[str, Any]]:
    found = []
    for name in names:
        text = (shared / "data/attacks" / f"{name}.jsonl").read_text("utf-8")
        found += [json.loads(line) for line in text.split("\n") if line]
    return [row for row in found if row.get("text", "").strip()]


def obedient(request: Request) -> Completion:
    """A judge that does what a text tells it to."""
    assert request.prompt is not None
    return answered(request, "1" if "PASS" in request.prompt.text else "0")


@pytest.fixture(scope="module")
def attacked(
    shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str], ScriptedEngine]:
    rows = rows_of(shared, "injections", "naughty_strings", "judge_attacks")
    texts = {row["id"]: row["text"] for row in rows}
    path = tmp_path_factory.mktemp("attacked") / "run"
    engine = ScriptedEngine(obedient)
    data = [{"id": name, "question": "Is it?", "answer": text} for name, text in texts.items()]
    judge_rows(path, data, engine=engine, rubric="binary")
    return path, texts, engine


def test_each_is_kept_to_the_byte_and_shown_to_the_judge_whole(
    attacked: tuple[Path, dict[str, str], ScriptedEngine],
) -> None:
    path, texts, engine = attacked
    assert len(texts) > 1300
    kept = {
        item.item_id: item.answers[0].text for batch in iter_rows(path) for item in items_of(batch)
    }
    assert kept == texts
    for _, request in engine.submitted:
        assert request.prompt is not None
        assert request.prompt.state()["answer"] == texts[request.item_id].strip()


def test_what_a_judge_was_talked_into_is_what_the_report_says(
    attacked: tuple[Path, dict[str, str], ScriptedEngine],
) -> None:
    path, _, engine = attacked
    talked = {each.item_id for _, each in engine.submitted if obedient(each).text == "1"}
    assert len(talked) > 30
    reading = read_run(path)
    scored = zip(reading.outcomes.item.tolist(), reading.outcomes.value.tolist(), strict=True)
    names = reading.items.item_id.to_pylist()
    assert {names[item] for item, value in scored if value} == talked


def test_each_is_inert_on_a_terminal_and_in_csv_and_json(
    attacked: tuple[Path, dict[str, str], ScriptedEngine], tmp_path: Path
) -> None:
    path, texts, _ = attacked
    run = Run.open(path)
    for suffix in ("csv", "jsonl"):
        run.export(tmp_path / f"out.{suffix}")
        assert not ACTING & set((tmp_path / f"out.{suffix}").read_bytes().decode())
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        cells = {row["item_id"]: row["candidate_answer"] for row in csv.DictReader(file)}
    assert cells.keys() == texts.keys()
    assert not [cell for cell in cells.values() if cell.lstrip()[:1] in set("=+-@\t\r\n")]
    lines = (tmp_path / "out.jsonl").read_text("utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    assert {row["item_id"]: row["candidate_answer"] for row in rows} == texts
    reading = read_run(path)
    for name in list(texts)[::50]:
        shown = render_item(view_item(reading, name))
        assert not (ACTING | {"\r", "\u202e", "\u2066", "\U000e0041"}) & set(shown)


def test_honest_look_alikes_are_reported_like_any_other_answer(
    shared: Path, tmp_path: Path
) -> None:
    texts = [row["text"] for row in rows_of(shared, "benign_lookalikes")]
    reports = []
    for name, answers in (("alike", texts), ("plain", ["It is." for _ in texts])):
        rows = [
            {"id": f"q{number}", "question": f"Is it {number}?", "answer": answer}
            for number, answer in enumerate(answers)
        ]
        engine = ScriptedEngine(lambda request: answered(request, "1"))
        report = judge_rows(tmp_path / name, rows, engine=engine, rubric="binary").report
        shown = [each.prompt.state()["answer"] for _, each in engine.submitted if each.prompt]
        assert sorted(shown) == sorted(answer.strip() for answer in answers)
        reports.append(report)
    alike, plain = reports
    assert alike.results.estimates == plain.results.estimates
    assert alike.results.findings == plain.results.findings
    assert alike.operations.notes == plain.operations.notes
    assert len(render(alike).splitlines()) == len(render(plain).splitlines())
