"""The interval of a mean whose second orders were mostly not asked.

Two independent errors meet: that of the mean by both orders everywhere, whose ends have the shape
that the published rule gives the mean by the first answers, and that of having asked only some
second orders, by Student's t on the audited clusters. Their squares add up, either way
(`docs/adaptive.md`).

Source:
    Zou and Donner 2008, Statistics in Medicine 27(10): ends of a sum from the ends of its parts.

"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from judgefast.stats.intervals import Interval, cluster_error

if TYPE_CHECKING:
    from judgefast.stats.audit import Audit
    from judgefast.stats.moments import Moments

METHOD = "audited"


class Ends(NamedTuple):
    """Ends of the mean by the first answers, which lend theirs to the corrected one."""

    value: float
    low: float
    high: float


def audited_interval(
    audit: Audit, moments: Moments, first: Interval, *, scale: tuple[float, float], level: float
) -> Interval:
    """Correct a mean by its audit, and put the interval of both beside it.

    Args:
        audit: Of the slice.
        moments: By the first answers.
        first: What the published rule says of those.
        scale: Lowest and highest possible value; the estimate and its ends are clipped to it.
        level: Confidence level, in (0, 1).

    Returns:
        As it is where nothing is closed; without ends where too little was audited.

    """
    if first.value is None or not audit.closed:
        return first
    value = min(max(audit.mean, scale[0]), scale[1])
    if not audit.is_enough:
        return Interval(value, None, None, "undefined", audit.note)
    if first.low is None or first.high is None:
        return Interval(value, None, None, "undefined", first.note)
    shape = Ends(first.value, first.low, first.high)
    low, high = audited_ends(audit, moments, shape, scale=scale, level=level)
    return Interval(value, low, high, METHOD, first.note)


def audited_ends(
    audit: Audit, moments: Moments, first: Ends, *, scale: tuple[float, float], level: float
) -> tuple[float, float]:
    """Ends of a corrected mean, from those of the mean by the first answers."""
    spread, error = audit.spread(moments.clusters), cluster_error(moments)
    of_own = spread.own / error if error else 1.0
    reach = 0.0
    if spread.audit:
        from scipy.special import stdtrit  # noqa: PLC0415 - heavy, only where it is used

        reach = spread.audit * float(stdtrit(audit.freedom, (1 + level) / 2))
    down = math.hypot((first.value - first.low) * of_own, reach)
    up = math.hypot((first.high - first.value) * of_own, reach)
    return max(spread.value - down, scale[0]), min(spread.value + up, scale[1])
