"""The estimate beside the bill: what agrees, what does not, and why."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from judgefast.costs.estimates import Estimate, Line, Money, Placed
from judgefast.costs.ranges import Range
from judgefast.costs.workload import Answers, Workload
from judgefast.journal.forecast import Forecast, forecast_of
from judgefast.journal.manifest import DataFacts, EngineFacts, Manifest, ModelFacts, RubricFacts
from judgefast.reports.estimate_bill import LINES, EstimateBill, Taken, estimate_bill
from judgefast.reports.estimate_words import estimate_words
from judgefast.reports.report import Bill, Seconds, Tokens

ANSWERS = Answers(
    mean=Range(20, 25, 30), spread=0.4, most=40, basis="measured", because="9 answers"
)
WORKLOAD = Workload(
    items=50,
    judgments=100,
    requests=100,
    prompt_tokens=10_000,
    computed_tokens=Range.exactly(4_000.0),
    longest_prompt=200,
    answers=ANSWERS,
    orders=2,
    basis="counted",
    because="",
)


def foretold(gpus: int = 0, money: list[Money] | None = None) -> Forecast:
    seconds = Range(90, 100, 110)
    placed = Placed(
        model="judge",
        gpu="GPU",
        gpus=gpus,
        copies=1,
        weights="bf16",
        cache="16bit",
        weight_bytes=0,
        kv_bytes_per_token=0.0,
        room_tokens=0,
        batch=10,
        limit="requests",
    )
    line = Line(
        part="prefill", seconds=seconds, basis="calibrated", because="calibrated", arithmetic=""
    )
    estimate = Estimate(
        workload=WORKLOAD,
        placed=placed,
        lines=[line],
        judging_seconds=seconds,
        seconds=seconds,
        gpu_hours=seconds.times(gpus / 3600),
        money=money or [],
    )
    return Forecast(
        made="2026-11-26T10:00:00+00:00",
        estimate=estimate,
        cpu_seconds=None if gpus else Range(180, 200, 220),
        answer_tokens=Range(2_000, 2_500, 3_000),
    )


def manifest(forecast: Forecast | dict[str, Any] | None) -> Manifest:
    return Manifest(
        created="",
        judgefast="",
        config={},
        rubric=RubricFacts("r", "", "", ""),
        data=DataFacts(identity="", items=50, read=50),
        judge="judge",
        model=ModelFacts("judge", "", ""),
        engine=EngineFacts("embedded"),
        estimate=msgspec.to_builtins(forecast),
    )


def launch(seconds: float = 104.0, cpu: float | None = 206.0, **facts: Any) -> dict[str, Any]:
    known = {} if cpu is None else {"engine_cpu_seconds": cpu}
    return {"engine": {}, "seconds": {"judge": seconds}} | known | facts


def taken(*launches: dict[str, Any], **changes: Any) -> Taken:
    started = launches or (launch(),)
    tokens = {"prompt": 10_000, "cached": 6_000, "completion": 2_600} | changes.pop("tokens", {})
    judged = sum(facts["seconds"]["judge"] for facts in started)
    usual = Taken(
        launches=started,
        seconds=Seconds(judge=judged),
        tokens=Tokens(**tokens),
        bill=Bill(requests=100, planned_prompt=10_000, counted_prompt=10_000),
        answered=100,
        superseded=0,
        preemptions=None,
    )
    return usual._replace(**changes)


def bill(forecast: Forecast, of: Taken) -> EstimateBill:
    found = estimate_bill(manifest(forecast), of)
    assert found is not None
    return found


def test_what_lies_in_its_range_says_so_in_one_line() -> None:
    found = bill(foretold(), taken())
    assert [line.name for line in found.lines] == [*LINES[:5]]
    assert [line.within for line in found.lines] == [True] * 5
    assert found.because == []
    assert estimate_words(found) == (
        "judging 1 min 40 s (1 min 30 s to 1 min 50 s), it took 1 min 44 s: 4 % more, within; "
        "CPU 3 min 20 s (3 min 0 s to 3 min 40 s), it took 3 min 26 s: 3 % more, within"
    )


def test_gpu_hours_and_money_are_those_of_judging_at_the_price_of_the_estimate() -> None:
    price = {"usd_per_gpu_hour": 36.0, "provider": None, "date": None, "source": None}
    spot = Money(usd=Range.exactly(1.0), kind="spot", **price)
    mine = Money(usd=Range.exactly(1.0), kind="given", **price)
    found = bill(foretold(gpus=2, money=[spot, mine]), taken(launch(cpu=None)))
    hours, usd = found.line("gpu_hours"), found.line("usd")
    assert hours is not None
    assert usd is not None
    assert (hours.estimated.likely, hours.actual) == (200 / 3600, 208 / 3600)
    assert usd.estimated.likely == pytest.approx(2.0)
    assert usd.actual == pytest.approx(2.08)
    assert "GPUs $2.00 ($1.80 to $2.20), it took $2.08: 4 % more, within" in str(
        estimate_words(found)
    )


@pytest.mark.parametrize(
    ("of", "why"),
    [
        (taken(launch(150), tokens={"completion": 4_000}), "answers were 60 % longer than"),
        (taken(launch(50), tokens={"completion": 1_000}), "answers were 60 % shorter than"),
        (taken(launch(150), tokens={"cached": 5_000}), "25 % more prompt tokens were computed"),
        (taken(launch(80), tokens={"cached": 7_000}), "25 % fewer prompt tokens were computed"),
        (taken(launch(70), launch(70)), "2 starts: what was at work at an interruption"),
        (taken(launch(150), preemptions=7), "7 requests were thrown out half done"),
        (taken(launch(150), superseded=3), "3 answers came to requests that had one"),
        (taken(launch(150, counters={"restarts": 2})), "started again 2 times"),
        (taken(launch(150, counters={"retried": 4})), "4 requests were run again alone"),
        (taken(launch(150, cpu_share_of_others=0.62)), "others took 62 % of this machine's CPU"),
        (taken(launch(150, cpu_share_stolen=0.2)), "took 20 % of its CPU away (steal)"),
    ],
)
def test_what_is_known_to_part_them_is_said(of: Taken, why: str) -> None:
    found = bill(foretold(), of)
    assert len(found.because) == 1
    assert why in found.because[0]
    assert why in str(estimate_words(found))


def test_a_difference_that_nothing_explains_says_so() -> None:
    found = bill(foretold(), taken(launch(150, cpu=300.0)))
    assert found.because == []
    assert str(estimate_words(found)).endswith(
        "50 % more, outside; nothing that is known explains it"
    )


def test_a_run_that_is_not_whole_is_held_to_its_share() -> None:
    of = taken(launch(52, cpu=103.0), answered=50, tokens={"prompt": 5_000, "cached": 3_000})
    found = bill(foretold(), of._replace(bill=None))
    judging = found.line("judging_seconds")
    assert judging is not None
    assert (found.share, judging.estimated, judging.within) == (0.5, Range(45, 50, 55), True)
    assert str(estimate_words(found)).startswith("of the 50 % that was answered: judging 50.0 s")


def test_launches_are_added_up_and_one_that_told_no_cpu_leaves_no_sum() -> None:
    both = bill(foretold(), taken(launch(40, 80.0), launch(60, 120.0)))
    assert both.line("cpu_seconds").actual == 200.0  # type: ignore[union-attr]  # it is there
    assert both.line("judging_seconds").actual == 100.0  # type: ignore[union-attr]  # as above
    one = bill(foretold(), taken(launch(40, 80.0), launch(60, None)))
    assert one.line("cpu_seconds") is None


def test_without_rates_the_json_says_how_to_have_them_and_the_report_is_silent() -> None:
    reason = "this judge was never calibrated on this machine: judgefast estimate --calibrate"
    found = bill(Forecast(made="x", reason=reason), taken())
    assert found.reason == reason
    assert found.lines == []
    assert estimate_words(found) is None


@pytest.mark.parametrize(
    "kept",
    [
        None,
        {"format": 2, "made": "x"},
        {"format": 1, "made": "x", "estimate": {"format": 99}},
        {"format": 1, "made": "x", "estimate": {"format": 1, "workload": 3}},
    ],
)
def test_what_another_program_has_foretold_keeps_nobody_from_a_report(
    kept: dict[str, Any] | None,
) -> None:
    assert forecast_of(manifest(kept)) is None
    assert estimate_bill(manifest(kept), taken()) is None


def test_a_forecast_comes_back_from_a_manifest_as_it_went_in() -> None:
    assert forecast_of(manifest(foretold(gpus=1))) == foretold(gpus=1)
