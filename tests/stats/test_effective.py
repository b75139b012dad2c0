"""How many independent judges a panel is worth."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import pearsonr

from judgefast.errors import ColumnError
from judgefast.stats.effective import effective_judges
from judgefast.stats.left_out import fisher_ends

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.stats.agreed import EffectiveJudges


def of(errors: NDArray[np.float64], clusters: NDArray[np.integer] | None = None) -> EffectiveJudges:
    ids = np.arange(len(errors)) if clusters is None else clusters
    names = [f"judge {place}" for place in range(errors.shape[1])]
    return effective_judges(errors, ids.astype(np.uint64), names)


def shared_errors(
    rng: np.random.Generator, units: int, judges: int, correlation: float
) -> NDArray[np.float64]:
    """Yes-or-no errors of which each two correlate by so much."""
    follows = rng.random((units, judges)) < correlation**0.5
    own, common = rng.random((units, judges)) < 0.3, rng.random((units, 1)) < 0.3
    return np.where(follows, common, own).astype(float)


def test_nine_judges_of_the_paper_are_worth_two() -> None:
    """Kohli 2026: 2.18 of 9, with 2 pairs at .437 and .435 and a mean of .389 over 34 others."""
    rng = np.random.default_rng(5)
    mean = (34 * 0.389 + 0.437 + 0.435) / 36
    found = of(shared_errors(rng, 20_000, 9, mean))
    assert found.mean_correlation.value == pytest.approx(mean, abs=0.01)
    assert f"{9 / (1 + 8 * mean):.2f}" == "2.18"
    assert found.value.value == pytest.approx(2.18, abs=0.04)
    assert found.finding.text.startswith(
        "By 20,000 units with gold the 9 judges are worth 2.2 (2.2 to 2.2) that err independently "
        "(mean correlation of errors +0.39, +0.3"
    )


def test_correlations_and_their_mean_without_each_cluster_are_those_of_scipy() -> None:
    rng = np.random.default_rng(7)
    errors = np.rint(rng.normal(0, 2, (40, 3)) + rng.normal(0, 2, (40, 1)))
    errors[rng.random(errors.shape) < 0.15] = math.nan
    clusters = np.arange(40) // 2
    names = ["judge 0", "judge 1", "judge 2"]

    def mean(rows: NDArray[np.bool_]) -> tuple[dict[str, float], float]:
        pairs = {}
        for a, b in combinations(range(3), 2):
            both = rows & ~np.isnan(errors[:, (a, b)]).any(axis=1)
            pairs[f"{names[a]}, {names[b]}"] = float(pearsonr(*errors[both][:, (a, b)].T)[0])
        return pairs, sum(pairs.values()) / 3

    found = of(errors, clusters)
    pairs, whole = mean(np.ones(40, bool))
    assert found.pairs == pytest.approx(pairs)
    assert found.mean_correlation.value == pytest.approx(whole)
    left_out = np.array([mean(clusters != cluster)[1] for cluster in range(20)])
    ends = fisher_ends(whole, left_out, 0.95)
    assert ends is not None
    assert (found.mean_correlation.low, found.mean_correlation.high) == pytest.approx(ends)
    assert found.value.value == pytest.approx(3 / (1 + 2 * whole))
    assert (found.value.low, found.value.high) == pytest.approx(
        [3 / (1 + 2 * max(end, 0)) for end in reversed(ends)]
    )


def test_the_order_of_units_changes_no_bit() -> None:
    rng = np.random.default_rng(3)
    errors, clusters = rng.normal(0, 1, (200, 4)), np.arange(200) // 3
    order = rng.permutation(200)
    assert of(errors[order], clusters[order]) == of(errors, clusters)


def test_errors_that_pull_apart_are_said_and_not_counted_as_more_judges() -> None:
    rng = np.random.default_rng(2)
    first = rng.random(300) < 0.4
    second = np.where(rng.random(300) < 0.9, ~first, first)
    found = of(np.stack([first, second], axis=1).astype(float))
    assert found.mean_correlation.value is not None
    assert found.mean_correlation.value < -0.7
    assert found.mean_correlation.high is not None
    assert found.mean_correlation.high < -0.6
    assert (found.value.value, found.value.low, found.value.high) == (2.0, None, None)
    assert found.value.note.startswith("errors pull apart")
    assert found.finding.text.startswith(
        "By 300 units with gold the 2 judges are worth no fewer than 2: their errors pull apart "
        "(mean correlation -0.80, -0."
    )


def test_errors_that_only_seem_to_pull_apart_are_not_said_to() -> None:
    """Independent errors whose mean correlation is below 0 by chance, and its interval not."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        found = of((rng.random((300, 2)) < 0.4).astype(float))
        mean = found.mean_correlation
        assert mean.value is not None
        assert mean.high is not None
        if mean.value < 0 < mean.high:
            break
    assert mean.value < 0 < mean.high
    assert found.value.value == 2
    assert found.value.low is not None
    assert found.value.low < 2
    assert found.finding.text == (
        f"By 300 units with gold the 2 judges are worth 2.0 ({found.value.low:.1f} to 2.0) that "
        f"err independently (mean correlation of errors {mean.value:+.2f}, {mean.low:+.2f} to "
        f"{mean.high:+.2f})."
    )


def test_a_judge_that_is_never_wrong_is_left_out_by_name() -> None:
    rng = np.random.default_rng(4)
    errors = shared_errors(rng, 300, 3, 0.3)
    errors[:, 1] = 0.0
    found = of(errors)
    assert (found.judges, found.left_out) == (["judge 0", "judge 2"], ["judge 1"])
    assert list(found.pairs) == ["judge 0, judge 2"]
    assert found.value.value is not None
    assert 1 < found.value.value < 2
    assert "judge 1 does not count: never wrong, or always by as much." in found.finding.text
    alone = of(errors[:, :2])
    assert (alone.value.value, alone.value.note) == (
        None,
        "fewer than two judges have errors that vary",
    )
    assert alone.finding.kind == "no_effective_judges"


def test_judges_of_one_mind_are_worth_one() -> None:
    rng = np.random.default_rng(4)
    one = (rng.random((60, 1)) < 0.3).astype(float)
    found = of(np.repeat(one, 4, axis=1))
    assert found.value.value == pytest.approx(1.0)
    assert found.value.low is None


def test_an_error_in_one_cluster_alone_has_no_interval() -> None:
    errors = np.zeros((30, 2))
    errors[3] = 1.0
    found = of(errors)
    assert found.mean_correlation.value == pytest.approx(1.0)
    assert found.value.low is None
    note = "judge 0 has another error than its usual one in 1 cluster only"
    assert found.value.note == f"{note}: too few to tell how sure this is"
    assert found.finding.text.endswith(f"How sure that is cannot be told: {note}.")


def test_few_errors_have_no_interval_and_ten_clusters_have_one() -> None:
    for wrong, has_interval in ((9, False), (10, True)):
        errors = np.zeros((60, 2))
        errors[:wrong, 0] = 1.0
        errors[4:24, 1] = 1.0
        assert (of(errors).mean_correlation.low is not None) == has_interval


def test_units_of_two_judges_that_share_none_are_told() -> None:
    errors = np.full((40, 2), math.nan)
    errors[:20, 0], errors[20:, 1] = np.arange(20) % 2, np.arange(20) % 2
    found = of(errors)
    assert (found.value.value, found.units, found.value.missing) == (None, 0, 40)
    assert found.pairs == {"judge 0, judge 1": None}


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ColumnError, match="there are 2 clusters and 3 judges"):
        effective_judges(np.zeros((2, 2)), np.zeros(2, np.uint64), "abc")


def test_the_interval_of_the_mean_correlation_holds_in_simulated_runs() -> None:
    rng = np.random.default_rng(11)
    held, runs = 0, 400
    for _ in range(runs):
        found = of(shared_errors(rng, 100, 3, 0.36)).mean_correlation
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.36 <= found.high
    assert 0.92 <= held / runs <= 0.98
