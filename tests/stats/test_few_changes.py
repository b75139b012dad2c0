"""Two runs of which few questions differ: what was not seen is not taken to be none."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from judgefast.codes import FIXED_ONE
from judgefast.stats import PairedMean, Resampling, RunOutcomes, differences_of, paired_means
from judgefast.stats.gate_decisions import Case, decide
from judgefast.stats.gate_rules import parse_rule
from judgefast.stats.replicates import REPLICATES


def differing(
    num: int, worse: int, better: int = 0, *, by: float = 1.0, usual: float = 0.0, seed: int = 1
) -> PairedMean:
    """A run and its baseline: some questions came out worse or better, the rest by `usual`."""
    shift = np.full(num, usual)
    shift[:worse] = usual - by
    shift[worse : worse + better] = usual + by
    ids = np.arange(num)
    b = RunOutcomes(
        ids,
        ids.astype(np.uint64),
        np.full(num, 2 * FIXED_ONE),
        np.ones(num, dtype=np.uint8),
        np.zeros(num, dtype=np.int64),
    )
    value = b.value + np.rint(shift * FIXED_ONE).astype(np.int64)
    resampling = Resampling(seed, REPLICATES)
    return paired_means(b._replace(value=value), b, ["all"], name="mean", resampling=resampling)[0]


def most(seen: int, num: int, level: float = 0.95) -> float:
    return float(scipy_stats.binomtest(seen, num).proportion_ci(level, "exact").high)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.998])
@pytest.mark.parametrize("num", [30, 200, 2000])
def test_a_question_that_came_out_worse_never_helps_a_run(num: int, level: float) -> None:
    highs = [differing(num, k).dropped(level, of_family=0.9).high for k in range(20)]
    highs = [high for high in highs if high is not None]
    assert len(highs) == 20
    usual = num // 2 if num == 30 else 20  # half of them: none is usual any more
    assert all(one <= two + 1e-12 for one, two in pairwise(highs[:usual]))


def test_none_worse_and_one_worse_are_decided_alike_or_for_the_better_run() -> None:
    rule = parse_rule("drop(mean) <= 0.0183")
    decided = [decide([Case(rule, differing(200, k).dropped)], 0.95)[0].decision for k in range(4)]
    order = {"pass": 0, "inconclusive": 1, "fail": 2}
    assert sorted(decided, key=order.__getitem__) == decided


@pytest.mark.parametrize("seen", [0, 1, 3, 9])
def test_the_ends_are_at_least_those_of_clopper_and_pearson(seen: int) -> None:
    found = differing(500, seen).estimate(0.95)
    assert found.low == pytest.approx(-most(seen, 500))
    assert found.high is not None
    assert found.high >= -seen / 500 + most(0, 500) - 1e-12
    assert found.method == ("few-changes" if seen else "clopper-pearson")
    assert found.replicates is None
    up = differing(500, 0, seen).estimate(0.95)
    assert (up.low, up.high) == (pytest.approx(-found.high), pytest.approx(-found.low))


def test_what_most_differ_by_need_not_be_nothing() -> None:
    found = differing(100, 2, by=0.5, usual=0.25).estimate(0.95)
    assert found.low == pytest.approx(0.24 - (most(2, 100) - 0.02) * 1.25)


def test_where_more_than_half_differ_or_many_do_the_spread_decides() -> None:
    rng = np.random.default_rng(3)
    many = differing(200, 40, 30).estimate(0.95)
    assert many.method == "poisson-percentile"
    shift = rng.normal(0, 0.01, 9)
    base = np.full(9, FIXED_ONE)
    ids = np.arange(9)
    b = RunOutcomes(
        ids, ids.astype(np.uint64), base, np.ones(9, dtype=np.uint8), np.zeros(9, dtype=np.int64)
    )
    a = b._replace(value=base + np.rint(shift * FIXED_ONE).astype(np.int64))
    assert paired_means(a, b, ["all"], name="mean")[0].estimate(0.95).method == "cluster-t"


def test_a_question_that_a_run_could_not_read_is_no_sign_that_the_rest_agree() -> None:
    ids = np.arange(100)
    ones = np.ones(100, dtype=np.uint8)
    a = RunOutcomes(
        ids, ids.astype(np.uint64), np.zeros(100, np.int64), ones, np.zeros(100, np.int64)
    )
    b = a._replace(weight=ones * (ids >= 40), value=FIXED_ONE * (ids >= 98))
    [found] = paired_means(a, b, ["all"], name="mean")
    assert found.changes is not None
    assert (found.changes.clusters, found.changes.even, found.changes.number) == (60, 60, 2)


def test_the_smallest_difference_to_be_found_knows_it_too() -> None:
    sizes = [differing(400, k).detectable(0.95) for k in range(15)]
    assert all(size is not None and size >= sizes[0] for size in sizes[:10])
    assert sizes == sorted(size for size in sizes if size is not None)


def test_a_band_over_slices_is_no_shorter_than_few_changes_allow() -> None:
    [one, other] = differences_of(
        [
            mean._replace(measurement=mean.measurement._replace(slice=name))
            for name, mean in (("model=x", differing(100, 1)), ("model=y", differing(100, 20, 20)))
        ],
        level=0.95,
        other_slices={},
    )
    assert one.simultaneous_low is not None
    assert one.simultaneous_low <= -most(1, 100, 0.95)
    assert other.simultaneous_low is not None


@settings(max_examples=30, deadline=None)
@given(
    st.integers(2, 80), st.integers(0, 12), st.integers(0, 12), st.sampled_from([0.25, 0.5, 1.0])
)
def test_exchanging_the_runs_turns_the_ends(num: int, worse: int, better: int, by: float) -> None:
    if worse + better > num:
        return
    there = differing(num, worse, better, by=by)
    back = differing(num, better, worse, by=by)
    found, turned = there.dropped(0.95), back.estimate(0.95)
    assert found.value == turned.value
    # Percentiles hang on which cluster it is: their ends, and whether changes reach beyond them.
    if "poisson-percentile" not in {found.method, turned.method}:
        assert (found.low, found.high, found.method) == (turned.low, turned.high, turned.method)


@pytest.mark.parametrize(
    ("num", "worse", "better"),
    [(200, 0.005, 0.0), (200, 0.02, 0.0), (1000, 0.002, 0.002), (100, 0.04, 0.01), (60, 0.1, 0.1)],
)
def test_the_truth_lies_in_the_interval_of_rare_changes(
    num: int, worse: float, better: float
) -> None:
    rng = np.random.default_rng(num)
    held, runs = 0, 1000
    seen: dict[tuple[int, int], bool] = {}
    for _ in range(runs):
        counts = rng.multinomial(num, [worse, better, 1 - worse - better])
        key = (int(counts[0]), int(counts[1]))
        if key not in seen:
            found = differing(num, *key).estimate(0.95)
            assert found.low is not None
            assert found.high is not None
            seen[key] = found.low <= better - worse <= found.high
        held += seen[key]
    assert held >= 0.935 * runs
