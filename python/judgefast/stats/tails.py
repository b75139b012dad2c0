"""Intervals that must hold together with others, and so reach far into the tails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.codes import FIXED_ONE
from judgefast.stats.intervals import cluster_error

if TYPE_CHECKING:
    from judgefast.stats.estimate import Estimate
    from judgefast.stats.measurement import Measurement

EXACT = frozenset({"wilson", "clopper-pearson", "cluster-t", "undefined"})
"""Methods whose ends are right at any level."""


def estimate_among(measured: Measurement, level: float, *, of_family: float) -> Estimate:
    """Estimate a mean at the level that is its share of a family's.

    At the family's own level, that is alone, by the published rule. Beyond it ends by Student's t
    take the place of normal ones and of percentiles: at 50 clusters and level 0.998 the normal is
    left by chance 1.6 times as often as it says, and of 4,096 replicates only the outermost few
    would decide.

    Args:
        measured: The mean.
        level: Of this interval.
        of_family: Of all intervals together.

    """
    found = measured.estimate(level)
    ends = by_t(measured, level) if level > of_family and found.method not in EXACT else None
    if ends is None:
        return found
    return msgspec.structs.replace(
        found, low=ends[0], high=ends[1], method="cluster-t", replicates=None, seed=None
    )


def by_t(measured: Measurement, level: float) -> tuple[float, float] | None:
    """Ends by Student's t on the cluster-robust error; None where nothing varies."""
    from scipy.special import stdtrit  # noqa: PLC0415 - heavy, only where it is used

    moments = measured.moments
    if moments.clusters <= 1 or not (error := cluster_error(moments)):
        return None
    value = moments.s / moments.w / FIXED_ONE
    reach = error * float(stdtrit(moments.clusters - 1, (1 + level) / 2))
    low, high = measured.scale
    return max(value - reach, low), min(value + reach, high)
