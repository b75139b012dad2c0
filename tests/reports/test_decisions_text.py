"""Decisions as a person reads them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from judgefast.costs.decisions import Affordable, Deadline, Decisions, Sample, Way
from judgefast.costs.ranges import Range
from judgefast.reports.decisions_text import render_decisions

PRICE = "$2.00 a GPU-hour, Lambda, 2026-11-02"


def way(name: str, kind: str = "answers", says: str = "", **changes: Any) -> Way:
    fields: dict[str, Any] = {
        "items": 1000,
        "judgments": 2000,
        "placed": "1 x H200-SXM",
        "seconds": Range(3000.0, 3600.0, 5400.0),
        "gpu_hours": Range(0.83, 1.0, 1.5),
        "usd": Range(1.66, 2.0, 3.0),
        "price": PRICE,
        "times": 0.5,
    }
    return Way(name=name, kind=kind, says=says, **fields | changes)  # type: ignore[arg-type]  # one of them


def deadline(fit: str, spare: Range, *ways: Way, others: int = 0) -> Deadline:
    return Deadline(
        seconds=28_800.0,
        fit=fit,  # type: ignore[arg-type]  # one of them
        spare=spare,
        most_items=1234,
        ways=list(ways),
        others=others,
    )


def affordable(surely: int, likely: int, at_most: int, **changes: Any) -> Affordable:
    fields: dict[str, Any] = {"budget": "$5.00", "price": PRICE, "fixed": "9 min until it is ready"}
    return Affordable(
        surely=surely,
        likely=likely,
        at_most=at_most,
        judgments=2 * likely,
        all_items=1000,
        **fields | changes,
    )


SAMPLE = Sample(
    difference=0.02,
    name="win_rate",
    level=0.95,
    power=0.8,
    sides=2,
    design="win_rate against even",
    deviation=0.5,
    because="200 questions of the pilot",
    questions=4906,
    items=5452,
    missing=0.1,
    others={"correlation 0.5": 2453},
    detectable=0.047,
    judgments=10_904,
    tokens=1_000_000,
    way=way("a sample", "sample"),
    notes=["of 3 slices the one that varies most is planned for"],
)


def shown(**decisions: Any) -> str:
    return " ".join(render_decisions(Decisions(**decisions)).split())


def matches(seen: str, name: str) -> bool:
    path = Path(__file__).parent / "snapshots" / f"{name}.txt"
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        path.write_text(seen, encoding="utf-8")
    return seen == path.read_text(encoding="utf-8")


def test_nothing_asked_says_nothing() -> None:
    assert render_decisions(Decisions()) == ""


@pytest.mark.parametrize(
    ("fit", "spare", "said"),
    [
        (
            "fits",
            Range(3600, 7200, 9000),
            (
                "It fits in 8.0 h, with 1.0 h to spare if all takes as long as it may, and likely "
                "2.0 h. 1,234 items such as these likely fit."
            ),
        ),
        (
            "may_fit",
            Range(-3600, 7200, 9000),
            (
                "It likely fits in 8.0 h, with 2.0 h to spare; if all takes as long as it may, "
                "1.0 h are lacking."
            ),
        ),
        (
            "may_fit",
            Range(-7200, -3600, 600),
            (
                "It likely does not fit in 8.0 h: 1.0 h are lacking; if all goes well, 10 min are "
                "to spare."
            ),
        ),
        (
            "does_not_fit",
            Range(-9000, -7200, -3600),
            "It does not fit in 8.0 h: 2.0 h are lacking, and 1.0 h even if all goes well.",
        ),
    ],
)
def test_a_deadline_is_answered_first(fit: str, spare: Range, said: str) -> None:
    seen = shown(deadline=deadline(fit, spare, others=7))
    assert said in seen
    assert ("None of 7 other settings fits." in seen) == (fit != "fits")


def test_settings_that_fit_stand_in_groups_with_what_changes() -> None:
    ways = [
        way("2 GPUs", "gpus"),
        way("judge a", "model", "another judge"),
        way("judge b", "model", "another judge", price="", usd=None),
    ]
    seen = render_decisions(
        Decisions(deadline=deadline("does_not_fit", Range(-3.0, -2.0, -1.0), *ways))
    )
    assert (
        seen.partition("nearest first\n")[2]
        == """\
                               time  GPU-hours                   money  of asked

More GPUs
2 GPUs                        1.0 h        1.0    $2.00 (1.66 to 3.00)      0.50
  1 x H200-SXM, $2.00 a GPU-hour, Lambda, 2026-11-02

Other judges: another judge
judge a                       1.0 h        1.0    $2.00 (1.66 to 3.00)      0.50
  1 x H200-SXM, $2.00 a GPU-hour, Lambda, 2026-11-02
judge b                       1.0 h        1.0                              0.50
  1 x H200-SXM, no dated price is known
"""
    )


def test_of_many_that_fit_the_first_are_shown() -> None:
    ways = [way(f"judge {number}", "model") for number in range(10)]
    seen = shown(deadline=deadline("does_not_fit", Range(-3.0, -2.0, -1.0), *ways))
    assert "judge 7" in seen
    assert "judge 8" not in seen
    assert "2 more fit (--json has all)." in seen


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            affordable(800, 1500, 2000),
            (
                f"$5.00 at {PRICE} likely buys 1,500 items (800 to 2,000), 3,000 judgments, after "
                "9 min until it is ready. It is likely enough for all 1,000 that were asked about, "
                "but not surely."
            ),
        ),
        (affordable(1000, 1500, 2000), "It is enough for all 1,000 that were asked about."),
        (affordable(100, 251, 400), "That is 25.1 % of all 1,000 that were asked about."),
        (affordable(0, 0, 4), "likely buys 0 items (0 to 4), after"),
        (affordable(0, 0, 4), "One item takes more."),
        (
            affordable(50, 50, 50, budget="100 judgments", price="", fixed=""),
            "100 judgments likely buys 50 items, 100 judgments.",
        ),
    ],
)
def test_a_budget_says_what_it_buys(given: Affordable, said: str) -> None:
    assert said in shown(budgets=[given])


def test_a_sample_says_what_it_finds_and_costs() -> None:
    assert matches(render_decisions(Decisions(power=SAMPLE)), "sample")


def test_alternatives_have_a_line_of_what_they_are_at_which_price() -> None:
    ways = [
        way("as asked", "asked", times=1.0),
        way("a label", says="no reason"),
        way("reasons of 60 tokens", says="short"),
        way("Jev", "decision", "labels", placed="X", seconds=None, gpu_hours=None, price="$1, X"),
        way("large", "model", "", misfit="it lacks 12 GB"),
        way("\x1b[31mred", "model", ""),
    ]
    assert matches(render_decisions(Decisions(alternatives=ways)), "alternatives")
