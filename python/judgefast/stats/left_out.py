"""A coefficient without each cluster in turn: the jackknife behind intervals of agreement.

Coefficients of agreement are ratios of sums over units, so that leaving a cluster out is a
subtraction. Clusters beyond `MOST_GROUPS` are left out several at a time, in groups by the order of
their ids: those are hashes, so it is by chance which clusters come together, and the same ones do
whatever the order of rows. Formulas and coverage: `docs/statistics.md`, section "Agreement".
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.errors import ConfigError
from judgefast.stats.estimate import Estimate
from judgefast.stats.intervals import clopper_pearson
from judgefast.stats.rules import ALIKE_ERROR, SIGN_MIN_CLUSTERS, SMALL_COUNT

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_GROUPS = 4096
"""Left out one after the other: the error that they give is itself off by 1.1 %."""

_MOST_CELLS = 1 << 25
"""Of the tables of all groups together."""

_ROUNDED = 1e-12
"""What sums of doubles may be off by: no coefficient is told from 1 or -1 by less."""

JACKKNIFE = "jackknife-z"
FEW = "few-disagreements"


class Groups(NamedTuple):
    """Which clusters are left out together."""

    cluster: NDArray[np.intp]
    """Number of the cluster of each unit, in the order of their ids. Shape (n,)."""
    of_unit: NDArray[np.intp]
    """Group of each unit. Shape (n,)."""
    clusters: int
    number: int
    """How many groups there are."""

    def touched(self, units: NDArray[np.intp] | NDArray[np.bool_]) -> int:
        """How many clusters have one of these units."""
        found = np.zeros(self.clusters, bool)
        found[self.cluster[units]] = True
        return int(found.sum())


def groups_of(clusters: NDArray[np.uint64], cells: int = 1) -> Groups:
    """Put clusters into groups of as many, give or take one.

    Args:
        clusters: Resampling id of each unit. Shape (n,).
        cells: How many numbers are kept of each group.

    """
    ids, cluster = np.unique(clusters, return_inverse=True)
    number = min(len(ids), MOST_GROUPS, max(_MOST_CELLS // cells, 2))
    of_unit = cluster * number // max(len(ids), 1)
    return Groups(cluster, of_unit, len(ids), number)


class Coefficient(NamedTuple):
    """One minus observed over expected disagreement, before a confidence level is chosen."""

    name: str
    slice: str
    observed: float
    """Mean disagreement of a unit."""
    expected: float
    """What it would be by chance; 0 where no two values differ."""
    left_out: NDArray[np.float64]
    """The coefficient without each group; NaN where it has none. Shape (groups,)."""
    most: float
    """Largest disagreement that a unit can have."""
    clusters: int
    disagreeing: int
    """Clusters with a unit that the judges disagree on."""
    outcomes: int
    missing: int
    why_not: str = ""
    """Why there is no coefficient, or no interval."""

    @property
    def value(self) -> float | None:
        """The coefficient; None where nothing can be told from chance."""
        return 1 - self.observed / self.expected if self.expected else None

    def estimate(self, level: float) -> Estimate:
        """Put the interval beside it, by Student's t on Fisher's scale.

        Where fewer than ten clusters disagree, their spread says nothing of those that were not
        seen: the ends are then at least those of Clopper and Pearson for the share of clusters that
        disagree, as much as those that do.

        Args:
            level: Confidence level, in (0, 1).

        Raises:
            ConfigError: `level` is not inside (0, 1).

        Source:
            Tukey 1958, Annals of Mathematical Statistics 29; Fisher 1921, Metron 1.

        """
        if not 0 < level < 1:
            message = f"`level` is {level}; it must be above 0 and below 1"
            raise ConfigError(message)
        ends, method, note = self._ends(level)
        low, high = ends or (None, None)
        return Estimate(
            name=self.name,
            slice=self.slice,
            value=self.value,
            low=low,
            high=high,
            level=level,
            method=method,
            unit="cluster",
            clusters=self.clusters,
            outcomes=self.outcomes,
            missing=self.missing,
            note=note,
        )

    def _ends(self, level: float) -> tuple[tuple[float, float] | None, str, str]:
        if self.value is None or self.why_not:
            return None, "undefined", self.why_not
        if self.clusters == 1:
            return None, "undefined", "one cluster: nothing to compare it with"
        by_spread = fisher_ends(self.value, self.left_out, level)
        if self.disagreeing < SMALL_COUNT:
            low, high = self._few(level)
            if by_spread is not None:
                low, high = min(low, by_spread[0]), max(high, by_spread[1])
            return (low, high), FEW, ""
        if by_spread is None:
            return None, "undefined", "every cluster says the same: no variance to infer from"
        return by_spread, JACKKNIFE, ""

    def _few(self, level: float) -> tuple[float, float]:
        """Ends by how many clusters disagree, chance taken as it was seen."""
        fewest, most = clopper_pearson(self.disagreeing, self.clusters, level=level)
        share = self.disagreeing / self.clusters
        each = self.observed / share if self.disagreeing else self.most
        low, high = (1 - bound * each / self.expected for bound in (most, fewest))
        return max(low, -1.0), high


def fisher_ends(
    value: float, left_out: NDArray[np.float64], level: float
) -> tuple[float, float] | None:
    """Ends of an interval from a coefficient without each group in turn.

    The jackknife's standard error, taken to Fisher's scale, and Student's t with a degree of
    freedom less than there are groups.

    Args:
        value: Above -1 and below 1.
        left_out: Shape (groups,).
        level: Confidence level, in (0, 1).

    Returns:
        Low and high end; None where the spread is not known: no variance, next to none in a
        handful of groups, or no coefficient without one of them.

    """
    groups = len(left_out)
    if groups <= 1 or 1 - abs(value) < _ROUNDED or np.isnan(left_out).any():
        return None
    off = left_out - math.fsum(left_out) / groups
    error = math.sqrt((groups - 1) / groups * math.fsum(off * off))
    if error < _ROUNDED or (groups < SIGN_MIN_CLUSTERS and error < 2 * ALIKE_ERROR):
        return None
    from scipy.special import stdtrit  # noqa: PLC0415 - heavy, only where it is used

    reach = float(stdtrit(groups - 1, (1 + level) / 2)) * error / (1 - value * value)
    middle = math.atanh(value)
    return math.tanh(middle - reach), math.tanh(middle + reach)
