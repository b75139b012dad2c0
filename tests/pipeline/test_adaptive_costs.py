"""What adaptive orders would ask, said before anything is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.config import RunConfig
from judgefast.costs.adaptive import ASSUMED, OpenShare, with_open
from judgefast.costs.ranges import Range
from judgefast.costs.workload import Answers, Workload
from judgefast.errors import ConfigError
from judgefast.pipeline.estimate import asked
from judgefast.pipeline.pilot import OF_ADAPTIVE, pilot_of
from judgefast.pipeline.plan_report import plan_report
from judgefast.pipeline.results import read_run
from judgefast.pipeline.setting import CostWishes
from judgefast.pipeline.ways import Ways
from judgefast.reports.plan_text import render_plan
from tests.pipeline.adaptive_judge import AUDIT, SURE, asked_in, judge
from tests.pipeline.judging import judge_rows, pairs

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.pipeline.estimate import Estimated

SHAPE = "questions=1000,answer=300,rubric=400"


def of_shape(orders: str, rubric: str = "pairwise", **wishes: Any) -> Estimated:
    config = RunConfig(
        rubric=rubric,
        model="Qwen2.5-72B-Instruct",
        orders=orders,  # type: ignore[arg-type]  # one of its words
    )
    return asked(config, CostWishes(gpu="H200", **wishes), shape=SHAPE)


def test_an_estimate_lies_between_the_audit_alone_and_all() -> None:
    both, one, adaptive = (of_shape(orders) for orders in ("both", "one", "adaptive"))
    work = adaptive.workload
    assert both.workload.requests == 2 * one.workload.requests == 2000
    least = 1000 + 0.1 * 1000
    assert work.requests == round((least + 2000) / 2)
    assert (work.requests_at("low"), work.requests_at("high")) == pytest.approx((least, 2000))
    found, most = adaptive.estimate(), both.estimate()
    assert one.estimate().judging_seconds.low < found.judging_seconds.low
    assert found.judging_seconds.high == pytest.approx(most.judging_seconds.high, rel=0.01)
    assert found.judging_seconds.likely < most.judging_seconds.likely
    assert any("a pilot measures it" in note for note in found.notes)


def test_a_pilot_measures_the_share(tmp_path: Path) -> None:
    judge_rows(tmp_path / "pilot", pairs(60), engine=judge(), max_unreadable=1.0)
    found = of_shape("adaptive", pilot=str(tmp_path / "pilot")).open_share
    assert found is not None
    assert 0.8 < found.share.likely < 1  # of confidences that are even, nine tenths are below .9
    assert found.share.low < found.share.likely < found.share.high
    assert "120 judgments of the pilot" in found.because


def test_alternatives_have_a_row_of_adaptive_orders_where_labels_are_read() -> None:
    names = {
        orders: [way.name for way in Ways(of_shape(orders)).orders()]
        for orders in ("both", "one", "adaptive")
    }
    assert names == {
        "both": ["one order", "adaptive orders"],
        "one": ["both orders", "adaptive orders"],
        "adaptive": ["one order", "both orders"],
    }
    texts = Ways(of_shape("both", "pairwise-reasons"))
    assert [way.name for way in texts.orders()] == ["one order"]
    with pytest.raises(ConfigError, match="probabilities of the labels"):
        of_shape("adaptive", "pairwise-reasons")


def test_a_plan_says_from_how_many_to_how_many(tmp_path: Path) -> None:
    config = RunConfig(rubric="pairwise", orders="adaptive", sure=SURE, audit=AUDIT)
    report = plan_report(config, data=pairs(60), engine=judge())
    least = report.requests.least_requests
    assert least is not None
    assert 60 < least < 90
    assert report.requests.requests == 120
    assert f"{least} to 120 requests" in render_plan(report)
    never = judge_rows(
        tmp_path / "run", pairs(60), engine=judge(), max_unreadable=1.0,
        orders="adaptive", sure=1e-9, audit=AUDIT, max_attempts=1,
    )  # fmt: skip
    assert never.report is not None
    unread = sum(map(sum, (never.report.results.counts.unparsed.values(), [6])))
    assert least <= len(asked_in(tmp_path / "run")) <= least + unread


@settings(max_examples=50)
@given(
    requests=st.integers(1, 10_000),
    least=st.floats(0.5, 1),
    shares=st.lists(st.floats(0, 1), min_size=3, max_size=3),
)
def test_what_may_be_asked_is_bounded_by_what_must_and_by_all(
    requests: int, least: float, shares: list[float]
) -> None:
    both = Workload(
        items=requests,
        judgments=2 * requests,
        requests=requests,
        prompt_tokens=100 * requests,
        computed_tokens=Range(20.0 * requests, 30.0 * requests, 50.0 * requests),
        longest_prompt=200,
        answers=Answers(mean=Range.exactly(1), spread=0, most=1, basis="counted", because=""),
        orders=2,
        basis="counted",
        because="",
    )
    work = with_open(both, least * requests, OpenShare(Range(*sorted(shares)), "drawn"))
    ends = [work.requests_at(end) for end in ("low", "likely", "high")]
    assert ends == sorted(ends)
    assert least * requests <= ends[0] * (1 + 1e-9)
    assert ends[2] <= requests * (1 + 1e-9)
    computed = work.computed_tokens
    assert computed.low <= computed.likely * (1 + 1e-9) <= computed.high * (1 + 1e-8)
    assert with_open(both, requests, ASSUMED).requests == requests


def test_a_pilot_that_a_budget_cut_short_is_read_as_far_as_it_went(tmp_path: Path) -> None:
    how = {"orders": "adaptive", "sure": SURE, "audit": 0.5, "max_unreadable": 1.0}
    judge_rows(tmp_path / "run", pairs(60), engine=judge(), budget=("60judgments",), **how)
    reading = read_run(tmp_path / "run")
    pilot = pilot_of(reading)
    assert 20 < pilot.questions < 60
    assert OF_ADAPTIVE in pilot.notes
