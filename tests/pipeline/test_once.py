"""Judgments with one prompt have one request, and in all else are as if each had its own."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest

import judgefast
from judgefast.batches.columns import own_rows
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline import order, plan
from judgefast.pipeline.finished import DryRun
from judgefast.pipeline.read_plan import load_plan
from judgefast.pipeline.results import read_run, report_of
from judgefast.prompts.builtin import load_rubric
from judgefast.reports.as_json import to_json
from judgefast.reports.console import look_of
from judgefast.reports.text import render
from tests.engines.scripted import ScriptedEngine, answered
from tests.pipeline.judging import go_on, judge_rows, pairs, start

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion


def by_prompt(request: Request) -> Completion:
    """The same for the same prompt; some of it cannot be read."""
    assert request.prompt is not None
    digest = hashlib.sha256(request.prompt.text.encode()).digest()
    return answered(request, ("[[A]]", "[[B]]", "[[C]]", "?")[digest[0] % 4])


def rows(count: int = 12) -> list[dict[str, Any]]:
    """Each third item asks what an earlier one does; each fourth has two equal answers."""
    made = pairs(count)
    for number, row in enumerate(made):
        if number % 4 == 0:
            row["answer_b"] = row["answer_a"]
    for number in range(2, count, 3):
        made[number] |= {name: made[number - 2][name] for name in ("question", "answer_a")}
        made[number]["answer_b"] = made[number - 2]["answer_b"]
    return made


def different(judged: list[dict[str, Any]]) -> int:
    """Prompts that are not equal, counted without the planner."""
    return len(
        {
            (row["question"], *answers)
            for row in judged
            for answers in (
                (row["answer_a"], row["answer_b"]),
                (row["answer_b"], row["answer_a"]),
            )
        }
    )


def judged(out: Path, data: Any, **options: Any) -> ScriptedEngine:
    engine = ScriptedEngine(options.pop("answer", by_prompt))
    judge_rows(out, data, engine=engine, rubric="pairwise-bracket", max_unreadable=1.0, **options)
    return engine


def results(out: Path) -> dict[str, Any]:
    report = json.loads(to_json(report_of(read_run(out)).results))
    return {name: value for name, value in report.items() if name != "run"}


def verdicts_of(out: Path) -> pl.DataFrame:
    found: Any = pl.from_arrow(judgefast.Run.open(out).table("verdicts"))
    return found.with_columns(pl.col("status").cast(pl.String))


def tables(out: Path) -> list[pl.DataFrame]:
    run = judgefast.Run.open(out)
    found: list[Any] = [pl.from_arrow(run.table(name)) for name in ("verdicts", "judgments")]
    return [found[0].drop("request_id"), found[1]]


def test_a_run_is_as_if_each_judgment_had_a_request_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = judged(tmp_path / "once", rows())
    report = report_of(read_run(tmp_path / "once"))
    assert len(engine.submitted) == report.operations.requests == different(rows()) < 24
    assert report.operations.asked_once == 24 - different(rows())
    assert report.operations.attempts == len(engine.submitted)
    saved = report.operations.asked_once
    assert f"requests, which answer {saved} judgments more" in render(report, look_of(StringIO()))
    assert report.operations.tokens.prompt == 10 * len(engine.submitted), "paid once"
    keys = [key for _, request in engine.submitted for key in request.keys]
    assert Counter(keys).most_common(1)[0][1] == 1
    assert len(keys) == report.results.counts.planned == 24
    assert all(request.request_id in request.keys for _, request in engine.submitted)

    monkeypatch.setattr(plan, "ask_once", lambda columns, *_: columns)
    assert len(judged(tmp_path / "each", rows()).submitted) == 24
    assert results(tmp_path / "once") == results(tmp_path / "each")
    for shared, own in zip(*map(tables, (tmp_path / "once", tmp_path / "each")), strict=True):
        assert shared.equals(own)


def test_an_interrupted_run_goes_on_and_a_retry_asks_a_request_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, out = tmp_path / "whole", tmp_path / "run"
    judged(whole, rows())
    monkeypatch.setattr("judgefast.pipeline.blocks.BLOCK_ITEMS", 5)
    monkeypatch.setattr("judgefast.pipeline.plan.PART_REQUESTS", 8)

    def some(request: Request) -> Completion | None:
        return by_prompt(request) if request.request_id[0] % 2 else None

    judged(out, rows(), answer=some, request_seconds=0.3)
    counts = report_of(read_run(out)).results.counts
    verdicts = verdicts_of(out)
    is_silent = verdicts["request_id"].map_elements(lambda name: not name[0] % 2, pl.Boolean)
    assert (is_silent == (verdicts["status"] == "timeout")).all()
    assert counts.failed == {"timeout": int(is_silent.sum())}
    engine = ScriptedEngine(by_prompt)
    finished = go_on(out, engine=engine)
    assert (finished.status, finished.left) == (0, 0)
    assert len({request.request_id for _, request in engine.submitted}) == len(engine.submitted)
    assert results(out) == results(whole)
    unread = set(verdicts_of(out).filter(pl.col("text") == "?")["request_id"])
    again = ScriptedEngine(lambda request: answered(request, "[[A]]"))
    go_on(out, engine=again, retry=("unparsed",))
    assert len(list((out / "plan").glob("asks-*"))) > 1
    assert {request.request_id for _, request in again.submitted} == unread
    assert report_of(read_run(out)).results.counts.parsed == 24


def test_keys_come_back_where_only_a_later_part_shares_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgefast.pipeline.blocks.BLOCK_ITEMS", 2)
    monkeypatch.setattr("judgefast.pipeline.plan.PART_REQUESTS", 4)
    data = pairs(6)
    judged(tmp_path / "plain", data)
    last = read_run(tmp_path / "plain").items.item_id[-1].as_py()
    for row in data:
        if row["id"] == last:
            row["answer_b"] = row["answer_a"]
    judged(tmp_path / "run", data)
    directory = RunDirectory.open(tmp_path / "run", write=False)
    columns = load_plan(directory).columns
    keys = [key for batch in directory.plan_asks(["key"]) for key in batch[0].to_pylist()]
    assert [key.tobytes() for key in columns.key] == keys
    assert columns.asked_by.tolist() == [*range(11), 10]


def test_a_run_that_grows_keeps_every_request(tmp_path: Path) -> None:
    out = tmp_path / "run"
    before = judged(out, rows(8), orders="one")
    more = judged(out, rows(12), orders="both", extend=True)
    asked = {request.request_id for _, request in before.submitted}
    assert not asked & {request.request_id for _, request in more.submitted}
    directory = RunDirectory.open(out, write=False)
    stored = {name for batch in directory.plan_requests() for name in batch[0].to_pylist()}
    assert asked < stored
    assert len(stored) == len(asked) + len(more.submitted) == different(rows())
    judged(tmp_path / "whole", rows())
    assert results(out) == results(tmp_path / "whole")


@pytest.mark.parametrize("options", [{"repeats": 2}, {"rubric": "hot"}])
def test_answers_that_are_there_to_differ_are_asked_each(
    options: dict[str, Any], tmp_path: Path
) -> None:
    source = load_rubric("pairwise-bracket").source
    (tmp_path / "hot.toml").write_text(
        source.replace("\ntemperature = 0\n", "\ntemperature = 0.7\n")
    )
    engine = ScriptedEngine(by_prompt)
    named = {"rubric": str(tmp_path / "hot.toml") if "rubric" in options else "pairwise-bracket"}
    judge_rows(tmp_path / "run", rows(), engine=engine, max_unreadable=1.0, **options | named)
    assert len(engine.submitted) == 24 * options.get("repeats", 1)


def test_the_run_replayed_is_the_run_and_its_bill(tmp_path: Path) -> None:
    judged(tmp_path / "run", rows())
    again = judgefast.run(
        rows(),
        rubric="pairwise-bracket",
        engine="replay",
        recorded=tmp_path / "run",
        out=tmp_path / "again",
        progress=False,
        max_unreadable=1.0,
    )
    first, second = (report_of(read_run(tmp_path / name)) for name in ("run", "again"))
    assert second.operations.requests == 24
    assert second.operations.tokens.prompt == first.operations.tokens.prompt
    assert second.results.counts == first.results.counts
    assert second.results.estimates == first.results.estimates
    assert again.path.name == "again"


def test_one_item_and_its_prompt_are_found_by_the_key_of_each_judgment(tmp_path: Path) -> None:
    engine = judged(tmp_path / "run", rows())
    run = judgefast.Run.open(tmp_path / "run")
    said = {key: request.prompt for _, request in engine.submitted for key in request.keys}
    for name in ("item-0", "item-2"):
        for judgment in run.show(name).judgments:
            prompt = said[bytes.fromhex(judgment.key)]
            made = run.prompt(judgment.key, engine=ScriptedEngine(by_prompt))
            assert made is not None
            assert prompt is not None
            assert made.text == prompt.text
            assert judgment.text is not None


def test_a_dry_run_counts_what_is_saved(tmp_path: Path) -> None:
    said = start(tmp_path / "run", rows(), by_prompt, dry_run=True, rubric="pairwise-bracket")
    assert isinstance(said, DryRun)
    assert (said.planned, said.to_ask, said.requests) == (24, 24, different(rows()))


def test_a_stream_asks_once_and_says_it_of_all() -> None:
    engine = ScriptedEngine(by_prompt)
    options: dict[str, Any] = {"rubric": "pairwise-bracket", "engine": engine, "window": 50}
    outcomes = {one.item_id: one for one in judgefast.stream(rows(), **options)}
    assert len(outcomes) == 12
    assert len(engine.submitted) == different(rows())
    texts = [judgment.text for one in outcomes.values() for judgment in one.judgments]
    assert len(texts) == 24
    assert all(texts)


@pytest.mark.parametrize("lanes", [1, 3])
def test_requests_are_sent_in_the_order_of_the_plan_and_each_is_sent(
    lanes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any order inside the run, as a stand-in for that of a block."""
    planned: list[Any] = []

    def shuffled(columns: Any, *_: object) -> Any:
        groups = np.unique(columns.prefix_group, return_inverse=True)[1]
        drawn = np.random.default_rng(5).permutation(len(columns.item))
        turn = np.lexsort((drawn, groups))
        sent = np.empty_like(own_rows(0, len(turn)))
        sent[turn] = own_rows(0, len(turn))
        planned.append(columns._replace(sent=sent))
        return planned[-1]

    monkeypatch.setattr(plan, "ask_once", shuffled)
    monkeypatch.setattr("judgefast.datasets.run_order.GROUP_ROWS", 20)
    engine = ScriptedEngine(by_prompt, room=4, lanes=lanes)
    out = tmp_path / "run"
    judge_rows(out, pairs(60), engine=engine, rubric="pairwise-bracket", max_unreadable=1.0)
    [columns] = planned
    in_order = columns.key[np.argsort(columns.sent)]
    submitted = [request.request_id for _, request in engine.submitted]
    assert sorted(submitted) == sorted(row.tobytes() for row in columns.key)
    if lanes == 1:
        assert submitted == [row.tobytes() for row in in_order]
    group_of = dict(
        zip([row.tobytes() for row in columns.key], columns.prefix_group.tolist(), strict=True)
    )
    for group in set(group_of.values()):
        its = [row.tobytes() for row in in_order if group_of[row.tobytes()] == group]
        assert [name for name in submitted if group_of[name] == group] == its
    found = order.sending_order(RunDirectory.open(out, write=False))
    assert found.sent == found.planned
    assert (found.known, found.requests) == (120, 120)
