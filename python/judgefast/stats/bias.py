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
from judgefast.stats.joint import SlicedRows, measure_parts
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
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from judgefast.stats.orders import ComparisonPlan, OrderCounts
    from judgefast.stats.replicates import Resampling
    from judgefast.stats.slices import JudgedItems
    from judgefast.verdicts.columns import VerdictColumns

    _Column = tuple[NDArray[np.int64], NDArray[np.bool_]]
    """A value for each comparison, and whether it is used."""


def position_bias(
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
    counts = order_counts(plan, verdicts)
    read, planned = counts.read, counts.planned
    both = _each(read)
    one_order = not _each(planned).any()
    forward, swapped = counts.verdicts[:, 0], counts.verdicts[:, 1]
    pairs = np.where(both, read[:, 0] * read[:, 1], 1)
    agreeing = (forward * swapped).sum(axis=1)
    first_twice, second_twice = forward[:, 0] * swapped[:, 1], forward[:, 1] * swapped[:, 0]
    used = _either(read) if one_order else both
    lean = _balanced(counts.first_halves * (FIXED_ONE // 2), read)
    cluster = items.cluster_id64[counts.item]
    columns: dict[str, _Column | None] = {
        "flip_rate": (fixed_ratio(pairs - agreeing, pairs), both),
        "direction": (lean, used),
        "same_position_rate": (fixed_ratio(first_twice + second_twice, pairs), both),
        "noise_flip_rate": _noise(counts, both),
        "p_first": _p_first(counts, verdicts, label_choices, one_order=one_order),
    }
    means = _means({name: one for name, one in columns.items() if one}, cluster, resampling, level)

    flip_rate, noise = means["flip_rate"], means.get("noise_flip_rate")
    direction = msgspec.structs.replace(
        means["direction"],
        **{
            end: None if (old := getattr(means["direction"], end)) is None else old - 0.5
            for end in ("value", "low", "high")
        },
    )
    leaning = len(np.unique(cluster[used & (lean != FIXED_ONE // 2)]))
    return PositionBias(
        comparisons=len(counts.item),
        both_orders=int(both.sum()),
        one_order=one_order,
        flip_rate=flip_rate,
        direction=direction,
        same_position_rate=means["same_position_rate"],
        first_twice=int(first_twice.sum()),
        second_twice=int(second_twice.sum()),
        flip_matrix=_matrix(forward, swapped),
        noise_flip_rate=noise,
        noise_share=_share(noise, flip_rate),
        p_first=means.get("p_first"),
        guide_flip_rule=flip_rate.value is not None and flip_rate.value > GUIDE_FLIP_RATE,
        direction_alert=_alerts(direction, leaning),
    )


def _means(
    columns: Mapping[str, _Column],
    cluster_id64: NDArray[np.uint64],
    resampling: Resampling | None,
    level: float,
) -> dict[str, Estimate]:
    """Clustered means over the comparisons that each column uses; the others are missing.

    They are counted, without bounds: what is left out here was not read in both orders.
    """
    whole = np.zeros(len(cluster_id64), dtype=np.int64)
    parts = [
        SlicedRows(name, ["all"], cluster_id64, value, used.astype(np.uint8), whole)
        for name, (value, used) in columns.items()
    ]
    return {
        one.name: msgspec.structs.replace(
            one._replace(missing=0).estimate(level), missing=one.missing
        )
        for one in measure_parts(parts, resampling)
    }


def _balanced(sums: NDArray[np.int64], read: NDArray[np.int64]) -> NDArray[np.int64]:
    """Mean over the orders of the mean within each order. Shape (m,), rounded once.

    An order without judgments does not count; sums are integers, shape (m, 2).
    """
    sums, size = for_products(sums, np.maximum(read, 1))
    top = sums[:, 0] * size[:, 1] + sums[:, 1] * size[:, 0]
    orders = np.maximum((read > 0).sum(axis=1), 1)
    return rounded_quotient(top, size[:, 0] * size[:, 1] * orders)


def _noise(counts: OrderCounts, both: NDArray[np.bool_]) -> _Column | None:
    """How often two repeats in the same order differ, over comparisons read in both orders."""
    read = counts.read
    repeated = read > 1
    used = both & _either(repeated)
    if not used.any():
        return None
    pairs = np.where(repeated, read * (read - 1), 0)
    agreeing = (counts.verdicts * (counts.verdicts - 1)).sum(axis=2)
    differing = np.where(repeated, pairs - agreeing, 0) * FIXED_ONE
    return _balanced(differing, pairs), used


def _share(noise: Estimate | None, flips: Estimate) -> float | None:
    if noise is None or noise.value is None or not flips.value:
        return None
    return min(noise.value / flips.value, 1.0)


def _p_first(
    counts: OrderCounts,
    verdicts: VerdictColumns,
    choices: Sequence[object] | None,
    *,
    one_order: bool,
) -> _Column | None:
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
    return _balanced(sums.reshape(-1, 2), read), used


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
