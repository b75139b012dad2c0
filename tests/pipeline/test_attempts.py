"""Errors and time-outs are attempts; what is asked again, when, and what counts in the end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest

from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.read_plan import load_plan
from judgefast.pipeline.results import read_run, report_of
from tests.engines.scripted import ScriptedEngine, answered, failed
from tests.pipeline.judging import attempts_of, by_hash, go_on, judge_rows, pairs, results_of

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion


def one_fails(request: Request) -> Completion:
    return failed(request) if request.item_id == "item-1" else by_hash(request)


def test_an_error_is_asked_again_at_the_next_start_and_not_before(tmp_path: Path) -> None:
    first = judge_rows(tmp_path / "run", pairs(4), one_fails)
    assert (first.status, first.done, first.planned) == (3, 6, 8)
    assert first.why == "2 judgments failed"
    assert results_of(tmp_path / "run").counts.failed == {"engine_error": 2}
    engine = ScriptedEngine(by_hash)
    second = judge_rows(tmp_path / "run", pairs(4), engine=engine)
    assert (second.status, second.done) == (0, 8)
    assert [(r.item_id, r.attempt) for _, r in engine.submitted] == [("item-1", 2)] * 2


def test_attempts_end_at_the_limit_over_all_starts(tmp_path: Path) -> None:
    out = tmp_path / "run"
    asked = []
    for _ in range(5):
        engine = ScriptedEngine(one_fails)
        status = judge_rows(out, pairs(4), engine=engine, max_attempts=3).status
        asked.append(sum(r.item_id == "item-1" for _, r in engine.submitted))
        assert status == 3
    assert asked == [2, 2, 2, 0, 0]
    rows = [row for row in attempts_of(out) if row["finish_reason"] == "error"]
    assert sorted(row["attempt"] for row in rows) == [1, 1, 2, 2, 3, 3]
    assert go_on(out, max_attempts=4).status == 0


def test_retry_failed_is_a_wish_of_its_own_beyond_the_limit(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge_rows(out, pairs(4), one_fails, max_attempts=1)
    engine = ScriptedEngine(by_hash)
    assert go_on(out, engine=engine).status == 3
    assert engine.submitted == []
    assert go_on(out, retry=("failed",)).status == 0
    assert results_of(out).counts.failed == {}


def test_too_long_for_the_engine_is_asked_again_only_by_a_retry(tmp_path: Path) -> None:
    out = tmp_path / "run"

    def too_long(request: Request) -> Completion:
        return msgspec.structs.replace(failed(request), error_kind="too_long")

    judge_rows(out, pairs(2), too_long)
    engine = ScriptedEngine(by_hash)
    assert go_on(out, engine=engine).status == 3
    assert engine.submitted == []
    assert results_of(out).counts.failed == {"too_long": 4}
    assert go_on(out, retry=("failed",)).status == 0  # its server may hold more by now
    assert results_of(out).counts.failed == {}


def test_a_silent_request_times_out_as_an_attempt(tmp_path: Path) -> None:
    out = tmp_path / "run"
    finished = judge_rows(
        out,
        pairs(3),
        lambda r: None if r.item_id == "item-0" else by_hash(r),
        request_seconds=0.5,
        max_attempts=1,
    )
    assert (finished.status, finished.why) == (3, "2 judgments failed")
    assert results_of(out).counts.failed == {"timeout": 2}
    engine = ScriptedEngine(by_hash)
    assert go_on(out, engine=engine, retry=("failed",)).status == 0
    assert {(r.item_id, r.attempt) for _, r in engine.submitted} == {("item-0", 2)}


@pytest.mark.parametrize(("retry", "again"), [("unparsed", 4), ("truncated", 2)])
def test_retry_asks_again_what_could_not_be_read_and_every_attempt_stays(
    retry: str, again: int, tmp_path: Path
) -> None:
    out = tmp_path / "run"

    def vague(request: Request) -> Completion:
        if request.item_id == "item-0":
            return answered(request, "Both have merits.")
        if request.item_id == "item-1":
            return msgspec.structs.replace(answered(request, "Let me"), finish_reason="length")
        return by_hash(request)

    assert judge_rows(out, pairs(4), vague).status == 0, "an answer is final, whatever is read"
    assert results_of(out).counts.unparsed == {"no_verdict": 2, "truncated": 2}
    engine = ScriptedEngine(by_hash)
    assert go_on(out, engine=engine, retry=(retry,)).status == 0
    assert len(engine.submitted) == again
    counts = results_of(out).counts
    assert counts.parsed == 4 + again
    assert len(attempts_of(out)) == 8 + again
    operations = report_of(read_run(out)).operations
    assert operations.superseded == again
    assert operations.attempts == 8 + again
    assert operations.tokens.prompt == 10 * (8 + again)
    engine = ScriptedEngine(by_hash)
    go_on(out, engine=engine)
    assert engine.submitted == [], "a retry is a wish of one start"


def test_a_retry_that_fails_takes_no_answer_away(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge_rows(out, pairs(2), lambda r: answered(r, "Hm."))
    assert go_on(out, failed, retry=("unparsed",)).why == "not one judgment could be read"
    assert results_of(out).counts.unparsed == {"no_verdict": 4}
    assert Counter(row["finish_reason"] for row in attempts_of(out)) == {"stop": 4, "error": 4}


def test_a_resume_of_a_run_that_began_with_a_retry_does_not_retry(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge_rows(out, pairs(2), lambda r: answered(r, "Hm."), retry=("unparsed",))
    engine = ScriptedEngine(by_hash)
    go_on(out, engine=engine)
    assert engine.submitted == []


def test_a_cancelled_request_is_not_judged_and_no_attempt(tmp_path: Path) -> None:
    out = tmp_path / "run"

    def cancelled(request: Request) -> Completion:
        return msgspec.structs.replace(answered(request, ""), finish_reason="cancelled")

    finished = judge_rows(out, pairs(2), cancelled)
    assert (finished.status, finished.why) == (3, "4 judgments were not judged")
    assert results_of(out).counts.not_judged == {"interrupted": 4}
    with RunDirectory.open(out, write=False) as directory:
        assert directory.final_attempts().attempts.tolist() == [0] * 4
    assert go_on(out).status == 0


def test_each_phase_has_its_seconds_in_the_report(tmp_path: Path) -> None:
    finished = judge_rows(tmp_path / "run", pairs(4))
    assert finished.report is not None
    seconds = msgspec.to_builtins(finished.report.operations.seconds)
    assert [name for name, spent in seconds.items() if not spent] == []
    assert (finished.report.operations.in_flight_mean or 0) > 1
    [launch] = finished.report.operations.launches
    assert (launch.judgments, launch.engine["version"]) == (8, "scripted")


def test_a_plan_that_is_only_read_is_the_one_that_is_sent(tmp_path: Path) -> None:
    judge_rows(tmp_path / "run", pairs(5), repeats=2)
    directory = RunDirectory.open(tmp_path / "run", write=False)
    sent, read = (load_plan(directory, to_send=to_send) for to_send in (True, False))
    assert len(sent) == len(read) == directory.plan_rows() == 20
    for name, column in read.columns._asdict().items():
        if name not in {"prefix_group", "sent"}:
            np.testing.assert_array_equal(column, getattr(sent.columns, name), err_msg=name)
    assert len(sent.columns.prefix_group) == len(sent.rendered.ids_hash) == 20
    assert (len(read.columns.prefix_group), read.rendered.ids_hash) == (0, None)
    assert (sorted(sent.columns.sent), len(read.columns.sent)) == (list(range(20)), 0)
    np.testing.assert_array_equal(sent.rendered.planned, read.rendered.planned)
