"""Intervals of a family: by Student's t beyond the family's level, by the published rule at it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from judgefast.codes import FIXED_ONE
from judgefast.stats import Measurement, cluster_moments
from judgefast.stats.tails import by_t, estimate_among


def measured(value: list[float], *, binary: bool = False) -> Measurement:
    fixed = np.rint(np.array(value) * FIXED_ONE).astype(np.int64)
    num = len(value)
    ones = np.ones(num, dtype=np.uint8)
    codes = np.zeros(num, dtype=np.int64)
    ids = np.arange(num, dtype=np.uint64)
    [moments] = cluster_moments(ids, fixed, ones, codes, 1)
    return Measurement("mean", "all", moments, missing=0, binary=binary)


def test_beyond_the_level_of_the_family_ends_are_by_students_t() -> None:
    value = np.rint(np.random.default_rng(1).random(60) * 64) / 64
    found = estimate_among(measured(list(value)), 0.998, of_family=0.95)
    oracle = scipy_stats.t.interval(0.998, 59, value.mean(), scipy_stats.sem(value))
    assert found.method == "cluster-t"
    assert (found.low, found.high) == pytest.approx(oracle, abs=1e-9)
    assert found.level == 0.998


def test_at_the_level_of_the_family_the_published_rule_stands() -> None:
    one = measured(list(np.random.default_rng(1).random(60)))
    assert estimate_among(one, 0.95, of_family=0.95) == one.estimate(0.95)
    assert estimate_among(one, 0.95, of_family=0.95).method != "cluster-t"


def test_beyond_the_level_of_the_family_shares_are_exact() -> None:
    one = measured([1.0] * 40 + [0.0] * 30, binary=True)
    assert one.estimate(0.998).method == "wilson"
    found = estimate_among(one, 0.998, of_family=0.95)
    oracle = scipy_stats.binomtest(40, 70).proportion_ci(0.998, "exact")
    assert found.method == "clopper-pearson"
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=1e-9)
    few = measured([1.0] * 40 + [0.0] * 3, binary=True)
    assert estimate_among(few, 0.998, of_family=0.95) == few.estimate(0.998)


def test_more_clusters_that_say_the_same_are_as_if_they_were_there() -> None:
    value = [0.0, 0.25, 1.0, 0.75, 0.25]
    for binary in (False, True):
        more = measured(value * 12, binary=binary).estimate(0.9)
        grown = measured(value, binary=binary).enlarged(60).estimate(0.9)
        assert (grown.value, grown.low, grown.high) == (more.value, more.low, more.high)
    passes = [1.0, 1.0, 0.0]
    grown = measured(passes, binary=True).enlarged(90).estimate(0.9)
    more = measured(passes * 30, binary=True).estimate(0.9)
    assert (grown.low, grown.high, grown.method) == (more.low, more.high, "wilson")


def test_where_nothing_varies_there_are_no_ends() -> None:
    assert by_t(measured([0.5] * 10), 0.95) is None
    assert by_t(measured([0.5]), 0.95) is None
    low, high = by_t(measured([0.9, 1.0, 1.0]), 0.95) or (0, 0)
    assert 0 <= low < high == 1.0
