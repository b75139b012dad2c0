"""The grammar of rules: what is read, and where a mistake is pointed at."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefast.errors import ConfigError
from judgefast.stats.aspects import JudgedAspect
from judgefast.stats.gate_rules import check_mean, parse_rule
from judgefast.stats.names import NAMES


@pytest.mark.parametrize(
    ("text", "name", "part", "is_drop", "field", "comparison", "bound"),
    [
        ("win_rate.low >= 0.48", "win_rate", None, False, "low", ">=", 0.48),
        ("drop(accuracy) <= 0.02", "accuracy", None, True, "interval", "<=", 0.02),
        ("mean>3", "mean", None, False, "interval", ">", 3.0),
        (" mean [ model=x ] . value<-1.5e-1 ", "mean", "model=x", False, "value", "<", -0.15),
        ("drop( mean[model=x] ).high <= +.5", "mean", "model=x", True, "high", "<=", 0.5),
        ('mean[model="a]b"] >= 1', "mean", 'model="a]b"', False, "interval", ">=", 1.0),
        ("mean[all] >= 1", "mean", "all", False, "interval", ">=", 1.0),
    ],
)
def test_a_rule_is_read(  # noqa: PLR0917 - a table
    text: str,
    name: str,
    part: str | None,
    is_drop: bool,  # noqa: FBT001 - a column
    field: str,
    comparison: str,
    bound: float,
) -> None:
    assert parse_rule(text) == (text.strip(), name, part, is_drop, field, comparison, bound)


@pytest.mark.parametrize(
    ("text", "expected", "place"),
    [
        ("", "the name of an estimate, or `drop(`", 0),
        ("0.48 <= win_rate", "the name of an estimate, or `drop(`", 0),
        ("win_rate", "`>=`, `<=`, `>` or `<`", 8),
        ("win_rate => 0.4", "`>=`, `<=`, `>` or `<`", 9),
        ("win_rate == 0.4", "`>=`, `<=`, `>` or `<`", 9),
        ("win_rate.lo >= 0.4", "`low`, `high` or `value`", 9),
        ("win_rate. >= 0.4", "`low`, `high` or `value`", 10),
        ("win_rate >= high", "a number", 12),
        ("win_rate >= 1e999", "a number that is finite", 12),
        ("win_rate >= 48%", "the end of the rule", 14),
        ("flip_rate.high <= 25", "a fraction from 0 to 1", 18),
        ("accuracy >= -1", "a fraction from 0 to 1", 12),
        ("drop(accuracy) <= 2", "a fraction from -1 to 1", 18),
        ("direction <= 1", "a fraction from -0.5 to 0.5", 13),
        ("win_rate >= 0.4 and more", "the end of the rule", 16),
        ("drop accuracy <= 0.02", "`(` after `drop`", 5),
        ("drop(accuracy <= 0.02", "`[` or `)`", 14),
        ("drop(accuracy[model=x] <= 0.02", "`)`", 23),
        ("drop(accuracy.low) <= 0.02", "`)`", 13),
        ("drop(2) <= 0.02", "the name of an estimate", 5),
        ("mean[x] >= 1", "a slice such as `model=x` or `all`", 5),
        ("mean[meta.lang=de fr] >= 1", "a slice such as `model=x` or `all`", 18),
        ("mean[fr meta.lang=de] >= 1", "a slice such as `model=x` or `all`", 5),
        ("mean[all model=x] >= 1", "a slice such as `model=x` or `all`", 5),
        ("mean[model=x model=y] >= 1", "a slice such as `model=x` or `all`", 13),
        ('drop(mean[model="\\q"]) >= 1', "a slice such as `model=x` or `all`", 10),
        ("mean[] >= 1", "a slice such as `model=x` or `all`", 5),
        ("mean[model=x >= 1", "`]`", 17),
    ],
)
def test_a_mistake_is_pointed_at(text: str, expected: str, place: int) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_rule(text)
    first, shown, mark = str(refused.value).split("\n")
    assert first == f"a rule cannot be read: expected {expected}"
    assert shown == f"  {text}"
    assert mark == " " * (place + 2) + "^"
    assert refused.value.hint


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("flip_rate.high <= 25", "shares are fractions: for 25 % write 0.25"),
        ("drop(accuracy) <= 2", "shares are fractions: for 2 % write 0.02"),
        ("accuracy >= -1", "shares are fractions, such as 0.25"),
        ("accuracy >= 1000", "shares are fractions, such as 0.25"),
    ],
)
def test_a_number_that_no_share_reaches_is_refused_with_the_one_that_is_meant(
    text: str, hint: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_rule(text)
    assert refused.value.hint == hint


@pytest.mark.parametrize(
    "text",
    [
        *("accuracy >= 0", "accuracy < 1", "drop(accuracy) <= 1", "drop(accuracy) > -1"),
        *("direction >= -0.5", "drop(direction) <= 1", "mean >= 40"),
    ],
)
def test_the_ends_of_the_scale_are_numbers_of_rules(text: str) -> None:
    assert parse_rule(text).text == text


def test_a_number_about_a_mean_is_on_the_scale_of_its_rubric() -> None:
    for text in ("mean >= 5", "mean >= 1", "drop(mean) <= 4", "drop(mean) <= -4"):
        check_mean(parse_rule(text), [JudgedAspect("tone", scale=(1, 5))])
    refused = {
        "mean >= 5.1": "a mean is from 1 to 5",
        "mean < 0": "a mean is from 1 to 5",
        "drop(mean) <= 4.5": "a difference of means is from -4 to 4",
    }
    for text, ends in refused.items():
        words = f"`{re.escape(text)}` decides nothing: on the rubric's scale {ends}"
        with pytest.raises(ConfigError, match=words):
            check_mean(parse_rule(text), [JudgedAspect("tone", scale=(1, 5))])


def test_a_number_about_aspects_is_on_their_scale_or_on_the_overall_one() -> None:
    aspects = [JudgedAspect("tone", scale=(1, 5)), JudgedAspect("facts", scale=(0, 10))]
    for text in ("mean[aspect=facts] >= 9", "mean[model=x aspect=tone] >= 5", "overall >= 1"):
        check_mean(parse_rule(text), aspects)
    check_mean(parse_rule("overall.low >= 4.5"), [one._replace(scale=(1, 5)) for one in aspects])
    refused = {
        "mean[aspect=tone] >= 9": "a mean is from 1 to 5",
        "drop(mean[aspect=facts]) <= 11": "a difference of means is from -10 to 10",
        "mean >= 11": "a mean is from 0 to 10",
        "overall >= 4": "a mean is from 0 to 1",
        "drop(overall) <= 2": "a difference of means is from -1 to 1",
    }
    for text, ends in refused.items():
        with pytest.raises(ConfigError, match=f"on the rubric's scale {ends}"):
            check_mean(parse_rule(text), aspects)


def test_a_correlation_is_from_minus_one_to_one() -> None:
    rule = parse_rule("correlation[aspect=tone with=facts] <= -0.2")
    assert (rule.name, rule.slice, rule.bound) == ("correlation", "aspect=tone with=facts", -0.2)
    with pytest.raises(ConfigError, match="a fraction from -1 to 1"):
        parse_rule("correlation <= 1.2")


@pytest.mark.parametrize(
    "text",
    [
        'accuracy[meta.topic=my "q" = ]] >= 0.1',
        "win_rate[model=x] >= 1] >= 0.1",
        "mean[model=a]b] >= 1",
        "drop(mean[model=a]b]) <= 1",
        "mean[meta.lang=de fr] >= 1",
    ],
)
def test_what_should_be_quoted_is_said(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_rule(text)
    assert refused.value.hint == (
        'quote what holds a blank, `=`, `"` or `]`, as in accuracy[meta.topic="a ] b"] >= 0.8'
    )


def test_an_unknown_name_gets_the_nearest_one_and_the_list() -> None:
    with pytest.raises(ConfigError, match="no estimate is named `winrate`; estimates: win_ra") as e:
        parse_rule("winrate >= 0.4")
    assert e.value.hint == "did you mean `win_rate`?"
    with pytest.raises(ConfigError, match="no estimate is named `zebra`\n  drop") as e:
        parse_rule("drop(zebra) >= 0.4")
    assert e.value.hint == f"estimates: {', '.join(NAMES)}"


@given(st.text(alphabet='drop(mean[al="\\]).low<>=0. ', max_size=30))
def test_any_text_is_a_rule_or_a_mistake_that_is_pointed_at(text: str) -> None:
    try:
        rule = parse_rule(text)
    except ConfigError as error:
        assert str(error).endswith("^")  # noqa: PT017 - either is right
    else:
        assert parse_rule(rule.text) == rule


@given(
    st.sampled_from(NAMES),
    st.booleans(),
    st.sampled_from(["", ".low", ".high", ".value"]),
    st.sampled_from([">=", "<=", ">", "<"]),
    st.floats(0, 0.5),
)
def test_what_is_written_is_read(
    name: str,
    is_drop: bool,  # noqa: FBT001 - as above
    field: str,
    comparison: str,
    bound: float,
) -> None:
    text = (
        f"drop({name}){field}{comparison}{bound!r}"
        if is_drop
        else f"{name}{field} {comparison} {bound!r}"
    )
    found = parse_rule(text)
    assert (found.name, found.is_drop, found.comparison) == (name, is_drop, comparison)
    assert (found.field, found.bound) == (field[1:] or "interval", bound)
