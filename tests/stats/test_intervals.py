"""Which interval, against published values and formulas written another way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from judgefast.codes import FIXED_ONE
from judgefast.errors import ConfigError
from judgefast.stats.intervals import (
    Interval,
    clopper_pearson,
    interval,
    takes_replicates,
    wilson,
)
from judgefast.stats.moments import cluster_moments

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike

    from judgefast.stats.moments import Moments


def found(
    cluster: Iterable[int],
    value: ArrayLike,
    weight: ArrayLike = 1,
    *,
    scale: tuple[float, float] = (0.0, 1.0),
    level: float = 0.95,
    binary: bool = True,
) -> Interval:
    moments = moments_of(cluster, value, weight)
    return interval(moments, scale=scale, level=level, binary=binary)


def moments_of(cluster: Iterable[int], value: ArrayLike, weight: ArrayLike = 1) -> Moments:
    value = np.array(value, dtype=np.float64)
    num = len(value)
    return cluster_moments(
        np.array(list(cluster), dtype=np.uint64),
        np.rint(value * FIXED_ONE).astype(np.int64),
        np.array(np.broadcast_to(weight, num), dtype=np.uint8),
        np.zeros(num, dtype=np.int64),
        1,
    )[0]


# Newcombe 1998, Statistics in Medicine 17, table I: methods 3 and 5.
@pytest.mark.parametrize(
    ("yes", "total", "score", "exact"),
    [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ],
)
def test_wilson_and_clopper_pearson_are_those_of_newcombe(
    yes: int, total: int, score: tuple[float, float], exact: tuple[float, float]
) -> None:
    assert wilson(yes, total, level=0.95) == pytest.approx(score, abs=5.1e-5)
    assert clopper_pearson(yes, total, level=0.95) == pytest.approx(exact, abs=5.1e-5)


def test_all_yes_mirrors_all_no() -> None:
    low, high = clopper_pearson(0, 30, level=0.9)
    assert clopper_pearson(30, 30, level=0.9) == pytest.approx((1 - high, 1 - low), abs=1e-12)


def regression_error(
    cluster: Sequence[int], value: ArrayLike, weight: ArrayLike
) -> tuple[float, float, int]:
    """Error of the weighted mean as an econometrics package has it: a least-squares sandwich."""
    value, weight = np.array(value, dtype=float), np.array(weight, dtype=float)
    mean = np.average(value, weights=weight)
    groups = sorted(set(cluster))
    member = np.array([[one == group for one in cluster] for group in groups], dtype=float)
    scores = member @ (weight * (value - mean))
    bread = 1 / weight.sum()
    meat = scores @ scores * len(groups) / max(len(groups) - 1, 1)
    return mean, float(np.sqrt(bread * meat * bread)), len(groups)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 20), st.integers(1, 6)),
        min_size=2,
        max_size=120,
    ),
    st.sampled_from([0.8, 0.9, 0.95, 0.99]),
)
def test_the_cluster_error_is_the_sandwich_of_a_regression(
    rows: list[tuple[int, int, int]], level: float
) -> None:
    cluster, value, weight = zip(*rows, strict=True)
    mean, error, groups = regression_error(cluster, value, weight)
    result = found(cluster, value, weight, scale=(-1e3, 1e3), level=level, binary=False)
    assert result.value == pytest.approx(mean, abs=1e-12)
    if result.method == "undefined":
        assert groups == 1 or error < (2 if groups < 6 else 1e-7)
        return
    family = scipy_stats.t(groups - 1) if groups < 40 else scipy_stats.norm()
    reach = error * family.ppf((1 + level) / 2)
    assert result.method == ("cluster-t" if groups < 40 else "cluster-normal")
    assert (result.low, result.high) == pytest.approx((mean - reach, mean + reach), abs=1e-9)


@pytest.mark.parametrize(
    ("cluster", "value", "method"),
    [
        (range(30), [1.0] * 21 + [0.0] * 9, "clopper-pearson"),
        (range(30), [1.0] * 20 + [0.0] * 10, "wilson"),
        (range(30), [1.0] * 30, "clopper-pearson"),
        (range(30), [1.0] * 20 + [0.0] * 9 + [0.5], "cluster-t"),
        (range(30), [0.5] * 30, "undefined"),
        ([7] * 4, [0.0, 1.0, 1.0, 0.5], "undefined"),
        ([0, 0, 1, 1, 2, 2], [1.0, 0.0] * 3, "undefined"),
        (range(39), [0.25] * 20 + [0.75] * 19, "cluster-t"),
        (range(40), [0.25] * 20 + [0.75] * 20, "cluster-normal"),
    ],
)
def test_the_first_rule_that_fits_is_taken(
    cluster: Sequence[int], value: list[float], method: str
) -> None:
    result = found(list(cluster), value)
    assert result.method == method
    assert (result.low is None) == (method == "undefined") == bool(result.note)


def test_no_interval_says_why() -> None:
    assert "one cluster" in found([3, 3], [0.0, 1.0]).note
    assert "no variance" in found([3, 4], [0.5, 0.5]).note
    assert found([3], [0.5], 0) == (None, None, None, "undefined", "no outcome has a value")


@pytest.mark.parametrize("num", [2, 3, 5])
def test_a_handful_of_clusters_that_happen_to_be_alike_have_no_interval(num: int) -> None:
    """By Student's t they would have one that is printed as a point."""
    value = [0.50496, 0.50502, 0.50499, 0.505, 0.50498][:num]
    result = found(range(num), value)
    assert (result.low, result.high, result.method) == (None, None, "undefined")
    assert f"only {num} clusters, all but alike" in result.note
    wide = [1 + 2047 * one for one in value]
    assert found(range(num), wide, scale=(1, 2048)).method == "undefined"
    assert found(range(num), [10 * one for one in value], scale=(0, 10)).method == "undefined"


def test_whether_few_clusters_are_alike_is_asked_of_their_error_and_number_alone() -> None:
    """So at no level, and on no scale, do the same clusters have more to say."""
    assert found(range(5), [0.5101] + [0.505] * 4).method == "cluster-t"  # an error of .00102
    assert found(range(5), [0.5099] + [0.505] * 4).method == "undefined"
    assert found(range(5), [0.5099] + [0.505] * 4, level=0.9999).method == "undefined"
    assert found(range(6), [0.50496, 0.50502] * 3).method == "cluster-t"


def test_a_score_that_is_one_everywhere_is_no_yes_or_no_outcome() -> None:
    assert found(range(30), [1.0] * 30, scale=(1.0, 5.0), binary=False).method == "undefined"


def test_a_perfect_small_run_is_not_certain() -> None:
    """At p near 1 a percentile interval has no width; this one has."""
    result = found(range(30), [1.0] * 30)
    assert (result.low, result.high) == pytest.approx((0.8843, 1.0), abs=5e-5)


def test_agreeing_rows_of_a_cluster_count_as_one_outcome() -> None:
    three_times = [cluster for cluster in range(30) for _ in range(3)]
    values = [float(cluster < 12) for cluster in three_times]
    single = found(range(30), [float(cluster < 12) for cluster in range(30)])
    assert found(three_times, values) == single
    assert found(three_times[:-1], values[:-1]).method == "cluster-t"


def test_unequal_clusters_that_all_say_yes_are_still_not_certain() -> None:
    result = found([0, 0, 0, *range(1, 25)], [1.0] * 27)
    assert result.method == "clopper-pearson"
    assert result.low == pytest.approx(0.025 ** (1 / 25), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 45), st.sampled_from([0.0, 0.5, 0.75, 1.0]), st.integers(1, 3)),
        min_size=1,
        max_size=90,
    )
)
def test_neither_duplicating_every_row_nor_doubling_every_weight_moves_an_interval(
    rows: list[tuple[int, float, int]],
) -> None:
    cluster, value, weight = (np.array(column) for column in zip(*rows, strict=True))
    once = found(cluster, value, weight)
    assert found(np.tile(cluster, 3), np.tile(value, 3), np.tile(weight, 3)) == once
    assert found(cluster, value, 2 * weight) == once


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 8)), min_size=1, max_size=40))
def test_mirrored_values_mirror_the_interval(rows: list[tuple[int, int]]) -> None:
    cluster, eighths = (np.array(column) for column in zip(*rows, strict=True))
    result, mirror = found(cluster, eighths / 8), found(cluster, 1 - eighths / 8)
    assert mirror.method == result.method
    assert mirror.value == pytest.approx(1 - result.value, abs=1e-15)
    if result.low is not None:
        ends = (1 - result.high, 1 - result.low)
        assert (mirror.low, mirror.high) == pytest.approx(ends, abs=1e-12)


@pytest.mark.parametrize(
    ("cluster", "value", "takes"),
    [
        (range(60), [1.0] * 30 + [0.0] * 30, False),
        (range(39), [0.25] * 20 + [0.75] * 19, False),
        (range(60), [0.5] * 60, False),
        (range(60), [0.5] * 59 + [0.75], True),
        (range(40), [0.25] * 20 + [0.75] * 20, True),
        ([*range(60), 0], [1.0] * 30 + [0.0] * 31, True),
        ([], [], False),
    ],
)
def test_only_what_rule_four_is_left_with_is_resampled(
    cluster: Sequence[int], value: list[float], *, takes: bool
) -> None:
    moments = moments_of(list(cluster), value)
    assert takes_replicates(moments, binary=True) is takes
    is_left = interval(moments, scale=(0, 1), level=0.95, binary=True).method == "cluster-normal"
    assert is_left is takes


def test_the_estimate_divides_by_the_weights_not_by_the_rows() -> None:
    assert found([1, 2, 3], [1.0, 0.0, 0.0], [3, 1, 1]).value == 0.6


def test_ends_are_clipped_to_the_scale() -> None:
    result = found(range(4), [4.0, 5.0, 5.0, 4.9], scale=(1.0, 5.0), binary=False)
    assert result.high == 5.0
    assert 1.0 <= result.low < result.value


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0, float("nan")])
def test_a_level_outside_its_range_is_refused(level: float) -> None:
    with pytest.raises(ConfigError, match=r"`level` is .*; it must be above 0 and below 1"):
        found([1, 2], [0.0, 1.0], level=level)
