"""What a budget buys, and what is done by a deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.costs.deciding import estimated, workload

from judgefast.costs.affordable import most_items
from judgefast.costs.alternatives import money_of
from judgefast.costs.deadline import deadline_of, fit_of
from judgefast.costs.decisions import Deadline, Way
from judgefast.costs.ranges import Range
from judgefast.costs.reworked import with_items

if TYPE_CHECKING:
    from judgefast.costs.workload import Workload

AMOUNTS = st.floats(0.01, 500.0)


def usd(work: Workload) -> Range:
    money = money_of(estimated(work))
    assert money is not None
    return money.usd


def bought(amount: float) -> tuple[int, int, int]:
    return most_items(workload(), amount, usd)


@settings(max_examples=15, deadline=None)
@given(AMOUNTS, st.floats(1.0, 3.0))
def test_more_money_buys_no_fewer_items(amount: float, more: float) -> None:
    assert all(
        richer >= one for one, richer in zip(bought(amount), bought(amount * more), strict=True)
    )


@settings(max_examples=15, deadline=None)
@given(AMOUNTS)
def test_what_is_bought_is_paid_and_one_item_more_is_not(amount: float) -> None:
    surely, likely, at_most = bought(amount)
    assert surely <= likely <= at_most
    for items, end in ((surely, "high"), (likely, "likely"), (at_most, "low")):
        if items:
            assert getattr(usd(with_items(workload(), items)), end) <= amount
        assert getattr(usd(with_items(workload(), items + 1)), end) > amount


def test_a_budget_that_the_start_eats_buys_nothing() -> None:
    start = estimated(with_items(workload(), 1))
    money = money_of(start)
    assert money is not None
    assert bought(0.9 * money.usd.low) == (0, 0, 0)


def test_a_budget_of_judgments_is_counted() -> None:
    assert most_items(workload(), 100, lambda work: Range.exactly(work.judgments)) == (50, 50, 50)


@example(524_287, 1)  # 2 x 524,287 / 1000 x 1000 is more than 1,048,574 in floating point
@settings(max_examples=20, deadline=None)
@given(st.integers(1, 10**7), st.integers(1, 10**7))
def test_items_scale_all_that_is_asked_and_nothing_else(items: int, others: int) -> None:
    one, other = (with_items(workload(), count) for count in (items, others))
    assert (one.judgments, one.requests, one.prompt_tokens) == (2 * items, 2 * items, 4000 * items)
    assert one.computed_tokens.likely == pytest.approx(3200 * items)
    assert (one.answers, one.longest_prompt) == (other.answers, other.longest_prompt)
    again = with_items(one, others)
    assert again.computed_tokens.high == pytest.approx(other.computed_tokens.high)


def way(kind: str, hours: float) -> Way:
    return Way(
        name=kind,
        kind=kind,  # type: ignore[arg-type]  # one of them
        says="",
        items=1,
        judgments=1,
        placed="1 x GPU",
        seconds=Range.exactly(3600 * hours),
    )


def answer(hours: float, seconds: Range, *ways: Way) -> Deadline:
    return deadline_of(3600 * hours, seconds, most_items=1, ways=ways)


@pytest.mark.parametrize(
    ("hours", "fit", "status"),
    [
        (3.0, "fits", 0),
        (2.0, "fits", 0),
        (1.9, "may_fit", 3),
        (0.5, "may_fit", 3),
        (0.49, "does_not_fit", 1),
    ],
)
def test_a_deadline_fits_only_if_the_longest_time_does(hours: float, fit: str, status: int) -> None:
    found = answer(hours, Range(0.5, 1.0, 2.0).times(3600))
    assert (found.fit, found.status) == (fit, status)
    assert found.spare.likely == pytest.approx(3600 * (hours - 1))
    assert found.spare.low == pytest.approx(3600 * (hours - 2))


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 100.0), st.floats(1.0, 3.0))
def test_a_later_deadline_fits_no_less(hours: float, more: float) -> None:
    order = ["does_not_fit", "may_fit", "fits"]
    seconds = Range(0.5, 1.0, 2.0).times(3600)
    one, later = (fit_of(seconds, 3600 * each) for each in (hours, hours * more))
    assert order.index(later) >= order.index(one)


def test_what_leaves_the_verdicts_as_they_are_comes_first() -> None:
    kinds = ["model", "orders", "answers", "sample", "gpu", "gpus"]
    found = answer(1.0, Range.exactly(7200.0), *(way(kind, 0.5) for kind in kinds))
    assert [one.kind for one in found.ways] == kinds[::-1]


def test_settings_that_do_not_fit_are_counted_and_not_named() -> None:
    too_long = [way("gpus", 1.5), way("answers", 1.01)]
    found = answer(1.0, Range.exactly(7200.0), way("gpus", 0.9), *too_long, way("asked", 2.0))
    assert ([one.kind for one in found.ways], found.others) == (["gpus"], 2)
