"""Position bias: does the judge choose the answer, or the place where it stands?

Two numbers, never one. The *flip rate* says how often the two orders of a comparison disagree;
noise alone makes it high. The *direction* says whether the answer shown first is chosen more or
less than half of the time; noise leaves it at 0. The alert is on the direction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.codes import FIXED_ONE
from judgefast.stats.estimate import Estimate  # noqa: TC001 - msgspec reads the annotation
from judgefast.stats.position import PositionBias
from judgefast.stats.position_rows import measure_position, position_estimate, position_rows
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

    from judgefast.stats.orders import ComparisonPlan
    from judgefast.stats.replicates import Resampling
    from judgefast.stats.slices import JudgedItems
    from judgefast.verdicts.columns import VerdictColumns


def position_bias(  # noqa: PLR0913 - settings of the report, by keyword
    plan: ComparisonPlan,
    verdicts: VerdictColumns,
    items: JudgedItems,
    *,
    level: float = LEVEL,
    label_choices: Sequence[object] | None = None,
    resampling: Resampling | None = None,
) -> PositionBias:
    """Measure position bias over the judgments that showed two answers.

    Args:
        plan: Item and shown answers of each judgment. n rows.
        verdicts: What was read, in the order of the plan.
        items: For the clusters.
        level: Confidence level of the intervals.
        label_choices: Meaning of each column of `p_labels`: `first`, `second` or `tie`.
        resampling: Seed and number of replicates; None: analytic ends only.

    Returns:
        Rates with clustered intervals, counts, and the two rules' answers.

    Source:
        Shi et al. 2024, arXiv:2406.07791 (consistency and preference fairness); Wang et al. 2023,
        arXiv:2305.17926 (balancing positions). The rule of the alert: `docs/statistics.md`.

    """
    found = position_rows(plan, verdicts, label_choices=label_choices)
    counts, both = found.counts, found.both
    forward, swapped = counts.verdicts[:, 0], counts.verdicts[:, 1]
    means = {
        one.name: position_estimate(one, level)
        for one in measure_position(found, items, resampling)
    }
    flip_rate, noise = means["flip_rate"], means.get("noise_flip_rate")
    direction, (lean, used) = means["direction"], found.columns["direction"]
    cluster = items.cluster_id64[counts.item]
    leaning = len(np.unique(cluster[used & (lean != FIXED_ONE // 2)]))
    return PositionBias(
        comparisons=len(counts.item),
        both_orders=int(both.sum()),
        one_order=found.one_order,
        flip_rate=flip_rate,
        direction=direction,
        same_position_rate=means["same_position_rate"],
        first_twice=int((forward[:, 0] * swapped[:, 1]).sum()),
        second_twice=int((forward[:, 1] * swapped[:, 0]).sum()),
        flip_matrix=_matrix(forward, swapped),
        noise_flip_rate=noise,
        noise_share=_share(noise, flip_rate),
        p_first=means.get("p_first"),
        guide_flip_rule=flip_rate.value is not None and flip_rate.value > GUIDE_FLIP_RATE,
        direction_alert=_alerts(direction, leaning),
    )


def _share(noise: Estimate | None, flips: Estimate) -> float | None:
    if noise is None or noise.value is None or not flips.value:
        return None
    return min(noise.value / flips.value, 1.0)


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
