"""How aspects go together: the coefficient against scipy, and its interval against simulation."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr

from judgefast.codes import FIXED_ONE
from judgefast.errors import ConfigError
from judgefast.stats import shards
from judgefast.stats.correlation import Correlation, correlations

from .tables import Items, make_items, make_outcomes

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCORES = st.sampled_from([1, 2, 3, 4, 5, 2.7, 10 / 3, None])


def of_scores(
    scores: NDArray[Any], clusters: list[int] | None = None, names: str = "ab"
) -> list[Correlation]:
    """Correlations of answers, one an item; NaN for an answer that was not read."""
    answers, aspects = scores.shape
    value = [None if np.isnan(one) else one for one in scores.reshape(-1).tolist()]
    outcomes = make_outcomes(
        np.repeat(range(answers), aspects),
        value,
        candidate=0,
        baseline=None,
        aspect=list(range(aspects)) * answers,
    )
    items = make_items(answers, answers=1, clusters=clusters)
    return correlations(outcomes, items, list(names), mode="scalar")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SCORES, SCORES, SCORES), min_size=3, max_size=30))
def test_each_two_aspects_have_the_coefficient_that_scipy_gives(rows: list[Any]) -> None:
    scores = np.rint(np.array(rows, dtype=np.float64) * FIXED_ONE) / FIXED_ONE
    found = of_scores(scores, names="abc")
    for one, (x, y) in zip(found, combinations(range(3), 2), strict=True):
        both = scores[~np.isnan(scores[:, [x, y]]).any(axis=1)][:, [x, y]]
        assert one.slice == f"aspect={'abc'[x]} with={'abc'[y]}"
        assert (one.outcomes, one.missing) == (len(both), len(scores) - len(both))
        if len(both) <= 1 or (both == both[0]).all(axis=0).any():
            assert one.value is None
        else:
            assert one.value == pytest.approx(pearsonr(*both.T).statistic, abs=1e-9)


def test_the_error_is_that_of_a_jackknife_over_clusters() -> None:
    """Written differently: leave each cluster out in turn (first order the same)."""
    rng = np.random.default_rng(3)
    scores = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 600)
    scores += np.repeat(rng.normal(0, 1, (200, 1)), 3, axis=0)
    clusters = np.repeat(np.arange(200), 3)
    (found,) = of_scores(scores, clusters.tolist())
    left_out = np.array(
        [pearsonr(*scores[clusters != cluster].T).statistic for cluster in range(200)]
    )
    jackknife = np.sqrt(199 / 200 * ((left_out - left_out.mean()) ** 2).sum())
    assert found.error == pytest.approx(jackknife, rel=0.02)


def test_an_aspect_that_never_varies_goes_with_nothing() -> None:
    (found,) = of_scores(np.array([[3, 1], [3, 2], [3, 5]], dtype=np.float64))
    one = found.estimate(0.95)
    assert (one.value, one.low, one.high, one.method) == (None, None, None, "undefined")
    assert one.note == "an aspect has the same value throughout: nothing goes with it"
    (unread,) = of_scores(np.array([[3, np.nan], [np.nan, 2]]))
    assert (unread.outcomes, unread.missing) == (0, 2)
    assert unread.note == "no outcome has a value in both aspects"


def test_aspects_that_say_the_same_have_a_coefficient_and_no_interval() -> None:
    (found,) = of_scores(np.array([[1, 2], [3, 4], [4, 5]], dtype=np.float64))
    one = found.estimate(0.95)
    assert (one.value, one.low) == (1.0, None)
    assert "one aspect says what the other says" in one.note


def test_one_cluster_has_no_interval() -> None:
    (found,) = of_scores(np.array([[1, 2], [3, 4], [4, 1.0]]), clusters=[0, 0, 0])
    assert (found.estimate(0.95).low, found.note[:11]) == (None, "one cluster")
    with pytest.raises(ConfigError, match="`level` is 1"):
        found.estimate(1.0)


def pairs(turned: bool) -> list[Correlation]:  # noqa: FBT001 - which way round
    """Model y wins nine comparisons of ten in either aspect, and not in the same ones."""
    value = np.ones((20, 2))
    value[[3, 13], 0] = 0
    value[[7, 17], 1] = 0
    sides = [[0, 1] if place % 2 else [1, 0] for place in range(20)]
    value[::2] = 1 - value[::2]
    if turned:
        sides, value = [side[::-1] for side in sides], 1 - value
    outcomes = make_outcomes(
        np.repeat(range(20), 2), value.reshape(-1).tolist(), aspect=[0, 1] * 20
    )
    items = make_items(20, models=["x", "y"], model=sides)
    return correlations(outcomes, items, ["tone", "facts"], mode="pairwise")


def test_that_one_model_wins_in_every_aspect_is_no_correlation() -> None:
    (found,) = pairs(turned=False)
    assert found.value == pytest.approx(-1 / 9)


def test_means_are_taken_off_within_each_pair_of_models() -> None:
    """Of two pairs one is won by the one model in both aspects, the other by the other."""
    rng = np.random.default_rng(4)
    value = rng.choice([0, 0.5, 1], (40, 2), p=[0.1, 0.2, 0.7])
    value[20:] = 1 - value[20:]
    outcomes = make_outcomes(
        np.repeat(range(40), 2), value.reshape(-1).tolist(), aspect=[0, 1] * 40
    )
    sides = [[0, 1]] * 20 + [[0, 2]] * 20
    items = make_items(40, models=["x", "y", "z"], model=sides)
    (found,) = correlations(outcomes, items, ["tone", "facts"], mode="pairwise")
    centred = np.concatenate([part - part.mean(axis=0) for part in (value[:20], value[20:])])
    assert found.value == pytest.approx(pearsonr(*centred.T).statistic)
    assert abs(found.value or 0) < abs(pearsonr(*value.T).statistic) - 0.2


def of_pairs(value: NDArray[Any], sides: list[tuple[int, int]]) -> Correlation:
    """Correlation of comparisons, one an item and a cluster, of the models that `sides` names."""
    outcomes = make_outcomes(
        np.repeat(range(len(value)), 2), value.reshape(-1).tolist(), aspect=[0, 1] * len(value)
    )
    models = [f"m{number:02}" for number in range(max(max(sides)) + 1)]
    (found,) = correlations(
        outcomes, make_items(len(value), models=models, model=sides), ["a", "b"], mode="pairwise"
    )
    return found


def test_the_error_among_many_models_is_that_of_a_jackknife_over_their_pairs() -> None:
    """Two comparisons of a pair say one thing: the mean that is taken off is half of each."""
    rng = np.random.default_rng(6)
    sides = np.repeat(list(combinations(range(21), 2)), 2, axis=0)
    value = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], len(sides)).clip(-2, 2) / 4 + 0.5
    found = of_pairs(value, [tuple(side) for side in sides.tolist()])
    apart = (value[::2] - value[1::2]) / 2
    centred = np.stack([apart, -apart], axis=1)
    left_out = np.array(
        [
            pearsonr(*np.delete(centred, pair, axis=0).reshape(-1, 2).T).statistic
            for pair in range(len(apart))
        ]
    )
    jackknife = np.sqrt((1 - 1 / len(apart)) * ((left_out - left_out.mean()) ** 2).sum())
    assert found.error == pytest.approx(jackknife, rel=0.03)


def test_a_pair_of_models_with_one_comparison_says_nothing_of_the_correlation() -> None:
    rng = np.random.default_rng(7)
    value, alone = rng.random((12, 2)), rng.random((5, 2))
    sides = [(0, 1)] * 6 + [(0, 2)] * 6
    without = of_pairs(value, sides)
    singles = [(1, 3), (2, 3), (0, 3), (1, 2), (1, 4)]
    found = of_pairs(np.concatenate([value, alone]), sides + singles)
    assert (without.clusters, without.outcomes, found.outcomes) == (12, 12, 17)
    assert found._replace(outcomes=12) == without
    nothing = of_pairs(alone, singles).estimate(0.95)
    assert (nothing.value, nothing.low, nothing.method) == (None, None, "undefined")
    assert (nothing.clusters, nothing.outcomes) == (0, 5)
    assert nothing.note == "no outcome has another one to be compared with"


def test_a_handful_of_clusters_that_are_all_but_alike_has_no_interval() -> None:
    about = np.array([[1, 2], [2, 1], [3, 5], [4, 3], [5, 4.0]])

    def of(clusters: int) -> Correlation:
        scores = np.concatenate([about + number * 1e-4 * about**2 for number in range(clusters)])
        return of_scores(scores, np.repeat(range(clusters), 5).tolist())[0]

    few = of(5)
    assert few.note == "only 5 clusters, all but alike: no variance to infer from"
    assert (few.estimate(0.95).value, few.estimate(0.95).low) == (few.value, None)
    assert (of(6).note, of(6).estimate(0.95).method) == ("", "fisher-z")


def test_which_answer_is_called_the_candidate_does_not_matter() -> None:
    assert pairs(turned=False) == pairs(turned=True)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(24)), st.booleans())
def test_no_order_of_rows_changes_a_bit(order: list[int], cut: bool) -> None:  # noqa: FBT001 - drawn
    rng = np.random.default_rng(8)
    value = rng.integers(1, 6, 24).tolist()
    item, aspect = np.repeat(range(12), 2), np.tile([0, 1], 12)
    items: Items = make_items(12, answers=1, clusters=[one // 2 for one in range(12)])
    straight, moved = (
        make_outcomes(
            item[rows],
            [value[row] for row in rows],
            candidate=0,
            baseline=None,
            aspect=aspect[rows],
        )
        for rows in (list(range(24)), order)
    )
    with pytest.MonkeyPatch.context() as patch:
        expected = correlations(straight, items, ["a", "b"], mode="scalar")
        if cut:
            patch.setattr(shards, "SHARD_ROWS", 3)
        assert correlations(moved, items, ["a", "b"], mode="scalar") == expected


@pytest.mark.parametrize(("clusters", "least"), [(12, 0.9), (60, 0.92)])
def test_the_interval_holds_and_one_of_single_answers_does_not(clusters: int, least: float) -> None:
    """Three answers a question, graded 1 to 5: 300 runs, a share of .95 has an error of .013."""
    rng, runs = np.random.default_rng(21), 300

    def drawn(questions: int) -> NDArray[np.float64]:
        question = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], questions)
        answer = rng.multivariate_normal([0, 0], [[1, 0.3], [0.3, 1]], 3 * questions)
        both = 0.8 * np.repeat(question, 3, axis=0) + 0.6 * answer
        return np.clip(np.rint(1.2 * both + 3), 1, 5)

    truth = float(np.corrcoef(drawn(200_000).T)[0, 1])
    ours = apart = 0
    for _ in range(runs):
        scores = drawn(clusters)
        (found,) = of_scores(scores, np.repeat(range(clusters), 3).tolist())
        one = found.estimate(0.95)
        assert one.low is not None
        assert one.high is not None
        ours += one.low <= truth <= one.high
        reach = 1.96 / np.sqrt(3 * clusters - 3)
        apart += bool(abs(np.arctanh(found.value) - np.arctanh(truth)) <= reach)
    assert least <= ours / runs <= 0.985
    assert apart / runs < 0.91
