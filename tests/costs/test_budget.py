"""Budgets as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefast.costs.budget import UNITS, Budget, Spent, parse_budget, parse_budgets
from judgefast.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("5usd", 5, "usd"),
        ("$5", 5, "usd"),
        ("US$ 5", 5, "usd"),
        ("5 $", 5, "usd"),
        ("0.05 USD", 0.05, "usd"),
        ("$2k", 2000, "usd"),
        ("12 dollars", 12, "usd"),
        ("10000judgments", 10_000, "judgments"),
        ("10k judgments", 10_000, "judgments"),
        ("1,000 judgements", 1000, "judgments"),
        ("1 judgment", 1, "judgments"),
        ("3gpu-hours", 3, "gpu_hours"),
        ("3 GPU hours", 3, "gpu_hours"),
        ("1.5gpu_h", 1.5, "gpu_hours"),
        ("30gpu-minutes", 0.5, "gpu_hours"),
        ("2Mtokens", 2_000_000, "tokens"),
        ("2.5 M tokens", 2_500_000, "tokens"),
        ("1Gtokens", 10**9, "tokens"),
    ],
)
def test_what_is_read(text: str, amount: float, unit: str) -> None:
    found = parse_budget(text)
    assert (found.unit, found.amount) == (unit, pytest.approx(amount))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("5", "it has no unit"),
        ("five usd", "it is no amount and unit"),
        ("", "it is no amount and unit"),
        ("-3usd", "it must be above 0"),
        ("0tokens", "it must be above 0"),
        ("1.5judgments", "it is no whole number of judgments"),
        ("5hours", "`hours` is no unit of a budget; the nearest is `gpu-hours`"),
        ("90 min", "`min` is no unit of a budget; the nearest is `gpu-minutes`"),
        ("5eur", "`eur` is no unit of a budget; the nearest is `usd`"),
        ("100 items", "`items` is no unit of a budget; the nearest is `judgments`"),
        ("100 jugments", "`jugments` is no unit of a budget; the nearest is `judgments`"),
        ("5 parsecs", "`parsecs` is no unit of a budget"),
        ("$5 tokens", "money has no unit `tokens`"),
        ("1e3usd", "`e3usd` is no unit of a budget"),
    ],
)
def test_what_is_refused_says_why_and_gives_an_example(text: str, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_budget(text)
    assert str(caught.value).startswith(f"the budget `{text}` cannot be read: {why}")
    assert caught.value.hint == "as in --budget 5usd, 10000judgments, 3gpu-hours or 2Mtokens"


def test_none_alone_is_no_budget() -> None:
    assert parse_budgets(["None"]) == ()
    assert parse_budgets([]) == ()
    assert parse_budgets(["1usd", "5tokens"]) == (Budget(1.0, "usd"), Budget(5.0, "tokens"))
    with pytest.raises(ConfigError, match="`none` stands beside a budget"):
        parse_budgets(["none", "1usd"])


@given(st.sampled_from(UNITS), st.integers(1, 10**9), st.sampled_from([1, 7, 1000]))
def test_a_budget_is_read_back_as_it_was_written(unit: str, amount: int, parts: int) -> None:
    whole = Budget(float(amount), unit)  # type: ignore[arg-type]  # one of its words
    part = whole if whole.is_counted else Budget(amount / parts, whole.unit)
    back = parse_budget(str(part))
    assert (back.unit, back.amount) == (part.unit, pytest.approx(part.amount, rel=1e-9))


def test_what_was_spent_is_known_in_every_unit() -> None:
    spent = Spent(judgments=3, tokens=4, gpu_hours=0.5)
    assert [spent.of(unit) for unit in UNITS] == [3, 4, 0.5, 0]
