"""What is said of two runs: the smallest difference to be found, and slices taken together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from judgefast.codes import FIXED_ONE
from judgefast.stats import (
    Difference,
    PairedMean,
    Resampling,
    RunOutcomes,
    differences_of,
    paired_means,
)
from judgefast.stats.differences import simultaneous

if TYPE_CHECKING:
    from numpy.typing import NDArray


def runs(shift: NDArray[np.float64], slices: NDArray[np.int64]) -> tuple[RunOutcomes, RunOutcomes]:
    """Two runs whose units differ by `shift`, one unit a cluster."""
    num = len(shift)
    base = np.full(num, FIXED_ONE // 2)
    b = RunOutcomes(
        np.arange(num),
        np.arange(num, dtype=np.uint64),
        base,
        np.ones(num, dtype=np.uint8),
        slices,
    )
    return b._replace(value=base + np.rint(shift * FIXED_ONE).astype(np.int64)), b


def means(shift: NDArray[np.float64], slices: NDArray[np.int64], many: int) -> list[PairedMean]:
    names = [f"model={one}" for one in range(many)]
    return paired_means(*runs(shift, slices), names, name="mean")


def one(shift: NDArray[np.float64]) -> PairedMean:
    return means(shift, np.zeros(len(shift), dtype=np.int64), 1)[0]


def said(found: PairedMean, level: float = 0.95) -> Difference:
    return differences_of([found], level=level, other_slices={})[0]


@pytest.mark.parametrize(("clusters", "normal"), [(12, False), (39, False), (40, True)])
def test_the_smallest_difference_is_the_one_of_the_textbook(clusters: int, normal: bool) -> None:  # noqa: FBT001 - a case
    shift = np.random.default_rng(clusters).normal(0, 0.1, clusters)
    error = np.std(shift, ddof=1) / np.sqrt(clusters)
    law = scipy_stats.norm() if normal else scipy_stats.t(clusters - 1)
    found = one(shift)
    assert found.detectable(0.95) == pytest.approx((law.ppf(0.975) + law.ppf(0.8)) * error)
    assert found.detectable(0.99) == pytest.approx((law.ppf(0.995) + law.ppf(0.8)) * error)


def test_a_difference_of_that_size_is_found_in_four_of_five_runs() -> None:
    rng = np.random.default_rng(5)
    spread, num = 0.2, 100
    size = one(rng.normal(0, spread, num)).detectable(0.95)
    found = [said(one(rng.normal(size, spread, num))).verdict for _ in range(400)]
    assert 0.7 <= found.count("higher") / 400 <= 0.9


def test_where_nothing_differs_the_smallest_difference_is_that_of_rare_changes() -> None:
    """Its own spread is that of a share p of units changed by 1: p = z sqrt(p (1 - p) / G)."""
    size = one(np.zeros(1000)).detectable(0.95)
    factor = scipy_stats.norm.ppf(0.975) + scipy_stats.norm.ppf(0.8)
    assert size == pytest.approx(factor * np.sqrt(size * (1 - size) / 1000))
    changed = np.random.default_rng(1).random((400, 1000)) < size
    found = [said(one(row.astype(float) / 2 * 2)).verdict for row in changed]
    assert found.count("higher") / 400 >= 0.75


def test_every_verdict_has_its_words() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, 60)
    none_shown = said(one(noise - noise.mean()))
    assert none_shown.verdict == "not_shown"
    assert none_shown.words == (
        "no difference shown; could have found a difference of at least "
        f"{none_shown.detectable:.3g} (80 % power)"
    )
    higher = said(one(noise - noise.mean() + 0.25))
    assert (higher.verdict, higher.words) == ("higher", "A is higher by 0.25")
    lower = said(one(noise - noise.mean() - 0.25))
    assert (lower.verdict, lower.words) == ("lower", "A is lower by 0.25")
    undefined = said(one(np.full(1, 0.25)))
    assert undefined.verdict == "undefined"
    assert undefined.words == "whether the runs differ cannot be told"
    nothing = said(one(np.zeros(0)))
    assert nothing.words == "nothing that both runs have a value for"


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 60), st.integers(0, 2**32))
def test_exchanging_the_runs_turns_every_number(num: int, seed: int) -> None:
    shift = np.random.default_rng(seed).normal(0.1, 0.2, num)
    a, b = runs(shift, np.zeros(num, dtype=np.int64))
    [there] = paired_means(a, b, ["all"], name="mean")
    [back] = paired_means(b, a, ["all"], name="mean")
    assert back.estimate(0.9) == there.dropped(0.9)
    assert back.detectable(0.9) == there.detectable(0.9)


def test_of_thirty_slices_without_a_difference_none_differs_together() -> None:
    """Alone at 95 % one or two of thirty differ by chance; together, in one of twenty runs one."""
    rng = np.random.default_rng(12)
    slices = np.repeat(np.arange(30), 50)
    alone = together = 0
    for _ in range(200):
        found = differences_of(
            means(rng.normal(0, 0.1, 1500), slices, 30), level=0.95, other_slices={}
        )
        alone += any(each.verdict in {"higher", "lower"} for each in found)
        together += any(each.differs for each in found)
    assert alone > 120
    assert together <= 20


@pytest.mark.slow
def test_of_twenty_slices_without_a_difference_none_differs_among_their_replicates() -> None:
    """As above with the band by real joint replicates, of few and coarse changes."""
    rng = np.random.default_rng(21)
    slices = np.repeat(np.arange(20), 60)
    alone = together = 0
    for seed in range(60):
        shift = rng.choice([-0.5, 0.0, 0.5], p=[0.25, 0.5, 0.25], size=1200)
        names = [f"model={place}" for place in range(20)]
        found = differences_of(
            paired_means(*runs(shift, slices), names, name="mean", resampling=Resampling(seed)),
            level=0.95,
            other_slices={},
        )
        assert {each.simultaneous_method for each in found} == {"max-t"}
        alone += any(each.verdict in {"higher", "lower"} for each in found)
        together += any(each.differs for each in found)
    assert alone > 20
    assert together <= 7


def test_a_slice_that_differs_is_found_among_thirty() -> None:
    rng = np.random.default_rng(2)
    slices = np.repeat(np.arange(30), 50)
    shift = rng.normal(0, 0.05, 1500) + np.where(slices == 7, 0.2, 0)
    found = differences_of(means(shift, slices, 30), level=0.95, other_slices={})
    assert [each.slice for each in found if each.differs] == ["model=7"]
    assert "; shown among all slices together: [+0." in found[7].words
    alone = [each for each in found if each.verdict in {"higher", "lower"} and not each.differs]
    assert alone
    assert all("; not shown among all slices together: [" in each.words for each in alone)
    assert all(each.simultaneous_low < each.low for each in found)
    assert all(each.simultaneous_high > each.high for each in found)


def test_a_lone_slice_has_no_band() -> None:
    assert simultaneous([one(np.random.default_rng(1).normal(0, 0.1, 50))], 0.95) is None
    found = said(one(np.full(50, 0.5) + np.arange(50) / 1000))
    assert found.differs
    assert found.simultaneous_method is None


def drawn(shift: NDArray[np.float64], slices: NDArray[np.int64], many: int) -> list[PairedMean]:
    names = [f"model={one}" for one in range(many)]
    return paired_means(*runs(shift, slices), names, name="mean", resampling=Resampling(seed=3))


def test_slices_that_say_the_same_cost_nothing_in_a_joint_band() -> None:
    """The same units in five slices deviate together: the band is that of one, not Bonferroni's."""
    shift = np.tile(np.random.default_rng(4).normal(0, 0.1, 400), 5)
    a, b = runs(shift, np.repeat(np.arange(5), 400))
    unit = np.tile(np.arange(400), 5)
    a, b = (one._replace(item=unit, cluster_id64=unit.astype(np.uint64)) for one in (a, b))
    names = [f"model={one}" for one in range(5)]
    found = paired_means(a, b, names, name="mean", resampling=Resampling(seed=3))
    band = simultaneous(found, 0.95)
    assert band is not None
    assert band.method == "max-t"
    assert band.level == pytest.approx(0.95, abs=0.006)
    analytic = simultaneous(paired_means(a, b, names, name="mean"), 0.95)
    assert analytic == (0.99, "bonferroni")


def test_slices_of_different_questions_cost_what_bonferroni_says() -> None:
    shift = np.random.default_rng(6).normal(0, 0.1, 4000)
    band = simultaneous(drawn(shift, np.repeat(np.arange(10), 400), 10), 0.95)
    assert band is not None
    assert band.method == "max-t"
    assert 0.993 < band.level <= 0.9950001  # 1 - 0.95^(1/10) is 0.0051


def test_a_slice_too_small_to_resample_makes_the_band_bonferronis() -> None:
    shift = np.random.default_rng(6).normal(0, 0.1, 430)
    slices = np.repeat([0, 1], [400, 30])
    assert simultaneous(drawn(shift, slices, 2), 0.95) == (0.975, "bonferroni")


def test_an_interval_of_a_large_run_is_of_its_replicates_and_says_the_seed() -> None:
    shift = np.random.default_rng(6).normal(0.02, 0.1, 300)
    [mean] = drawn(shift, np.zeros(300, dtype=np.int64), 1)
    found = said(mean)
    assert (found.method, found.replicates, found.seed) == ("poisson-percentile", 4096, 3)
    error = np.std(shift, ddof=1) / np.sqrt(300)
    assert found.low == pytest.approx(found.value - 1.96 * error, abs=0.15 * error)
    assert mean.estimate(0.999, of_family=0.95).method == "cluster-t"
