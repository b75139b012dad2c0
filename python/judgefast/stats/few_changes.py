"""Differences of which few are another than the rest: what was seen too seldom to have a spread.

Of G clusters most differ by the same, 0 say, and k by something else. For a small k neither the
spread nor replicates know how many of all clusters would: of none in G they say none. Clopper and
Pearson do: with k in G, a share of up to their upper end.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.codes import FIXED_ONE
from judgefast.stats.rules import SMALL_COUNT

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Changes(NamedTuple):
    """The difference that more than half of the clusters have, and how many have another."""

    usual: float
    above: int
    """Clusters that differ by more."""
    below: int
    clusters: int
    even: int
    """How many clusters with alike numbers of units would say as much (Kish)."""

    @property
    def number(self) -> int:
        """Clusters that differ by something else."""
        return self.above + self.below

    @property
    def are_few(self) -> bool:
        """Whether so few that their spread says nothing of those that were not seen."""
        return self.number < SMALL_COUNT

    def reaches(self, level: float, width: float) -> tuple[float, float]:
        """Least distance from the difference to either end of an interval.

        Downwards: a share of clusters that lie below the rest was seen, and as many as the upper
        end of Clopper and Pearson may be; each at the end of the scale. Upwards alike. From
        `SMALL_COUNT` changes on it shrinks by the share that each further one adds, so that a
        change more, of the whole scale, never makes an interval end sooner.
        """
        beyond = max(self.number - SMALL_COUNT + 1, 0) / self.clusters
        down, up = (
            max(self.most(seen, level) - seen / self.clusters - beyond, 0.0)
            for seen in (self.below, self.above)
        )
        return down * (width + self.usual), up * (width - self.usual)

    def most(self, seen: int, level: float) -> float:
        """Largest share of all clusters that `seen` of them leave possible."""
        from scipy.special import betaincinv  # noqa: PLC0415 - heavy, only where it is used

        alike = seen * self.even / self.clusters
        return float(betaincinv(alike + 1, self.even - alike, (1 + level) / 2))

    def turned(self) -> Changes:
        """Say the same of the negative differences."""
        return self._replace(usual=0.0 - self.usual, above=self.below, below=self.above)

    def enlarged(self, factor: float) -> Changes:
        """Say the same of `factor` times as many clusters."""
        return Changes(self.usual, *(round(one * factor) for one in self[1:]))


def changes_of(
    cluster_id64: NDArray[np.uint64],
    difference: NDArray[np.int64],
    slices: NDArray[np.int64],
    many: int,
) -> list[Changes | None]:
    """Find what most clusters of each slice differ by; None where half of them or fewer agree.

    Args:
        cluster_id64: Of each unit. Shape (n,).
        difference: Of each unit, in multiples of 2^-24. Shape (n,).
        slices: Of each unit. Shape (n,).
        many: How many slices there are.

    """
    found: list[Changes | None] = []
    order = np.argsort(slices, kind="stable")
    ends = np.searchsorted(slices[order], np.arange(many + 1))
    for start, end in pairwise(ends):
        rows = order[start:end]
        found.append(_changes(cluster_id64[rows], difference[rows]) if len(rows) else None)
    return found


def _changes(cluster_id64: NDArray[np.uint64], difference: NDArray[np.int64]) -> Changes | None:
    _, cluster, size = np.unique(cluster_id64, return_inverse=True, return_counts=True)
    total = np.zeros(len(size), dtype=np.int64)
    np.add.at(total, cluster, difference)
    # What more than half of them have is in the middle.
    middle = np.argsort(total / size, kind="stable")[len(size) // 2]
    off = total * size[middle] - total[middle] * size
    above, below = int((off > 0).sum()), int((off < 0).sum())
    if 2 * (above + below) >= len(size):
        return None
    even = len(difference) ** 2 // int((size**2).sum())
    usual = float(Fraction(int(total[middle]), int(size[middle]) * FIXED_ONE))
    return Changes(usual, above, below, len(size), max(even, 1))
