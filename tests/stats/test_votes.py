"""Majority, mean, spread and levels of the judges of one unit."""

from __future__ import annotations

import math
from collections import Counter
from statistics import fmean, stdev

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.stats.votes import LEVELS, levels_of, majority, mean_of, spread_of

NAN = math.nan
VALUES = st.lists(
    st.lists(st.sampled_from([1.0, 2.0, 3.0, NAN]), min_size=4, max_size=4), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_majority_mean_and_spread_are_those_of_a_count(values: list[list[float]]) -> None:
    found, means = majority(np.array(values)), mean_of(np.array(values))
    spreads = spread_of(np.array(values))
    for unit, row in enumerate(values):
        known = [one for one in row if not math.isnan(one)]
        counts = Counter(known).most_common()
        assert found.votes[unit] == (counts[0][1] if counts else 0)
        tied = len(counts) > 1 and counts[0][1] == counts[1][1]
        assert found.is_tie[unit] == tied
        if known and not tied:
            assert found.value[unit] == counts[0][0]
        else:
            assert math.isnan(found.value[unit])
        assert means[unit] == pytest.approx(fmean(known) if known else NAN, nan_ok=True)
        spread = stdev(known) if len(known) > 1 else NAN
        assert spreads[unit] == pytest.approx(spread, nan_ok=True)


def test_scores_are_cut_where_the_guides_cut_them() -> None:
    """Spread below 0.5 is high, below 1.0 medium, else low: the sample deviation."""
    rows = [
        [4.2, 4.0, 3.9, NAN],
        [3.0, 4.0, 4.0, 4.0],
        [3.0, 4.0, NAN, NAN],
        [3.0, 4.0, 5.0, NAN],
        [1.0, 5.0, 3.0, NAN],
        [3.0, NAN, NAN, NAN],
    ]
    spread = [stdev(one for one in row if one == one) for row in rows[:5]]  # noqa: PLR0124 - not NaN
    assert spread == pytest.approx([0.1528, 0.5, 0.7071, 1.0, 2.0], abs=1e-4)
    for low, high in ((1, 5), (0, 1), (0, 100)):  # the same answers on another scale
        share = (np.array(rows) - 1) / 4
        found = levels_of(low + share * (high - low), "score", high - low)
        expected = ["high", "medium", "medium", "low", "low", "none"]
        assert [LEVELS[code] for code in found] == expected, (low, high)


def test_each_unit_is_cut_by_the_range_of_its_own_scale() -> None:
    found = levels_of(np.array([[3.0, 4.0]] * 3), "score", np.array([1.0, 4.0, 100.0]))
    assert [LEVELS[code] for code in found] == ["low", "medium", "high"]


def test_a_tie_beside_votes_for_one_answer_is_medium_and_votes_for_both_are_low() -> None:
    rows = [[1, 1, 1], [0.5, 0.5, NAN], [1, 0.5, 1], [0, 0.5, NAN], [0, 1, 0.5], [NAN, NAN, 1]]
    found = levels_of(np.array(rows), "comparison")
    expected = ["high", "high", "medium", "medium", "low", "none"]
    assert [LEVELS[code] for code in found] == expected


def test_choices_agree_or_do_not() -> None:
    found = levels_of(np.array([[2.0, 2.0, 2.0], [2.0, 2.0, 3.0], [NAN, NAN, NAN]]), "choice")
    assert [LEVELS[code] for code in found] == ["high", "low", "none"]


def test_no_units_have_no_levels() -> None:
    for kind in ("score", "comparison", "choice"):
        assert levels_of(np.zeros((0, 3)), kind).shape == (0,)  # type: ignore[arg-type]  # as above
    assert majority(np.zeros((0, 3))).value.shape == (0,)
