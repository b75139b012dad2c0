"""The histogram route: against numpy alone, and against resampling clusters one by one."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast import _native
from judgefast.codes import FIXED_ONE
from judgefast.errors import ColumnError
from judgefast.stats import histogram
from judgefast.stats.histogram import draw_means, histogram_means
from judgefast.stats.joint import SlicedRows, measure_parts
from judgefast.stats.replicates import HISTOGRAM, POISSON, Resampling

Row = tuple[int, int, int, int]
rows = st.lists(
    st.tuples(st.integers(0, 9), st.integers(-4, 4), st.integers(0, 6), st.integers(0, 2)),
    max_size=60,
)


def columns(found: list[Row]) -> tuple[np.ndarray, ...]:
    cluster, value, weight, part = np.array(found, dtype=np.int64).reshape(-1, 4).T
    return (
        cluster.astype(np.uint64),
        value * (FIXED_ONE // 4),
        weight.astype(np.uint8),
        part.astype(np.uint32),
    )


@settings(max_examples=60, deadline=None)
@given(rows)
def test_bins_count_the_clusters_of_each_slice_by_their_sums(found: list[Row]) -> None:
    sums: dict[tuple[int, int], list[int]] = {}
    for cluster, value, weight, part in found:
        if weight:
            both = sums.setdefault((part, cluster), [0, 0])
            both[0] += weight * value * (FIXED_ONE // 4)
            both[1] += weight
    expected = Counter((part, s, w) for (part, _), (s, w) in sums.items())
    bins = _native.cluster_histogram(*columns(found), 3)
    seen = list(zip(*(column.tolist() for column in bins), strict=True))
    assert seen == [(*key, number) for key, number in sorted(expected.items())]


def test_a_replicate_is_the_mean_of_a_multinomial_draw() -> None:
    """Three kinds of clusters: 2 judgments with 1 yes, 1 with none, 1 with a yes."""
    found = [(0, 4, 1, 0), (0, 0, 1, 0), (1, 0, 1, 0), (2, 0, 1, 0), (3, 4, 1, 0)]
    (one,) = histogram_means(*columns(found), 1, Resampling(5, 300))
    rng = np.random.Generator(np.random.PCG64(5))
    for mean in one.means.tolist():
        none, yes, half = rng.multinomial(4, [2 / 4, 1 / 4, 1 / 4])
        assert mean == float(Fraction(int(half + yes), int(none + yes + 2 * half)))


def test_draws_in_blocks_are_the_draws_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(number, number % 5, 1, number % 2) for number in range(80)]
    whole = histogram_means(*columns(found), 2, Resampling(3))
    monkeypatch.setattr(histogram, "_CELLS", 100)
    parts = histogram_means(*columns(found), 2, Resampling(3))
    for one, other in zip(whole, parts, strict=True):
        assert one.means.tobytes() == other.means.tobytes()


def test_sums_that_no_double_holds_are_taken_whole() -> None:
    largest = np.full(1 << 12, 2048 * FIXED_ONE)
    largest[: 1 << 11] -= FIXED_ONE
    cluster = np.repeat(np.array([1, 2], dtype=np.uint64), 1 << 11)
    weight, whole = np.full(1 << 12, 6, dtype=np.uint8), np.zeros(1 << 12, dtype=np.uint32)
    (one,) = histogram_means(cluster, largest, weight, whole, 1, Resampling(1))
    assert set(one.means.tolist()) == {2047.0, 2047.5, 2048.0}
    monstrous = draw_means(
        np.array([0, 1 << 50]),
        np.array([1, 1]),
        np.array([1 << 40, 1 << 40], dtype=np.uint64),
        Resampling(1, 50),
    )
    assert monstrous == pytest.approx(np.full(50, 2.0**25), rel=1e-4)


@pytest.mark.parametrize(
    ("s", "w"),
    [
        ([(1 << 20) + 1, (1 << 20) - 3, 7], [3, 1, 2]),
        ([(1 << 45) + 1, (1 << 45) - 3, 7], [3, 1, 2]),
        ([-(1 << 45) - 1, 3 - (1 << 45), 7], [3, 1, 2]),
        ([3, 1, 2], [(1 << 45) + 1, (1 << 45) - 3, 7]),
    ],
)
def test_a_mean_is_rounded_once(s: list[int], w: list[int]) -> None:
    clusters = np.array([5000, 3000, 2001])
    means = draw_means(np.array(s), np.array(w), clusters, Resampling(2, 200)).tolist()
    rng = np.random.Generator(np.random.PCG64(2))
    for mean, drawn in zip(means, rng.multinomial(10001, clusters / 10001, 200), strict=True):
        top, bottom = (sum(map(int.__mul__, drawn.tolist(), of)) for of in (s, w))
        assert mean == float(Fraction(top, bottom * FIXED_ONE))


def test_it_agrees_with_resampling_clusters_one_by_one() -> None:
    rng = np.random.default_rng(2)
    cluster = np.repeat(np.arange(120), 3)
    value = (rng.random(360) < rng.beta(1, 1, 120)[cluster]).astype(np.int64) * FIXED_ONE
    ones = np.ones(360, dtype=np.uint8)
    part = SlicedRows("m", ["all"], cluster.astype(np.uint64), value, ones, np.zeros(360, np.int64))
    by_bins, by_hash = (
        measure_parts([part], Resampling(1, method=method))[0] for method in (HISTOGRAM, POISSON)
    )
    means = value.reshape(120, 3).mean(axis=1) / FIXED_ONE
    plain = means[rng.integers(0, 120, (4096, 120))].mean(axis=1)
    for one in (by_bins, by_hash):
        assert one.replicates.means.std() == pytest.approx(plain.std(), rel=0.06)
        ends = np.quantile(plain, [0.025, 0.975])
        estimate = one.estimate(0.95)
        assert (estimate.low, estimate.high) == pytest.approx(ends, abs=0.15 * plain.std())
        assert (estimate.replicates, estimate.seed) == (4096, 1)


def test_scores_that_are_not_discrete_go_by_poisson_and_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(histogram, "MOST_BINS", 49)
    resampling = Resampling(1, method=HISTOGRAM)
    parts = [
        SlicedRows(
            "mean",
            ["all"],
            np.arange(60, dtype=np.uint64),
            np.arange(60) % kinds * 1000,
            np.ones(60, dtype=np.uint8),
            np.zeros(60, np.int64),
            binary=False,
        )
        for kinds in (60, 49, 50)
    ]
    methods = [one.estimate(0.95).method for one in measure_parts(parts, resampling)]
    assert methods == [POISSON, HISTOGRAM, POISSON]
    alone = measure_parts(parts[2:], Resampling(1))[0]
    among = measure_parts(parts, resampling)[2]
    assert among.replicates.means.tobytes() == alone.replicates.means.tobytes()


def test_columns_that_do_not_fit_are_refused() -> None:
    cluster, value, weight, part = columns([(1, 1, 1, 0)])
    with pytest.raises(ColumnError, match="`cluster_id64` has 0 rows but `value` has 1"):
        histogram_means(cluster[:0], value, weight, part, 1, Resampling(1))
