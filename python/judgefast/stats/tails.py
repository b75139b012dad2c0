"""Intervals that must hold together with others, and so reach far into the tails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.stats.audited import METHOD, Ends, audited_ends
from judgefast.stats.intervals import (
    alike_by_luck,
    clopper_pearson,
    cluster_error,
    independent_counts,
)

if TYPE_CHECKING:
    from judgefast.stats.estimate import Estimate
    from judgefast.stats.measurement import Measurement

EXACT = frozenset({"clopper-pearson", "cluster-t", "undefined"})
"""Methods whose ends are right at any level."""


def estimate_among(
    measured: Measurement, level: float, *, of_family: float, clusters: int | None = None
) -> Estimate:
    """Estimate a mean at the level that is its share of a family's.

    At the family's own level, that is alone, by the published rule. Beyond it ends by Student's t
    take the place of normal ones and of percentiles: at 50 clusters and level 0.998 the normal is
    left by chance 1.6 times as often as it says, and of 4,096 replicates only the outermost few
    would decide. Those of Clopper and Pearson take the place of Wilson's: at 40 clusters, a share
    of .9 and level .998, Wilson's is left three times as often as it says.

    Args:
        measured: The mean.
        level: Of this interval.
        of_family: Of all intervals together.
        clusters: As if so many clusters said the same; None for those that there are.

    """
    if clusters is not None:
        measured = measured.enlarged(clusters)
    found = measured.estimate(level)
    if level <= of_family or found.method in EXACT:
        return found
    if found.method == "wilson" and (counts := independent_counts(measured.moments)):
        low, high = clopper_pearson(counts[1], sum(counts), level=level)
        return msgspec.structs.replace(found, low=low, high=high, method="clopper-pearson")
    ends = by_t(measured, level)
    if ends is None:
        return found
    method = METHOD if found.method == METHOD else "cluster-t"
    return msgspec.structs.replace(
        found, low=ends[0], high=ends[1], method=method, replicates=None, seed=None
    )


def by_t(measured: Measurement, level: float) -> tuple[float, float] | None:
    """Ends by Student's t on the cluster-robust error; None where nothing varies, or next to it."""
    from scipy.special import stdtrit  # noqa: PLC0415 - heavy, only where it is used

    moments, value = measured.moments, measured.moments.mean
    if value is None or moments.clusters <= 1 or not (error := cluster_error(moments)):
        return None
    if alike_by_luck(moments, measured.scale):
        return None
    reach = error * float(stdtrit(moments.clusters - 1, (1 + level) / 2))
    low, high = measured.scale
    audit = measured.audit
    if audit is not None and audit.closed:
        if not audit.is_enough:
            return None
        first = Ends(value, value - reach, value + reach)
        return audited_ends(audit, moments, first, scale=measured.scale, level=level)
    return max(value - reach, low), min(value + reach, high)
