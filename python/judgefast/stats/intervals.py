"""Which interval is printed beside an estimate, and how each is computed.

The rule, the first that fits (`docs/statistics.md`): independent yes-or-no outcomes get
Clopper-Pearson or Wilson; one cluster, or no variance, or next to none in a handful of clusters,
none; few clusters Student's t on the cluster-robust error; the rest the percentiles of their
replicates, or the normal on that error where nothing was resampled.
"""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

from judgefast.codes import FIXED_ONE
from judgefast.errors import ConfigError
from judgefast.stats.rules import ALIKE_ERROR, FEW_CLUSTERS, SIGN_MIN_CLUSTERS, SMALL_COUNT

if TYPE_CHECKING:
    from judgefast.stats.moments import Moments
    from judgefast.stats.replicates import Replicates


PAIR = 2
"""Replicates that must lie outside an interval, one on either side, for it to have ends at all."""


class Interval(NamedTuple):
    """An estimate and the two ends the rule gives it; ends are None where it gives none."""

    value: float | None
    low: float | None
    high: float | None
    method: str
    note: str


def interval(
    moments: Moments,
    *,
    scale: tuple[float, float],
    level: float,
    binary: bool,
    replicates: Replicates | None = None,
) -> Interval:
    """Apply the published rule to the sums of one slice.

    Args:
        moments: Exact sums of the slice.
        scale: Lowest and highest possible value; ends are clipped to it.
        level: Confidence level, in (0, 1).
        binary: Whether the value can be a yes-or-no outcome on the scale 0 to 1. A score that
            happens to be 0 or 1 everywhere is none.
        replicates: Means of the slice under resampling; None for the analytic ends.

    Returns:
        The estimate S/W and its interval. Both are None over no outcomes.

    Raises:
        ConfigError: `level` is not inside (0, 1).

    Source:
        Which interval covers: `docs/statistics.md`, section "Which interval".

    """
    if not 0 < level < 1:
        message = f"`level` is {level}; it must be above 0 and below 1"
        raise ConfigError(message)
    value = moments.mean
    if value is None:
        return Interval(None, None, None, "undefined", "no outcome has a value")
    if binary and (counts := independent_counts(moments)):
        exact = min(counts) < SMALL_COUNT
        ends = (clopper_pearson if exact else wilson)(counts[1], sum(counts), level=level)
        method = "clopper-pearson" if exact else "wilson"
        return Interval(value, *ends, method, "")
    if note := _no_variance(moments, scale):
        return Interval(value, None, None, "undefined", note)
    error = cluster_error(moments)
    few, note = moments.clusters < FEW_CLUSTERS, ""
    if replicates is not None and not few:
        number = len(replicates.means)
        found = replicates.ends(level) if number * (1 - Fraction(level)) >= PAIR else None
        if found is not None:
            low, high = max(found[0], scale[0]), min(found[1], scale[1])
            return Interval(value, low, high, replicates.method, "")
        note = f"{number:,} replicates have no percentiles that far out"
    reach = error * _quantile((1 + level) / 2, moments.clusters - 1 if few else None)
    low, high = max(value - reach, scale[0]), min(value + reach, scale[1])
    return Interval(value, low, high, "cluster-t" if few else "cluster-normal", note)


def alike_by_luck(moments: Moments, scale: tuple[float, float]) -> bool:
    """Whether a handful of clusters, two or more, differ by so little that no spread is known.

    Their error is not 0 as rule 2 has it, but by Student's t they would have an interval that is
    next to a point: as from two label probabilities that happen to be close.
    """
    if moments.clusters >= SIGN_MIN_CLUSTERS:
        return False
    return cluster_error(moments) < ALIKE_ERROR * (scale[1] - scale[0])


def takes_replicates(moments: Moments, *, binary: bool) -> bool:
    """Whether rules 1 to 3 leave a slice to rule 4, so that it is worth resampling."""
    if moments.clusters < FEW_CLUSTERS or (binary and independent_counts(moments)):
        return False
    return cluster_error(moments) > 0


def independent_counts(moments: Moments) -> tuple[int, int] | None:
    """Clusters that say no and yes, where each is one independent yes-or-no outcome, else None.

    A cluster is one outcome if it holds one, or several that agree. They must weigh the same in
    every cluster (a cluster that counts twice is not one draw), unless all say the same. So
    nothing changes if every row is there twice, or if every row weighs three.
    """
    if not moments.is_binary:
        return None
    # With values 0 and 1, s_g (w_g - s_g) is never negative, and 0 only if the cluster agrees.
    agree = moments.ss == moments.sw * FIXED_ONE
    same_weight = moments.clusters * moments.ww == moments.w**2
    yes = Fraction(moments.s * moments.clusters, moments.w * FIXED_ONE)
    if agree and (same_weight or yes in (0, moments.clusters)):
        return moments.clusters - round(yes), round(yes)
    return None


def cluster_error(moments: Moments) -> float:
    r"""Cluster-robust standard error of the ratio S/W, for at least two clusters.

    The variance, G/(G-1) * sum_g (s_g - theta w_g)^2 / W^2 with theta = S/W, is a fraction of two
    integers, computed exactly and rounded once. 0 means exactly 0.

    Source:
        Liang and Zeger 1986; Miller 2024, "Adding Error Bars to Evals", arXiv:2411.00640, with
        the factor G/(G-1) of Cameron and Miller 2015.

    """
    g, w, s = moments.clusters, moments.w, moments.s
    squares = w * w * moments.ss - 2 * s * w * moments.sw + s * s * moments.ww
    return math.sqrt(Fraction(g * squares, (g - 1) * w**4 * FIXED_ONE**2))


def wilson(yes: int, total: int, *, level: float) -> tuple[float, float]:
    """Score interval of a share.

    Source:
        Wilson 1927, JASA 22(158).

    >>> [round(end, 4) for end in wilson(24, 200, level=0.95)]
    [0.082, 0.1723]

    """
    z = _quantile((1 + level) / 2, None)
    share, shrink = yes / total, 1 + z * z / total
    middle = (share + z * z / (2 * total)) / shrink
    reach = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / shrink
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def clopper_pearson(yes: int, total: int, *, level: float) -> tuple[float, float]:
    """Exact interval of a share, from quantiles of the beta distribution.

    Source:
        Clopper and Pearson 1934, Biometrika 26(4).

    >>> [round(end, 4) for end in clopper_pearson(0, 30, level=0.95)]
    [0.0, 0.1157]

    """
    from scipy.special import betaincinv  # noqa: PLC0415 - heavy, only where it is used

    tail = (1 - level) / 2
    low = float(betaincinv(yes, total - yes + 1, tail)) if yes else 0.0
    high = float(betaincinv(yes + 1, total - yes, 1 - tail)) if yes < total else 1.0
    return low, high


def _no_variance(moments: Moments, scale: tuple[float, float]) -> str:
    """Why clusters have no spread that an interval could be made from; nothing where they do."""
    if moments.clusters == 1:
        return "one cluster: nothing to compare it with"
    if cluster_error(moments) == 0:
        return "every cluster has the same mean: no variance to infer from"
    if alike_by_luck(moments, scale):
        return f"only {moments.clusters} clusters, all but alike: no variance to infer from"
    return ""


def _quantile(probability: float, freedom: int | None) -> float:
    """Quantile of Student's t, or of the normal where `freedom` is None."""
    if freedom is None:  # of all quantiles the one that most reports need, and scipy is heavy
        return NormalDist().inv_cdf(probability)
    from scipy.special import stdtrit  # noqa: PLC0415 - see above

    return float(stdtrit(freedom, probability))
