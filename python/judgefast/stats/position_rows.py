"""What each comparison says of the judge's bias for a position: rows, and their means."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from judgefast.codes import FIXED_ONE, Status
from judgefast.stats.fixed import fixed_ratio, for_products, rounded_quotient
from judgefast.stats.joint import SlicedRows, measure_parts
from judgefast.stats.orders import order_counts
from judgefast.stats.slices import Rows, Slicer, Statistic
from judgefast.stats.tails import estimate_among

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.stats.estimate import Estimate
    from judgefast.stats.measurement import Measurement
    from judgefast.stats.orders import ComparisonPlan, OrderCounts
    from judgefast.stats.replicates import Resampling
    from judgefast.stats.slices import JudgedItems
    from judgefast.verdicts.columns import VerdictColumns

    _Column = tuple[NDArray[np.int64], NDArray[np.bool_]]
    """A value for each comparison, and whether it is used."""

OPTIONAL = ("noise_flip_rate", "p_first")
"""Means that are left out where a run has nothing for them."""

CENTRES = {"direction": 0.5}
"""Means that are said as their distance from this."""


class PositionRows(NamedTuple):
    """The comparisons of a run, and what each says. m comparisons."""

    counts: OrderCounts
    both: NDArray[np.bool_]
    """Whether a comparison was read in both orders. Shape (m,)."""
    one_order: bool
    """Whether one order alone was asked."""
    columns: dict[str, _Column]
    """By the name of the mean."""

    def statistic(self, name: str) -> Statistic:
        """One row a comparison; it weighs nothing where it is not used."""
        value, used = self.columns[name]
        zeros = np.zeros(len(value), dtype=np.int64)
        item = self.counts.item.astype(np.uint32)
        rows = Rows(item, self.counts.aspect, value, used.astype(np.uint8), zeros, [""])
        return Statistic(name, rows, cuts="both")


def position_rows(
    plan: ComparisonPlan,
    verdicts: VerdictColumns,
    *,
    label_choices: Sequence[object] | None = None,
) -> PositionRows:
    """Say of each comparison what `position_bias` takes the mean of; arguments as there."""
    counts = order_counts(plan, verdicts)
    one_order = not has_both_orders(counts)
    found = rows_of(counts, verdicts, label_choices=label_choices, one_order=one_order)
    known = {
        name: column
        for name, column in found.columns.items()
        if name not in OPTIONAL or column[1].any()
    }
    return found._replace(columns=known)


def has_both_orders(counts: OrderCounts) -> bool:
    """Whether some comparison was asked in both orders."""
    return bool(_each(counts.planned).any())


def rows_of(
    counts: OrderCounts,
    verdicts: VerdictColumns,
    *,
    label_choices: Sequence[object] | None,
    one_order: bool,
) -> PositionRows:
    """Say it of the comparisons of one shard, also what no comparison of it is used for."""
    read = counts.read
    both = _each(read)
    forward, swapped = counts.verdicts[:, 0], counts.verdicts[:, 1]
    pairs = np.where(both, read[:, 0] * read[:, 1], 1)
    agreeing = (forward * swapped).sum(axis=1)
    same = forward[:, 0] * swapped[:, 1] + forward[:, 1] * swapped[:, 0]
    lean = _balanced(counts.first_halves * (FIXED_ONE // 2), read)
    columns: dict[str, _Column | None] = {
        "flip_rate": (fixed_ratio(pairs - agreeing, pairs), both),
        "direction": (lean, _either(read) if one_order else both),
        "same_position_rate": (fixed_ratio(same, pairs), both),
        "noise_flip_rate": _noise(counts, both),
        "p_first": _p_first(counts, verdicts, label_choices, one_order=one_order),
    }
    known = {name: column for name, column in columns.items() if column is not None}
    return PositionRows(counts, both, one_order, known)


def measure_position(
    found: PositionRows,
    items: JudgedItems,
    resampling: Resampling | None,
    fields: Sequence[str] = (),
    aspects: Sequence[str] = (),
) -> list[Measurement]:
    """Measure the mean of each column, of all and by slices, for `position_estimate`."""
    return measure_parts(parts_of(found, items, fields, aspects), resampling)


def parts_of(
    found: PositionRows,
    items: JudgedItems,
    fields: Sequence[str] = (),
    aspects: Sequence[str] = (),
) -> list[SlicedRows]:
    """Each column as parts to measure: of all, then by aspects and by fields of meta."""
    cluster = items.cluster_id64[found.counts.item]
    whole = np.zeros(len(cluster), dtype=np.int64)
    parts = [
        SlicedRows(name, ["all"], cluster, value, used.astype(np.uint8), whole)
        for name, (value, used) in found.columns.items()
    ]
    if not fields and len(aspects) <= 1:
        return parts
    slicer = Slicer(items, fields=fields, aspects=aspects)
    for name in found.columns:  # the whole stands above, also where it is empty
        parts += islice(slicer.parts(found.statistic(name)), 1, None)
    return parts


def position_estimate(
    measured: Measurement, level: float, *, of_family: float = 1.0, clusters: int | None = None
) -> Estimate:
    """Say a mean of `measure_position`, as `tails.estimate_among` does.

    What is missing is counted, without bounds: it was not read in both orders.
    """
    one = estimate_among(
        measured._replace(missing=0), level, of_family=of_family, clusters=clusters
    )
    centre = CENTRES.get(one.name, 0.0)
    ends = {"value": one.value, "low": one.low, "high": one.high}
    moved = {end: None if number is None else number - centre for end, number in ends.items()}
    return msgspec.structs.replace(one, missing=measured.missing, **moved)


def _balanced(sums: NDArray[np.int64], read: NDArray[np.int64]) -> NDArray[np.int64]:
    """Mean over the orders of the mean within each order. Shape (m,), rounded once.

    An order without judgments does not count; sums are integers, shape (m, 2).
    """
    sums, size = for_products(sums, np.maximum(read, 1))
    top = sums[:, 0] * size[:, 1] + sums[:, 1] * size[:, 0]
    orders = np.maximum((read > 0).sum(axis=1), 1)
    return rounded_quotient(top, size[:, 0] * size[:, 1] * orders)


def _noise(counts: OrderCounts, both: NDArray[np.bool_]) -> _Column:
    """How often two repeats in the same order differ, over comparisons read in both orders."""
    read = counts.read
    repeated = read > 1
    used = both & _either(repeated)
    pairs = np.where(repeated, read * (read - 1), 0)
    agreeing = (counts.verdicts * (counts.verdicts - 1)).sum(axis=2)
    differing = np.where(repeated, pairs - agreeing, 0) * FIXED_ONE
    return _balanced(differing, pairs), used


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
