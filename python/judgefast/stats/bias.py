"""Position bias: does the judge choose the answer, or the place where it stands?

Two numbers, never one. The *flip rate* says how often the two orders of a comparison disagree;
noise alone makes it high. The *direction* says whether the answer shown first is chosen more or
less than half of the time; noise leaves it at 0. The alert is on the direction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec import UNSET

from judgefast.codes import FIXED_ONE
from judgefast.stats.estimate import Estimate  # noqa: TC001 - msgspec reads the annotation
from judgefast.stats.joint import measure_shards
from judgefast.stats.orders import Shown, order_counts
from judgefast.stats.position import PositionBias
from judgefast.stats.position_rows import (
    OPTIONAL,
    has_both_orders,
    parts_of,
    position_estimate,
    rows_of,
)
from judgefast.stats.rules import (
    BIAS_MIN_CLUSTERS,
    BIAS_MIN_LEAN,
    BIAS_MIN_LEANING,
    GUIDE_FLIP_RATE,
    LEVEL,
)
from judgefast.stats.shards import Shards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.stats.joint import SlicedRows
    from judgefast.stats.orders import ComparisonPlan, OrderCounts
    from judgefast.stats.position_rows import PositionRows
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
    aspects: Sequence[str] = (),
) -> PositionBias:
    """Measure position bias over the judgments that showed two answers.

    Args:
        plan: Item and shown answers of each judgment. n rows.
        verdicts: What was read, in the order of the plan.
        items: For the clusters.
        level: Confidence level of the intervals.
        label_choices: Meaning of each column of `p_labels`: `first`, `second` or `tie`.
        resampling: Seed and number of replicates; None: analytic ends only.
        aspects: Names of the rubric's aspects, by code; several are measured apart as well.

    Returns:
        Rates with clustered intervals, counts, and the two rules' answers.

    Source:
        Shi et al. 2024, arXiv:2406.07791 (consistency and preference fairness); Wang et al. 2023,
        arXiv:2305.17926 (balancing positions). The rule of the alert: `docs/statistics.md`.

    """
    shards = Shards(items.cluster_id64, len(plan.item))

    def counts_of(shard: int) -> tuple[OrderCounts, VerdictColumns]:
        if shards.number == 1:
            return order_counts(plan, verdicts), verdicts
        rows = shards.rows(shard, plan.item)
        read = verdicts.take(rows)
        return order_counts(Shown.of(plan, rows), read), read

    one_order = not any(has_both_orders(counts_of(shard)[0]) for shard in range(shards.number))
    tallies: dict[int, _Tally] = {}

    def parts(shard: int) -> list[SlicedRows]:
        counts, read = counts_of(shard)
        found = rows_of(counts, read, label_choices=label_choices, one_order=one_order)
        tallies[shard] = _tally(found, items)
        return parts_of(found, items, (), aspects)

    measured = [
        position_estimate(one, level)
        for one in measure_shards(parts, shards.number, resampling)
        if one.name not in OPTIONAL or one.moments.outcomes
    ]
    means = {one.name: one for one in measured if one.slice == "all"}
    noise = means.get("noise_flip_rate")
    total = _Tally(*(sum(column) for column in zip(*tallies.values(), strict=True)))
    return PositionBias(
        comparisons=int(total.comparisons),
        both_orders=int(total.both_orders),
        one_order=one_order,
        flip_rate=means["flip_rate"],
        direction=means["direction"],
        same_position_rate=means["same_position_rate"],
        first_twice=int(total.first_twice),
        second_twice=int(total.second_twice),
        flip_matrix=_matrix(total.matrix),
        noise_flip_rate=noise,
        noise_share=_share(noise, means["flip_rate"]),
        p_first=means.get("p_first"),
        guide_flip_rule=_above_guide(means["flip_rate"]),
        direction_alert=_alerts(means["direction"], int(total.leaning)),
        by_aspect=[one for one in measured if one.slice != "all"] if len(aspects) > 1 else UNSET,
    )


class _Tally(NamedTuple):
    """Sums over the comparisons of a shard."""

    comparisons: int
    both_orders: int
    first_twice: int
    second_twice: int
    matrix: NDArray[np.int64]
    leaning: int
    """Clusters with a comparison that leans to one position."""


def _tally(found: PositionRows, items: JudgedItems) -> _Tally:
    counts = found.counts
    forward, swapped = counts.verdicts[:, 0], counts.verdicts[:, 1]
    lean, used = found.columns["direction"]
    cluster = items.cluster_id64[counts.item]
    return _Tally(
        comparisons=len(counts.item),
        both_orders=int(found.both.sum()),
        first_twice=int((forward[:, 0] * swapped[:, 1]).sum()),
        second_twice=int((forward[:, 1] * swapped[:, 0]).sum()),
        matrix=forward.T @ swapped,
        leaning=len(np.unique(cluster[used & (lean != FIXED_ONE // 2)])),
    )


def _above_guide(flips: Estimate) -> bool:
    return flips.value is not None and flips.value > GUIDE_FLIP_RATE


def _share(noise: Estimate | None, flips: Estimate) -> float | None:
    if noise is None or noise.value is None or not flips.value:
        return None
    return min(noise.value / flips.value, 1.0)


def _matrix(table: NDArray[np.int64]) -> tuple[tuple[int, int, int], ...]:
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
