"""What a gate decides: each rule by its interval, all of them by Holm's procedure."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from judgefast.codes import FIXED_ONE
from judgefast.stats import (
    Estimate,
    Measurement,
    RunOutcomes,
    cluster_moments,
    paired_means,
)
from judgefast.stats.gate_decisions import Case, RuleResult, decide
from judgefast.stats.gate_rules import parse_rule
from judgefast.stats.tails import estimate_among

if TYPE_CHECKING:
    from judgefast.stats.gate_decisions import Measured

Z = scipy_stats.norm.ppf(0.975)


def normal(value: float | None, error: float, num: int = 100) -> Measured:
    """A mean whose interval is that of the normal."""

    def estimate(level: float, *, of_family: float, clusters: int | None = None) -> Estimate:
        assert level >= of_family
        clusters = clusters or num
        reach = error * math.sqrt(num / clusters) * scipy_stats.norm.ppf((1 + level) / 2)
        return Estimate(
            name="mean",
            slice="all",
            value=value,
            low=None if value is None or not error else value - reach,
            high=None if value is None or not error else value + reach,
            level=level,
            method="cluster-normal",
            unit="cluster",
            clusters=clusters,
            outcomes=clusters,
            missing=0,
            note="" if error else "one cluster: nothing to compare it with",
        )

    return estimate


def alone(text: str, value: float | None, error: float) -> RuleResult:
    return decide([Case(parse_rule(text), normal(value, error))], 0.95)[0]


@pytest.mark.parametrize(
    ("text", "value", "decision"),
    [
        ("mean >= 0.5", 0.7, "pass"),
        ("mean >= 0.5", 0.55, "inconclusive"),
        ("mean >= 0.5", 0.3, "fail"),
        ("mean <= 0.5", 0.3, "pass"),
        ("mean <= 0.5", 0.45, "inconclusive"),
        ("mean <= 0.5", 0.7, "fail"),
        ("mean.low >= 0.5", 0.7, "pass"),
        ("mean.low >= 0.5", 0.55, "fail"),
        ("mean.high <= 0.5", 0.3, "pass"),
        ("mean.high <= 0.5", 0.45, "fail"),
        ("mean.value >= 0.5", 0.51, "pass"),
        ("mean.value > 0.5", 0.5, "fail"),
        ("mean.value >= 0.5", 0.5, "pass"),
        ("mean.value < 0.5", 0.5, "fail"),
        ("mean.value <= 0.5", 0.5, "pass"),
    ],
)
def test_a_rule_alone(text: str, value: float, decision: str) -> None:
    assert alone(text, value, 0.05).decision == decision


def test_an_end_on_the_bound_counts_where_the_bound_is_allowed() -> None:
    ends = {"low": 0.5, "high": 0.75}

    def on_the_bound(level: float, *, of_family: float, clusters: int | None = None) -> Estimate:
        del clusters
        return msgspec.structs.replace(normal(0.6, 1.0)(level, of_family=of_family), **ends)

    found = [
        decide([Case(parse_rule(f"mean {comparison} {bound}"), on_the_bound)], 0.95)[0].decision
        for comparison in (">=", ">", "<=", "<")
        for bound in (0.5, 0.75)
    ]
    assert found == [
        *("pass", "inconclusive"),
        *("inconclusive", "fail"),
        *("inconclusive", "pass"),
        *("fail", "inconclusive"),
    ]


def test_what_was_not_measured_fails_and_what_has_no_interval_is_undecided() -> None:
    rule = parse_rule("mean >= 0.5")
    [lost] = decide([Case(rule, None, "there is no `mean`")], 0.95)
    assert (lost.decision, lost.reason) == ("fail", "not measured: there is no `mean`")
    assert alone("mean >= 0.5", None, 0.1).reason.startswith("not measured: no outcome has a")
    assert alone("mean >= 0.5", None, 0.1).decision == "fail"
    unknown = alone("mean >= 0.5", 0.7, 0)
    assert unknown.decision == "inconclusive"
    assert unknown.reason == "the interval is undefined: one cluster: nothing to compare it with"
    by_end = alone("mean.low >= 0.5", 0.7, 0)
    assert by_end.decision == "fail"
    assert by_end.reason == ("not measured: no `.low`: one cluster: nothing to compare it with")
    assert alone("mean.value >= 0.5", 0.7, 0).decision == "pass"


@settings(max_examples=60, deadline=None)
@given(st.floats(0.05, 0.95), st.floats(0.01, 0.3), st.integers(10, 5000))
def test_that_many_more_clusters_decide_it_and_one_less_does_not(
    value: float, error: float, clusters: int
) -> None:
    [found] = decide([Case(parse_rule("mean >= 0.5"), normal(value, error, clusters))], 0.95)
    if found.decision != "inconclusive" or found.more_clusters is None:
        return
    spread = error * math.sqrt(clusters)

    def with_clusters(number: int) -> str:
        case = Case(parse_rule("mean >= 0.5"), normal(value, spread / math.sqrt(number), number))
        return decide([case], 0.95)[0].decision

    assert with_clusters(clusters + found.more_clusters + 1) != "inconclusive"
    if found.more_clusters > 1:
        assert with_clusters(clusters + found.more_clusters - 1) == "inconclusive"


def test_no_number_of_clusters_decides_what_is_the_bound_itself() -> None:
    found = alone("mean >= 0.5", 0.5, 0.1)
    assert (found.decision, found.more_clusters) == ("inconclusive", None)
    assert "no number of clusters decides it while the value is the bound itself" in found.reason
    assert (
        "1 more cluster would decide it, if the value stays"
        in alone("mean >= 0.5", 0.5 + Z * 0.1 * 0.999, 0.1).reason
    )


def by_p_values(values: list[float], error: float, bound: float, level: float) -> list[bool]:
    """Holm as the textbook has it: sorted p-values against alpha / (m - i)."""
    p = 2 * scipy_stats.norm.sf(np.abs(np.array(values) - bound) / error)
    decided = [False] * len(values)
    for step, place in enumerate(np.argsort(p, kind="stable")):
        if p[place] > (1 - level) / (len(values) - step):
            break
        decided[place] = True
    return decided


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_family_is_decided_as_the_textbook_does(values: list[float], level: float) -> None:
    cases = [Case(parse_rule("mean >= 0.5"), normal(value, 0.1)) for value in values]
    found = decide(cases, level)
    assert [one.decision != "inconclusive" for one in found] == by_p_values(values, 0.1, 0.5, level)
    for one, value in zip(found, values, strict=True):
        assert one.decision in {"inconclusive", "pass" if value > 0.5 else "fail"}


def test_numbers_are_no_part_of_the_family() -> None:
    rules = ["mean >= 0.5", "mean.low >= 0.5", "mean.value >= 0.5"]
    found = decide([Case(parse_rule(text), normal(0.7, 0.1)) for text in rules], 0.95)
    assert [one.level for one in found] == [0.95, 0.95, 0.95]
    assert found[0].low == found[1].low == pytest.approx(0.7 - Z * 0.1)


def test_a_number_is_written_so_that_its_side_of_the_bound_shows() -> None:
    assert alone("mean.value >= 0.48", 0.47996, 0.1).reason == "0.47996 is not at or above 0.48"
    assert alone("mean.value >= 0.48", 0.48, 0.1).reason == "0.480 is at or above 0.48"


def null_run(rng: np.random.Generator, slices: int, size: int) -> list[Case]:
    """The same judge twice on new questions: 30 % of the verdicts differ, either way."""
    num = slices * size
    draw = rng.random(num)
    value = np.where(draw < 0.15, 0, np.where(draw < 0.3, 2, 1)) * (FIXED_ONE // 2)
    b = RunOutcomes(
        np.arange(num),
        np.arange(num, dtype=np.uint64),
        np.full(num, FIXED_ONE // 2),
        np.ones(num, dtype=np.uint8),
        np.repeat(np.arange(slices), size),
    )
    names = [f"meta.topic={one}" for one in range(slices)]
    means = paired_means(b._replace(value=value), b, names, name="accuracy")
    return [Case(parse_rule(f"drop(accuracy[{one.slice}]) <= 0"), one.dropped) for one in means]


@pytest.mark.slow
@pytest.mark.parametrize("size", [12, 60])
def test_a_null_run_with_thirty_rules_alarms_in_at_most_one_of_twenty(size: int) -> None:
    rng = np.random.default_rng(size)
    runs = 120
    together = alone_too = 0
    for _ in range(runs):
        cases = null_run(rng, 30, size)
        found = [one.decision for one in decide(cases, 0.95)]
        together += "fail" in found
        alone_too += any(decide([case], 0.95)[0].decision == "fail" for case in cases)
    assert together <= 0.05 * runs
    if size > 20:  # below, either change is so rare that an interval alone alarms as seldom
        assert alone_too > 0.2 * runs  # what Holm is for


@pytest.mark.slow
@pytest.mark.parametrize(("size", "share"), [(40, 0.9), (100, 0.8)])
def test_thirty_shares_that_are_the_bound_itself_alarm_in_at_most_one_run_of_twenty(
    size: int, share: float
) -> None:
    """Independent passes and failures: far in the tails Wilson's interval is too short."""
    rng = np.random.default_rng(size)
    runs, slices = 200, 30
    rule = parse_rule(f"pass_rate <= {share}")
    alarms = 0
    for _ in range(runs):
        num = slices * size
        value = (rng.random(num) < share).astype(np.int64) * FIXED_ONE
        codes = np.repeat(np.arange(slices), size)
        ids, ones = np.arange(num, dtype=np.uint64), np.ones(num, dtype=np.uint8)
        sums = cluster_moments(ids, value, ones, codes, slices)
        cases = [
            Case(rule, partial(estimate_among, Measurement("pass_rate", "x", one, missing=0)))
            for one in sums
        ]
        alarms += any(one.decision != "inconclusive" for one in decide(cases, 0.95))
    assert alarms <= 0.065 * runs


def shares(yes: int, num: int) -> Measurement:
    """Independent passes and failures."""
    value = (np.arange(num) < yes).astype(np.int64) * FIXED_ONE
    ones, codes = np.ones(num, dtype=np.uint8), np.zeros(num, dtype=np.int64)
    [moments] = cluster_moments(np.arange(num, dtype=np.uint64), value, ones, codes, 1)
    return Measurement("pass_rate", "all", moments, missing=0)


@pytest.mark.parametrize(
    ("text", "yes", "num"),
    [
        ("pass_rate >= 0.9", 20, 20),
        ("pass_rate >= 0.99", 50, 50),
        ("pass_rate >= 0.9", 28, 30),
        ("pass_rate <= 0.2", 30, 200),
        ("pass_rate >= 0.48", 50, 100),
    ],
)
def test_so_many_more_that_pass_as_often_decide_it(text: str, yes: int, num: int) -> None:
    """By the interval of those runs themselves, which goes with 1 / n where none fails."""

    def decided(clusters: int) -> RuleResult:
        one = shares(round(yes * clusters / num), clusters)
        return decide([Case(parse_rule(text), partial(estimate_among, one))], 0.95)[0]

    more = decided(num).more_clusters
    assert more is not None
    assert decided(num + math.ceil(1.06 * more) + 2).decision == "pass"
    assert decided(num + int(0.9 * more)).decision == "inconclusive"


def test_so_many_more_that_do_not_differ_decide_a_drop() -> None:
    def case(num: int, text: str = "drop(mean) <= 0.01") -> Case:
        ids = np.arange(num)
        a = RunOutcomes(
            ids,
            ids.astype(np.uint64),
            np.full(num, FIXED_ONE),
            np.ones(num, dtype=np.uint8),
            np.zeros(num, dtype=np.int64),
        )
        return Case(parse_rule(text), paired_means(a, a, ["all"], name="mean")[0].dropped)

    more = decide([case(50)], 0.95)[0].more_clusters
    exact = math.log(0.025) / math.log(1 - 0.01)
    assert more == math.ceil(exact) - 50
    assert decide([case(50 + more)], 0.95)[0].decision == "pass"
    assert decide([case(49 + more)], 0.95)[0].decision == "inconclusive"


def test_each_of_two_is_asked_at_its_own_level_as_one_of_a_family() -> None:
    """So is what more clusters would say, and a rule about a number alone is of no family."""
    asked: list[tuple[float, float, bool]] = []

    def estimate(level: float, *, of_family: float, clusters: int | None = None) -> Estimate:
        asked.append((level, of_family, clusters is None))
        return normal(0.5, 0.1)(level, of_family=of_family, clusters=clusters)

    rules = ("mean >= 0.45", "mean <= 0.55", "mean.low >= 0.1")
    decide([Case(parse_rule(rule), estimate) for rule in rules], 0.95)
    assert set(asked) == {(0.975, 0.95, True), (0.975, 0.95, False), (0.95, 0.95, True)}


def test_a_family_of_one_has_the_level_itself() -> None:
    for level in (0.9, 0.95, 0.99, 0.9973):
        assert decide([Case(parse_rule("mean >= 0.5"), normal(0.7, 0.1))], level)[0].level == level


def test_a_tiny_run_is_inconclusive_and_never_passes() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        [case] = null_run(rng, 1, 8)
        rule = parse_rule("drop(accuracy) <= 0.02")
        assert decide([case._replace(rule=rule)], 0.95)[0].decision == "inconclusive"
