"""Position bias: does the judge choose the answer, or the place where it stands?

Two numbers, never one. The *flip rate* says how often the two orders of a comparison disagree;
noise alone makes it high. The *direction* says whether the answer shown first is chosen more or
less than half of the time; noise leaves it at 0. The alert is on the direction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from judgefast.codes import FIXED_ONE, Status
from judgefast.stats.estimate import Estimate  # noqa: TC001 - msgspec reads the annotation
from judgefast.stats.fixed import fixed_ratio, for_products, rounded_quotient
from judgefast.stats.measurement import Measurement
from judgefast.stats.moments import cluster_moments
from judgefast.stats.orders import order_counts
from judgefast.stats.position import PositionBias
from judgefast.stats.rules import (
    BIAS_MIN_CLUSTERS,
    BIAS_MIN_LEAN,
    BIAS_MIN_LEANING,
    GUIDE_FLIP_RATE,
    LEVEL,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.stats.orders import ComparisonPlan, OrderCounts
    from judgefast.stats.slices import JudgedItems
    from judgefast.verdicts.columns import VerdictColumns


def position_bias(
    plan: ComparisonPlan,
    verdicts: VerdictColumns,
    items: JudgedItems,
    *,
    level: float = LEVEL,
    label_choices: Sequence[object] | None = None,
) -> PositionBias:
    """Measure position bias over the judgments that showed two answers.

    Args:
        plan: Item and shown answers of each judgment. n rows.
        verdicts: What was read, in the order of the plan.
        items: For the clusters.
        level: Confidence level of the intervals.
        label_choices: Meaning of each column of `p_labels`: `first`, `second` or `tie`.

    Returns:
        Rates with clustered intervals, counts, and the two rules' answers.

    Source:
        Shi et al. 2024, arXiv:2406.07791 (consistency and preference fairness); Wang et al. 2023,
        arXiv:2305.17926 (balancing positions). The rule of the alert: `docs/statistics.md`.

    """
    counts = order_counts(plan, verdicts)
    read, planned = counts.read, counts.planned
    both = _each(read)
    one_order = not _each(planned).any()
    means = _Means(items.cluster_id64[counts.item], level)

    forward, swapped = counts.verdicts[:, 0], counts.verdicts[:, 1]
    pairs = np.where(both, read[:, 0] * read[:, 1], 1)
    agreeing = (forward * swapped).sum(axis=1)
    first_twice, second_twice = forward[:, 0] * swapped[:, 1], forward[:, 1] * swapped[:, 0]
    flip_rate = means.estimate("flip_rate", fixed_ratio(pairs - agreeing, pairs), both)
    same = fixed_ratio(first_twice + second_twice, pairs)

    used = _either(read) if one_order else both
    lean = _balanced(counts.first_halves * (FIXED_ONE // 2), read)
    centred = means.estimate("direction", lean, used)
    direction = msgspec.structs.replace(
        centred,
        **{
            end: None if (old := getattr(centred, end)) is None else old - 0.5
            for end in ("value", "low", "high")
        },
    )
    noise = _noise(counts, both, means)
    return PositionBias(
        comparisons=len(counts.item),
        both_orders=int(both.sum()),
        one_order=one_order,
        flip_rate=flip_rate,
        direction=direction,
        same_position_rate=means.estimate("same_position_rate", same, both),
        first_twice=int(first_twice.sum()),
        second_twice=int(second_twice.sum()),
        flip_matrix=_matrix(forward, swapped),
        noise_flip_rate=noise,
        noise_share=_share(noise, flip_rate),
        p_first=_p_first(counts, verdicts, label_choices, means, one_order=one_order),
        guide_flip_rule=flip_rate.value is not None and flip_rate.value > GUIDE_FLIP_RATE,
        direction_alert=_alerts(direction, means.clusters(used & (lean != FIXED_ONE // 2))),
    )


class _Means:
    """Clustered means over the comparisons of a run."""

    def __init__(self, cluster_id64: NDArray[np.uint64], level: float) -> None:
        self._cluster = cluster_id64
        self._level = level

    def estimate(self, name: str, value: NDArray[np.int64], used: NDArray[np.bool_]) -> Estimate:
        """Mean of the comparisons that are used; the others are missing."""
        codes = np.zeros(len(value), dtype=np.int64)
        moments = cluster_moments(self._cluster, value, used.astype(np.uint8), codes, 1)[0]
        found = Measurement(name, "all", moments, missing=0).estimate(self._level)
        return msgspec.structs.replace(found, missing=int((~used).sum()))

    def clusters(self, used: NDArray[np.bool_]) -> int:
        """Clusters with at least one comparison that is used."""
        return len(np.unique(self._cluster[used]))


def _balanced(sums: NDArray[np.int64], read: NDArray[np.int64]) -> NDArray[np.int64]:
    """Mean over the orders of the mean within each order. Shape (m,), rounded once.

    An order without judgments does not count; sums are integers, shape (m, 2).
    """
    sums, size = for_products(sums, np.maximum(read, 1))
    top = sums[:, 0] * size[:, 1] + sums[:, 1] * size[:, 0]
    orders = np.maximum((read > 0).sum(axis=1), 1)
    return rounded_quotient(top, size[:, 0] * size[:, 1] * orders)


def _noise(counts: OrderCounts, both: NDArray[np.bool_], means: _Means) -> Estimate | None:
    """How often two repeats in the same order differ, over comparisons read in both orders."""
    read = counts.read
    repeated = read > 1
    used = both & _either(repeated)
    if not used.any():
        return None
    pairs = np.where(repeated, read * (read - 1), 0)
    agreeing = (counts.verdicts * (counts.verdicts - 1)).sum(axis=2)
    differing = np.where(repeated, pairs - agreeing, 0) * FIXED_ONE
    return means.estimate("noise_flip_rate", _balanced(differing, pairs), used)


def _share(noise: Estimate | None, flips: Estimate) -> float | None:
    if noise is None or noise.value is None or not flips.value:
        return None
    return min(noise.value / flips.value, 1.0)


def _p_first(
    counts: OrderCounts,
    verdicts: VerdictColumns,
    choices: Sequence[object] | None,
    means: _Means,
    *,
    one_order: bool,
) -> Estimate | None:
    if choices is None or verdicts.p_labels.shape[1] != len(choices):
        return None
    worth = np.array([{"first": 1.0, "tie": 0.5}.get(str(choice), 0.0) for choice in choices])
    probability = verdicts.p_labels.astype(np.float64) @ worth
    known = (counts.comparison >= 0) & (verdicts.status == Status.PARSED) & ~np.isnan(probability)
    if not known.any():
        return None
    cells = (counts.comparison * 2 + counts.order)[known]
    sums = np.zeros(2 * len(counts.item), dtype=np.int64)
    np.add.at(sums, cells, np.rint(probability[known] * FIXED_ONE).astype(np.int64))
    read = np.bincount(cells, minlength=len(sums)).reshape(-1, 2)
    used = _either(read) if one_order else _each(read)
    return means.estimate("p_first", _balanced(sums.reshape(-1, 2), read), used)


def _each(read: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Comparisons with something in both orders."""
    return (read[:, 0] > 0) & (read[:, 1] > 0)


def _either(read: NDArray[np.int64] | NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Comparisons with something in at least one order."""
    return (read[:, 0] > 0) | (read[:, 1] > 0)


def _matrix(
    forward: NDArray[np.int64], swapped: NDArray[np.int64]
) -> tuple[tuple[int, int, int], ...]:
    table = forward.T @ swapped
    return tuple((int(row[0]), int(row[1]), int(row[2])) for row in table)


def _alerts(direction: Estimate, leaning: int) -> bool:
    if direction.value is None or abs(direction.value) < BIAS_MIN_LEAN:
        return False
    if direction.clusters < BIAS_MIN_CLUSTERS or leaning < BIAS_MIN_LEANING:
        return False
    if direction.low is None or direction.high is None:
        # No variance: every comparison leans by the same amount.
        return True
    return direction.low > 0 or direction.high < 0
