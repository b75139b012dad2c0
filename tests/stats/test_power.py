"""Samples and the differences that they find, by one formula."""

from __future__ import annotations

import re
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.codes import FIXED_ONE
from judgefast.errors import ConfigError
from judgefast.stats import RunOutcomes, paired_means
from judgefast.stats.power import (
    Certainty,
    Spread,
    correlations_of_rates,
    variance_of_pairs,
    variance_of_rates,
    variance_of_repeats,
)

SPREADS = st.builds(
    Spread,
    variance=st.floats(1e-4, 1.0),
    width=st.just(1.0),
    few=st.sampled_from([0.0, 0.5, 1.0]),
) | st.builds(
    Spread, variance=st.floats(0.01, 1.0), is_square=st.sampled_from([True]), width=st.just(1.0)
)
CERTAINTIES = st.builds(
    Certainty,
    level=st.sampled_from([0.8, 0.9, 0.95, 0.99]),
    power=st.sampled_from([0.8, 0.9, 0.95]),
    sides=st.sampled_from([1, 2]),
)
WIN_RATES = [(0.25, 4906), (0.15, 2944)]
ONE_SIDED = Certainty(sides=1)


def needed(variance: float, difference: float, certainty: Certainty = Certainty()) -> int:  # noqa: B008 - frozen
    return Spread(variance).needed(difference, certainty)


def test_a_pass_rate_that_falls_by_two_points_needs_the_published_questions_unpaired() -> None:
    variance = variance_of_rates(0.80, 0.78)
    assert (needed(variance, 0.02), needed(variance, 0.02, ONE_SIDED)) == (6507, 5126)


@pytest.mark.parametrize(
    ("correlation", "questions"), [(0.3, 4556), (0.5, 3256), (0.7, 1955), (0.9, 655)]
)
def test_the_more_the_runs_go_together_the_fewer_questions(
    correlation: float, questions: int
) -> None:
    assert needed(variance_of_rates(0.80, 0.78, correlation), 0.02) == questions


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 400), min_size=4, max_size=4).filter(
        lambda cells: 0 < cells[0] + cells[1] < sum(cells) and 0 < cells[0] + cells[2] < sum(cells)
    )
)
def test_of_every_table_of_two_yes_or_no_outcomes_the_variance_is_the_one_it_has(
    cells: list[int],
) -> None:
    """Both yes, the first alone, the second alone, neither: outcomes are made, then counted."""
    first = np.repeat([1.0, 1.0, 0.0, 0.0], cells)
    second = np.repeat([1.0, 0.0, 1.0, 0.0], cells)
    rate, other = float(first.mean()), float(second.mean())
    correlation = float(np.corrcoef(first, second)[0, 1])
    seen = float(np.var(first - second))
    assert variance_of_rates(rate, other, correlation) == pytest.approx(seen, abs=1e-9)
    low, high = correlations_of_rates(rate, other)
    assert low - 1e-9 <= correlation <= high + 1e-9
    # The same shares paired as alike, and as unlike, as they can be: both ends are reached.
    alike = float(np.corrcoef(np.sort(first), np.sort(second))[0, 1])
    unlike = float(np.corrcoef(np.sort(first), np.sort(second)[::-1])[0, 1])
    assert (unlike, alike) == pytest.approx((low, high), abs=1e-9)
    least = float(np.var(np.sort(first) - np.sort(second)))
    assert variance_of_rates(rate, other, 0.999) == pytest.approx(
        max(least, _unbounded(rate, other, 0.999)), abs=1e-9
    )


@pytest.mark.parametrize("questions", [5, 36, 500])
def test_the_largest_spread_that_a_pilot_leaves_open_is_passed_as_seldom_as_it_says(
    questions: int,
) -> None:
    rng = np.random.default_rng(7)
    seen = rng.normal(size=(20_000, questions)).var(axis=1, ddof=1)
    ends = Spread(1.0).at_most(questions, 0.9).variance * seen
    assert np.mean(ends < 1) == pytest.approx(0.05, abs=0.006)


def _unbounded(rate: float, other: float, correlation: float) -> float:
    cross = np.sqrt(rate * (1 - rate) * other * (1 - other))
    return float(rate * (1 - rate) + other * (1 - other) - 2 * correlation * cross)


@pytest.mark.parametrize(
    ("discordant", "questions"), [(0.05, 979), (0.10, 1960), (0.20, 3923), (0.30, 5885)]
)
def test_a_share_of_discordant_pairs_needs_what_connor_says(
    discordant: float, questions: int
) -> None:
    assert Spread(discordant, is_square=True).needed(0.02) == questions


@pytest.mark.parametrize(
    ("drop", "correlation", "questions"),
    [
        (0.08, 0.0, 2214),
        (0.08, 0.5, 1107),
        (0.08, 0.7, 665),
        (0.08, 0.9, 222),
        (0.3, 0.0, 158),
        (0.3, 0.5, 79),
    ],
)
def test_scores_need_the_published_questions(
    drop: float, correlation: float, questions: int
) -> None:
    assert needed(variance_of_pairs(0.95, correlation), drop) == questions


@pytest.mark.parametrize(("variance", "questions"), WIN_RATES)
def test_a_win_rate_two_points_off_even_needs_the_published_questions(
    variance: float, questions: int
) -> None:
    assert needed(variance, 0.02) == questions


def test_repeats_need_fewer_questions_but_more_judgments() -> None:
    repeats = (1, 2, 4, 8)
    questions = [needed(variance_of_repeats(0.10, 0.06, k, 0.7), 0.02) for k in repeats]
    assert questions == [3532, 2355, 1766, 1472]
    judgments = [k * one for k, one in zip(repeats, questions, strict=True)]
    assert judgments == sorted(judgments)


def test_the_page_shows_the_samples_that_come_out() -> None:
    page = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8")
    table = page.partition("<!-- samples -->")[2].partition("<!-- end of samples -->")[0]
    shown = [
        [int(one) for one in re.findall(r"\d+", line.rsplit("|", 2)[1])]
        for line in table.splitlines()[4:]
        if line
    ]
    rate, pairs = variance_of_rates(0.80, 0.78), (0.0, 0.5, 0.7, 0.9)
    assert shown == [
        [needed(rate, 0.02), needed(rate, 0.02, ONE_SIDED)],
        [needed(variance_of_rates(0.80, 0.78, one), 0.02) for one in (0.3, 0.5, 0.7, 0.9)],
        [Spread(one, is_square=True).needed(0.02) for one in (0.05, 0.10, 0.20, 0.30)],
        [needed(variance_of_pairs(0.95, one), 0.08) for one in pairs],
        [needed(variance_of_pairs(0.95, one), 0.3) for one in pairs[:2]],
        [needed(variance, 0.02) for variance, _ in WIN_RATES],
        [needed(variance_of_repeats(0.10, 0.06, k, 0.7), 0.02) for k in (1, 2, 4, 8)],
    ]


@settings(max_examples=60, deadline=None)
@given(SPREADS, st.integers(2, 100_000), CERTAINTIES)
def test_what_a_sample_could_have_found_needs_that_sample(
    spread: Spread, clusters: int, certainty: Certainty
) -> None:
    found = spread.detectable(clusters, certainty)
    if found < spread.width:
        assert spread.needed(found, certainty) <= clusters
        again = spread.needed(found * (1 - 1e-9), certainty)
        assert again >= clusters
        assert spread.detectable(again, certainty) <= found


@settings(max_examples=60, deadline=None)
@given(SPREADS, st.floats(0.005, 0.9), CERTAINTIES)
def test_the_sample_is_the_least_that_finds_the_difference(
    spread: Spread, difference: float, certainty: Certainty
) -> None:
    questions = spread.needed(difference, certainty)
    assert spread.detectable(questions, certainty) <= difference
    assert questions == 2 or spread.detectable(questions - 1, certainty) > difference


@settings(max_examples=60, deadline=None)
@given(SPREADS, st.floats(0.005, 0.4), CERTAINTIES)
def test_smaller_differences_wider_spreads_and_more_certainty_need_no_fewer(
    spread: Spread, difference: float, certainty: Certainty
) -> None:
    least = spread.needed(difference, certainty)
    assert spread.needed(difference / 2, certainty) >= least
    assert spread._replace(variance=1.5 * spread.variance).needed(difference, certainty) >= least
    assert spread.needed(difference, certainty._replace(power=0.99)) >= least
    assert spread.needed(difference, certainty._replace(level=0.999)) >= least
    assert spread.needed(difference, certainty._replace(sides=1)) <= spread.needed(
        difference, certainty._replace(sides=2)
    )


def share_found(differences: np.ndarray, sides: int) -> float:
    """In how many of the runs, one a row, a plain test at .05 finds that the mean is above 0."""
    error = differences.std(axis=1, ddof=1) / sqrt(differences.shape[1])
    critical = {1: 1.6448536, 2: 1.9599640}[sides]
    return float((differences.mean(axis=1) > critical * error).mean())


@pytest.mark.parametrize("sides", [1, 2])
def test_simulated_pass_rates_fall_as_often_unseen_as_the_power_leaves(sides: int) -> None:
    draw = np.random.default_rng(1)
    rate, other, correlation = 0.8, 0.7, 0.5
    questions = needed(variance_of_rates(rate, other, correlation), 0.1, Certainty(sides=sides))  # type: ignore[arg-type]  # 1 or 2
    both = rate * other + correlation * sqrt(rate * (1 - rate) * other * (1 - other))
    of_cells = [both, rate - both, other - both, 1 - rate - other + both]
    cell = draw.choice(4, p=of_cells, size=(10_000, questions))
    differences = np.array([0.0, 1.0, -1.0, 0.0])[cell]
    assert share_found(differences, sides) == pytest.approx(0.8, abs=0.015)


def test_a_comparison_of_so_many_questions_finds_the_difference_that_often() -> None:
    """By the intervals that `compare` prints, not by a test written for this."""
    draw = np.random.default_rng(3)
    rate, other, correlation = 0.8, 0.7, 0.5
    questions = needed(variance_of_rates(rate, other, correlation), 0.1)
    both = rate * other + correlation * sqrt(rate * (1 - rate) * other * (1 - other))
    of_cells = [both, rate - both, other - both, 1 - rate - other + both]
    item = np.arange(questions)
    found = 0
    for cell in draw.choice(4, p=of_cells, size=(500, questions)):
        one, two = (
            RunOutcomes(
                item=item,
                cluster_id64=item.astype(np.uint64),
                value=np.isin(cell, passing).astype(np.int64) * FIXED_ONE,
                weight=np.ones(questions, dtype=np.uint8),
                slice=np.zeros(questions, dtype=np.int64),
            )
            for passing in ([0, 1], [0, 2])
        )
        [mean] = paired_means(one, two, ["all"], name="accuracy")
        low = mean.estimate(0.95).low
        found += low is not None and low > 0
    assert found / 500 == pytest.approx(0.8, abs=0.05)


def test_simulated_win_rates_are_found_as_often_as_the_power_says() -> None:
    draw = np.random.default_rng(2)
    values = draw.choice([-0.5, 0.0, 0.5], p=[0.2, 0.5, 0.3], size=(10_000, 300))
    variance = 0.5 * 0.25 - 0.05**2
    assert needed(variance, 0.05) == 385
    power = share_found(values, 2)
    found = Spread(variance).detectable(300, Certainty(power=power))
    assert found == pytest.approx(0.05, abs=0.001)


def test_clusters_that_never_differed_are_not_taken_for_certain() -> None:
    """It is the share of clusters, changed by the whole scale, that would itself be found."""
    factor = 1.959964 + 0.841621
    spread = Spread(0.0, width=2.0, few=0.5)
    share = spread.detectable(100) / 2
    assert share == pytest.approx(factor * sqrt(share * (1 - share) / 50))
    assert spread.needed(0.1) == pytest.approx(2 * factor**2 * 19, abs=1)


def test_under_forty_clusters_student_asks_for_more() -> None:
    by_normal = (1.959964 + 0.841621) ** 2 * 0.25 / 0.5**2
    assert Spread(0.25).needed(0.5) == 10 > by_normal
    assert Spread(0.25).detectable(39) > Spread(0.25).detectable(40)


@pytest.mark.parametrize(
    ("difference", "said"),
    [
        (0.0, "no sample finds a difference of 0"),
        (-0.1, "no sample finds a difference of -0.1"),
        (2.0, "no sample finds a difference of 2"),
        (1e-9, "no sample finds a difference of 1e-09"),
    ],
)
def test_a_difference_that_nothing_finds_is_refused(difference: float, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Spread(0.25, width=1.0).needed(difference)


@pytest.mark.parametrize(
    ("certainty", "said"),
    [
        (Certainty(level=1.0), "level must lie between 0 and 1, not 1"),
        (Certainty(power=0.2), "power must be at least 0.5 and below 1, not 0.2"),
        (Certainty(power=1.0), "power must be at least 0.5 and below 1, not 1"),
        (Certainty(sides=3), "a test has 1 side or 2, not 3"),  # type: ignore[arg-type]  # that is what is refused
    ],
)
def test_what_is_no_test_is_refused(certainty: Certainty, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        certainty.checked()
