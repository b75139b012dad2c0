"""Runs whose second orders are asked only where the first is not sure."""

from __future__ import annotations

import math
import random
import signal
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import judgefast
from judgefast.codes import Status
from judgefast.errors import RunDirectoryError
from judgefast.pipeline.adaptive import clearly_sure
from judgefast.pipeline.adaptive_outcomes import adaptive_of
from judgefast.pipeline.results import read_run
from judgefast.pipeline.stream import stream
from judgefast.prompts.verdict_format import VerdictFormat, VerdictLabel
from judgefast.stats.adaptive_found import AdaptiveReport
from judgefast.stats.confidence import confidence
from judgefast.stopping import Stop
from judgefast.verdicts.read import read_labels
from tests.pipeline.adaptive_judge import (
    ADAPTIVE,
    AUDIT,
    SURE,
    asked_in,
    by_shares,
    expected,
    is_audited,
    judge,
)
from tests.pipeline.judging import go_on, judge_rows, pairs, results_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion


def parts_of(out: Path) -> dict[str, int]:
    counts = results_of(out).counts
    return {
        "planned": counts.planned,
        "parsed": counts.parsed,
        "unparsed": sum(counts.unparsed.values()),
        "failed": sum(counts.failed.values()),
        **counts.not_judged,
    }


def test_what_is_asked_is_first_orders_and_the_seconds_of_open_and_audited_ones(
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    finished = judge_rows(out, pairs(60), engine=judge(), **ADAPTIVE)
    wanted = expected(judgefast.Run.open(out))
    assert asked_in(out) == wanted
    parts = parts_of(out)
    assert parts["planned"] == 120 == sum(parts.values()) - 120
    assert parts["decided"] == 120 - len(wanted) > 20
    assert finished.left == 0
    rows = judgefast.Run.open(out).table("outcomes").to_pylist()
    alone = [row for row in rows if row["position"] == "one_order"]
    assert len(alone) == parts["decided"]
    assert all(row["status"] == "scored" for row in alone)
    wide = judgefast.Run.open(out).table("judgments").to_pylist()
    decided = [row for row in wide if "decided" in {row["forward_status"], row["swapped_status"]}]
    assert [row["item_id"] for row in decided] == [row["item_id"] for row in alone]


@pytest.mark.parametrize("seed", range(4))
def test_the_same_is_asked_whatever_the_lanes_and_however_often_the_run_was_ended(
    seed: int, tmp_path: Path
) -> None:
    draw = random.Random(seed)  # noqa: S311 - lanes and moments, no secret
    more = ADAPTIVE | {"seed": seed, "repeats": draw.randint(1, 2), "max_attempts": 5}
    rows = [row | {"cluster": f"c{place // 3}"} for place, row in enumerate(pairs(12))]
    out = tmp_path / "run"

    def engine_of(answer: Any) -> Any:
        how = {"room": draw.randint(1, 30), "lanes": draw.randint(1, 3)}
        return judge(answer, batch=draw.randint(1, 9), **how)

    for _ in range(2):
        stop = Stop()
        start_with(out, rows, engine_of(ended_after(draw.randint(1, 20), stop)), stop, **more)
    judge_rows(out, rows, engine=engine_of(by_shares), **more)
    assert asked_in(out) == expected(judgefast.Run.open(out), seed)
    parts = parts_of(out)
    assert parts["decided"] == parts["planned"] - len(asked_in(out))


def test_killed_in_the_middle_a_run_asks_the_same(
    cli: Callable[..., tuple[int, str, str]], write_rows: Callable[..., Path], tmp_path: Path
) -> None:
    rows, out, log = write_rows(pairs(40)), tmp_path / "run", tmp_path / "log"
    line: list[object] = ["run", rows, "--rubric", "pairwise", "--engine", "logged", "--out", out]
    line += ["--orders", "adaptive", "--sure", SURE, "--audit", AUDIT, "--max-unreadable", 1]
    line += ["--engine-arg", f"log={log}", "--engine-arg", "labels=true"]
    for call in (3, 2):
        dies = f"die_at=judgefast.engines.adaptive:Adaptive.give:{call}"
        status, _, err = cli(*line, "--engine-arg", dies)
        assert status == -signal.SIGKILL, err
    status, _, err = cli(*line)
    assert status in {0, 3}, err
    asked = {bytes.fromhex(each.split()[0]) for each in log.read_text().splitlines()}
    assert asked == asked_in(out) == expected(judgefast.Run.open(out))


def ended_after(many: int, stop: Stop) -> Any:
    """A judge during whose answer somebody wishes the run to end."""
    left = many

    def answer(request: Request) -> Completion:
        nonlocal left
        left -= 1
        if not left:
            stop.requested = True
        return by_shares(request)

    return answer


def start_with(out: Path, rows: Any, engine: Any, stop: Stop, **options: Any) -> None:
    from judgefast.config import RunConfig  # noqa: PLC0415 - here alone
    from judgefast.pipeline.run import run  # noqa: PLC0415 - here alone

    config = RunConfig(**({"rubric": "pairwise"} | options), out=str(out))
    run(config, data=rows, engine=engine, stop=stop, show_progress=False)


@settings(max_examples=200, deadline=None)
@given(
    shares=st.lists(
        st.floats(0, 1) | st.sampled_from([0.0, 1.0, 0.5, math.nan]), min_size=2, max_size=9
    ),
    mass=st.floats(0.01, 1.2),
    sure=st.floats(0.001, 1),
)
def test_what_is_clear_at_a_glance_is_what_the_journal_will_have(
    shares: list[float], mass: float, sure: float
) -> None:
    total = sum(shares) or 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        logprobs = np.log(np.array(shares) / total * mass)
    glance = clearly_sure(tuple(logprobs.tolist()), sure)
    labels = tuple(VerdictLabel(text=f"label {each}", score=each) for each in range(len(shares)))
    read = read_labels(
        VerdictFormat(name="label", labels=labels), logprobs.astype(np.float32)[None]
    )
    exact = bool(confidence(read.p_labels, len(shares))[0] >= sure)
    is_sure = exact and read.status[0] == Status.PARSED
    assert glance in {None, is_sure}


def test_several_answers_are_oriented_pair_by_pair(tmp_path: Path) -> None:
    out = tmp_path / "run"
    rows = [
        {
            "id": f"q{row}",
            "question": f"{row}?",
            "answers": [{"model": each, "text": f"{row} {each}"} for each in "abcd"],
        }
        for row in range(8)
    ]
    judge_rows(out, rows, engine=judge(), **ADAPTIVE)
    run = judgefast.Run.open(out)
    assert asked_in(out) == expected(run, answers=4)
    one = tmp_path / "one"
    judge_rows(one, rows, engine=judge(), orders="one", max_unreadable=1.0)
    assert asked_in(one) <= asked_in(out)


def test_a_second_order_that_several_judgments_share_is_asked_if_one_needs_it(
    tmp_path: Path,
) -> None:
    out, some = tmp_path / "run", pairs(12)
    rows = [
        *some,
        *({**row, "id": f"again-{row['id']}", "cluster": f"other-{row['id']}"} for row in some),
        {"id": "equal", "question": "Which?", "answer_a": "This.", "answer_b": "This."},
    ]
    judge_rows(out, rows, engine=judge(), **ADAPTIVE)
    run = judgefast.Run.open(out)
    assert asked_in(out) == expected(run)
    asked = {row["request_id"] for row in run.table("requests").to_pylist()}
    assert len(asked) < 2 * len(rows)
    parts = parts_of(out)
    wanted = expected(run)
    left = [ask for ask in run.table("asks").to_pylist() if ask["request_id"] not in wanted]
    assert parts.get("decided", 0) == len(left) > 0
    reading = read_run(out)
    adaptive = adaptive_of(reading)
    assert adaptive is not None
    clusters = {row["item_id"]: row["cluster"] for row in run.table("items").to_pylist()}
    items = [row["item_id"] for row in run.table("outcomes").to_pylist()]
    drawn = [is_audited(0, clusters[item], AUDIT) for item in items]
    assert adaptive.audited.tolist() == drawn  # what an equal pair was audited for does not count
    report = results_of(out).adaptive
    assert isinstance(report, AdaptiveReport)
    assert (report.requests_both, report.requests_asked) == (len(asked), len(asked_in(out)))
    grown = tmp_path / "grown"
    more = {"max_unreadable": 1.0, "max_attempts": 1}
    judge_rows(grown, rows, engine=judge(), orders="one", **more)
    judge_rows(grown, rows, engine=judge(), extend=True, **ADAPTIVE)
    assert asked_in(grown) == expected(judgefast.Run.open(grown))


def test_several_aspects_of_one_request_are_open_where_one_is(tmp_path: Path) -> None:
    out = tmp_path / "run"
    engine = judge(takes="state")
    judge_rows(out, pairs(40), engine=engine, **ADAPTIVE | {"rubric": "aspects-pairwise"})
    run = judgefast.Run.open(out)
    assert {len(request.questions) for _, request in engine.submitted} == {3}
    assert asked_in(out) == expected(run)
    parts = parts_of(out)
    assert parts["decided"] == parts["planned"] - 3 * len(asked_in(out)) > 0
    found = results_of(out).adaptive
    assert isinstance(found, AdaptiveReport)
    assert (found.requests_both, found.requests_asked) == (80, len(asked_in(out)))
    for row in run.table("outcomes").to_pylist():
        assert row["status"] in {"scored", "missing", "one_order_missing"}


def test_what_an_empty_answer_decides_is_neither_open_nor_saved(tmp_path: Path) -> None:
    out = tmp_path / "run"
    rows = pairs(20)
    for row in rows[::2]:
        row["answer_a"] = ""
    judge_rows(out, rows, engine=judge(), on_empty="lose", **ADAPTIVE)
    report = results_of(out).adaptive
    assert isinstance(report, AdaptiveReport)
    assert report.comparisons == 10 == report.open + report.closed
    assert (report.requests_both, report.requests_asked) == (20, len(asked_in(out)))


def test_a_run_grows_from_one_order_to_adaptive_to_both(tmp_path: Path) -> None:
    out, rows = tmp_path / "run", pairs(40)
    more = {"max_unreadable": 1.0, "max_attempts": 1}
    judge_rows(out, rows, engine=judge(), orders="one", **more)
    assert len(asked_in(out)) == 40
    with pytest.raises(RunDirectoryError, match=r"orders.*one.*adaptive") as refused:
        judge_rows(out, rows, engine=judge(), **ADAPTIVE)
    assert "--extend" in str(refused.value.hint)
    judge_rows(out, rows, engine=judge(), extend=True, **ADAPTIVE)
    assert asked_in(out) == expected(judgefast.Run.open(out))
    surer = ADAPTIVE | {"sure": 0.6, "audit": 0.5}
    judge_rows(out, rows, engine=judge(), extend=True, **surer)
    assert asked_in(out) == expected(judgefast.Run.open(out), sure=0.6, audit=0.5)
    with pytest.raises(RunDirectoryError, match="sure"):
        judge_rows(out, rows, engine=judge(), extend=True, **ADAPTIVE)
    judge_rows(out, rows, engine=judge(), orders="both", extend=True, **more)
    assert len(asked_in(out)) == 80
    with pytest.raises(RunDirectoryError, match="orders"):
        judge_rows(out, rows, engine=judge(), extend=True, **surer)


def test_what_is_asked_again_may_open_a_comparison(tmp_path: Path) -> None:
    """A first order that failed is asked again; its second was asked since nothing was known."""
    out, rows = tmp_path / "run", pairs(60)
    judge_rows(out, rows, engine=judge(), **ADAPTIVE)
    before = asked_in(out)
    assert results_of(out).counts.failed
    finished = go_on(out, engine=judge(sure_of_all), retry=("failed", "unparsed"))
    assert finished.report is not None
    counts = finished.report.results.counts
    assert not counts.failed
    assert not counts.unparsed
    assert asked_in(out) == before
    assert counts.not_judged.keys() == {"decided"}


def sure_of_all(request: Request) -> Completion:
    completion = by_shares(request)
    if completion.answers:
        return completion
    from judgefast.engines.base import LabelRead  # noqa: PLC0415 - here alone

    read = LabelRead(0, (0.0, float("-inf"), float("-inf")))
    return msgspec.structs.replace(
        completion, finish_reason="stop", error_kind=None, error=None, answers=(read,)
    )


def test_a_replay_of_a_run_shows_what_would_have_been_saved(tmp_path: Path) -> None:
    both, rows = tmp_path / "both", pairs(40)
    judge_rows(both, rows, engine=judge(sure_of_all), max_unreadable=1.0)
    out = tmp_path / "again"
    replayed = judgefast.run(
        None,
        rubric="pairwise",
        engine="replay",
        recorded=both,
        out=out,
        orders="adaptive",
        sure=SURE,
        audit=AUDIT,
        progress=False,
    )
    counts = replayed.report.results.counts
    assert counts.parsed + counts.not_judged["decided"] == counts.planned == 80
    assert not counts.failed
    assert 10 < counts.not_judged["decided"] < 40


def test_a_stream_asks_the_same(tmp_path: Path) -> None:
    out, rows = tmp_path / "run", pairs(50)
    judge_rows(out, rows, engine=judge(), **ADAPTIVE)
    engine = judge(room=5)
    options = {name: ADAPTIVE[name] for name in ("orders", "sure", "audit")}
    made = list(stream(iter(rows), rubric="pairwise", engine=engine, window=7, **options))
    assert {request.request_id for _, request in engine.submitted} == asked_in(out)
    values = {
        row["item_id"]: (row["value"], row["position"], row["status"])
        for row in judgefast.Run.open(out).table("outcomes").to_pylist()
    }
    assert {one.item_id: (one.value, one.position, one.status) for one in made} == values
    assert {len(one.judgments) for one in made} == {2}
    assert "decided" in {each.status for one in made for each in one.judgments}


def test_a_budget_reckons_with_both_orders_and_spends_what_is_saved(tmp_path: Path) -> None:
    out, rows = tmp_path / "run", pairs(60)
    engine = judge(room=4)
    finished = judge_rows(out, rows, engine=engine, budget=("30judgments",), **ADAPTIVE)
    asked = len(asked_in(out))
    assert 26 <= asked <= 30
    assert finished.status == 3
    parts = parts_of(out)
    assert parts["budget"] == 120 - asked - parts["decided"]
    go_on(out, engine=judge(), budget=("1000judgments",))
    assert asked_in(out) == expected(judgefast.Run.open(out))
