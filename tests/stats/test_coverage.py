"""Does a 95 % interval hold the truth in 95 % of simulations? Are naive ones seen to fail?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from judgefast.codes import FIXED_ONE
from judgefast.stats.intervals import interval
from judgefast.stats.joint import SlicedRows, measure_parts
from judgefast.stats.moments import cluster_moments
from judgefast.stats.replicates import POISSON, Resampling

if TYPE_CHECKING:
    from numpy.typing import NDArray

RUNS = 2000
HONEST = (0.93, 0.97)


def coverage(value: NDArray[np.float64], cluster: NDArray[np.int64], truth: float) -> float:
    """Share of simulated runs whose interval holds the truth. `value` has shape (runs, rows)."""
    runs, rows = value.shape
    fixed = np.rint(value.ravel() * FIXED_ONE).astype(np.int64)
    moments = cluster_moments(
        np.tile(cluster, runs).astype(np.uint64),
        fixed,
        np.ones(runs * rows, dtype=np.uint8),
        np.repeat(np.arange(runs), rows),
        runs,
    )
    held = 0
    for one in moments:
        found = interval(one, scale=(0.0, 1.0), level=0.95, binary=True)
        held += found.low is not None and found.low <= truth <= found.high
    return held / runs


def several_judgments(
    rng: np.random.Generator, questions: int, samples: int, spread: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Yes-or-no judgments of questions that differ in how often they get a yes. Truth: one half."""
    chance = rng.beta(spread, spread, (RUNS, questions, 1))
    votes = rng.random((RUNS, questions, samples)) < chance
    return votes.reshape(RUNS, -1).astype(float), np.repeat(np.arange(questions), samples)


@pytest.mark.parametrize(
    ("samples", "spread", "naive"),
    [
        pytest.param(2, 0.546, 0.893, id="both-orders"),
        pytest.param(8, 0.667, 0.673, id="eight-samples"),
    ],
)
def test_clustered_intervals_hold_and_counting_judgments_alone_does_not(
    samples: int, spread: float, naive: float
) -> None:
    rng = np.random.default_rng(20260401)
    value, question = several_judgments(rng, 100, samples, spread)
    assert HONEST[0] <= coverage(value, question, 0.5) <= HONEST[1]
    alone = coverage(value, np.arange(value.shape[1]), 0.5)
    assert alone == pytest.approx(naive, abs=0.03)


def test_with_few_clusters_students_t_holds() -> None:
    rng = np.random.default_rng(7)
    level = rng.normal(0.5, 0.12, (RUNS, 12, 1)) + rng.normal(0, 0.08, (RUNS, 12, 4))
    value = np.clip(np.rint(level * 100) / 100, 0, 1).reshape(RUNS, -1)
    assert HONEST[0] <= coverage(value, np.repeat(np.arange(12), 4), 0.5) <= HONEST[1]


def test_clusters_of_unequal_size_hold() -> None:
    """The mean over judgments weighs large clusters more; truth here does not hang on size."""
    rng = np.random.default_rng(11)
    size = np.tile([1, 2, 3, 6], 25)
    question = np.repeat(np.arange(100), size)
    chance = rng.beta(1.0, 1.0, (RUNS, 100))[:, question]
    value = (rng.random((RUNS, len(question))) < chance).astype(float)
    assert 0.925 <= coverage(value, question, 0.5) <= HONEST[1]


@pytest.mark.parametrize("share", [0.97, 0.9, 0.6])
def test_a_share_near_one_is_never_held_too_seldom(share: float) -> None:
    """Percentile intervals hold .593 of the time at .97 and 30 questions."""
    rng = np.random.default_rng(3)
    value = (rng.random((RUNS, 30)) < share).astype(float)
    assert coverage(value, np.arange(30), share) >= HONEST[0]


def resampled_coverage(
    value: NDArray[np.float64], cluster: NDArray[np.int64], truth: float
) -> float:
    """The same by Poisson percentiles. No two runs have a cluster in common. `value` as above."""
    runs, rows = value.shape
    part = SlicedRows(
        "mean",
        [str(run) for run in range(runs)],
        (cluster + np.arange(runs)[:, None] * rows).ravel().astype(np.uint64),
        np.rint(value.ravel() * FIXED_ONE).astype(np.int64),
        np.ones(runs * rows, dtype=np.uint8),
        np.repeat(np.arange(runs), rows),
        binary=False,
    )
    found = [one.estimate(0.95) for one in measure_parts([part], Resampling(seed=4))]
    assert {one.method for one in found} == {POISSON}
    held = sum(
        one.low <= truth <= one.high
        for one in found
        if one.low is not None and one.high is not None
    )
    return held / runs


def test_poisson_percentiles_hold_and_resampling_judgments_does_not() -> None:
    """400 runs know a coverage to about 1 point; `benches/coverage.py` has 20,000."""
    rng = np.random.default_rng(20261126)
    value, question = several_judgments(rng, 100, 8, 0.667)
    assert 0.915 <= resampled_coverage(value[:400], question, 0.5) <= 0.975
    alone = resampled_coverage(value[:100], np.arange(value.shape[1]), 0.5)
    assert alone == pytest.approx(0.673, abs=0.13)
