"""The difference of two runs over what both judged, unit by unit. Never an unpaired test."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

import numpy as np

from judgefast.codes import FIXED_ONE
from judgefast.errors import ColumnError
from judgefast.stats.few_changes import changes_of
from judgefast.stats.fixed import for_products, rounded_quotient
from judgefast.stats.joint import SlicedRows, measure_parts
from judgefast.stats.paired_mean import PairedMean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.stats.replicates import Resampling


class RunOutcomes(NamedTuple):
    """The outcomes of one statistic of one run, as a difference needs them. All of length n."""

    item: NDArray[np.int64]
    """Code of the item, from 0; both runs share the codes: one item id, one code."""
    cluster_id64: NDArray[np.uint64]
    value: NDArray[np.int64]
    """Multiples of 2^-24."""
    weight: NDArray[np.uint8]
    """0 where the outcome has no value."""
    slice: NDArray[np.int64]
    """Slice of each outcome, from 0, as a code that both runs share."""


class Identified(Protocol):
    """Rows that say of which item and cluster they are. Shape (n,) each."""

    @property
    def item(self) -> NDArray[np.int64]:
        """Code of the item, shared by both runs."""

    @property
    def cluster_id64(self) -> NDArray[np.uint64]:
        """Resampling id."""


def paired_means(  # noqa: PLR0913 - the runs, and by keyword how they meet
    a: RunOutcomes,
    b: RunOutcomes,
    slices: Sequence[str],
    *,
    name: str,
    scale: tuple[float, float] = (0.0, 1.0),
    scales: Sequence[tuple[float, float]] | None = None,
    note: str = "",
    by: Literal["item", "cluster"] | None = None,
    resampling: Resampling | None = None,
) -> list[PairedMean]:
    """Measure the difference of two runs' means in every slice from the differences of its units.

    A unit is an item (or a cluster) within a slice. Each unit's mean in `b` is taken from its mean
    in `a`, rounded once to a multiple of 2^-24; units count alike, whatever weights or repeats
    they hold, and clusters of units give the interval. Units present in one run alone are counted
    and left out; a unit that either run failed to read is missing.

    Args:
        a: Outcomes of the one run.
        b: Outcomes of the other.
        slices: Names of the slices, by code.
        name: Name of the mean.
        scale: Lowest and highest value of an outcome.
        scales: The same of each slice, where they differ.
        note: What has to be said of the values.
        by: Join on item ids or on clusters; None takes items if `items_join` says so.
        resampling: Seed and number of replicates; None: analytic ends only.

    Returns:
        One a slice, in the order of `slices`.

    Raises:
        ColumnError: Columns of different length.

    Source:
        Miller 2024, "Adding Error Bars to Evals", arXiv:2411.00640, section on paired differences.

    """
    for one in (a, b):
        _check_lengths(one)
    if by is None:
        by = "item" if items_join(a, b) else "cluster"
    units = _join(a, b, by, max(len(slices), 1))
    scored, both = units.scored, units.in_a & units.in_b
    many = len(slices)
    widths = [high - low for low, high in scales or [scale]]
    rows = SlicedRows(
        name,
        slices,
        units.cluster_id64,
        units.difference,
        scored.astype(np.uint8),
        np.where(both, units.slice, -1),
        scales=[(-width, width) for width in widths],
        binary=False,
        note=note,
    )
    sums = [_sums(units.slice[scored], mean[scored], many) for mean in (units.mean_a, units.mean_b)]
    changes = changes_of(
        units.cluster_id64[scored], units.difference[scored], units.slice[scored], many
    )
    counts = [
        np.bincount(units.slice[is_in], minlength=many).tolist()
        for is_in in (both, units.in_a & ~both, units.in_b & ~both)
    ]
    return [
        PairedMean(
            measurement=measured,
            value_a=_mean(sums[0][code], measured.moments.outcomes),
            value_b=_mean(sums[1][code], measured.moments.outcomes),
            by=by,
            both=counts[0][code],
            only_a=counts[1][code],
            only_b=counts[2][code],
            changes=changes[code],
        )
        for code, measured in enumerate(measure_parts([rows], resampling))
    ]


class _Units(NamedTuple):
    """Everything that either run judged, joined. Shape (m,) each."""

    slice: NDArray[np.int64]
    cluster_id64: NDArray[np.uint64]
    mean_a: NDArray[np.int64]
    mean_b: NDArray[np.int64]
    difference: NDArray[np.int64]
    in_a: NDArray[np.bool_]
    in_b: NDArray[np.bool_]
    scored: NDArray[np.bool_]
    """Whether both runs have a value."""


def _join(a: RunOutcomes, b: RunOutcomes, by: str, many: int) -> _Units:
    if by == "item":
        base = np.concatenate([a.item, b.item])
    else:
        clusters = np.concatenate([a.cluster_id64, b.cluster_id64])
        base = np.unique(clusters, return_inverse=True)[1].astype(np.int64)
    inside = np.concatenate([a.slice, b.slice])
    joint = base * many + inside
    codes, unit = np.unique(joint, return_inverse=True)
    size, number = len(a.value), len(codes)
    of_a, of_b = unit[:size], unit[size:]
    sum_a, weight_a = _totals(a, of_a, number)
    sum_b, weight_b = _totals(b, of_b, number)
    scored = (weight_a > 0) & (weight_b > 0)

    difference = np.zeros(number, dtype=np.int64)
    sums, weights = for_products(
        np.stack([sum_a[scored], sum_b[scored]]), np.stack([weight_a[scored], weight_b[scored]])
    )
    cross = sums[0] * weights[1] - sums[1] * weights[0]
    difference[scored] = rounded_quotient(cross, weights[0] * weights[1])
    cluster = np.zeros(number, dtype=np.uint64)
    cluster[of_b] = b.cluster_id64
    cluster[of_a] = a.cluster_id64
    return _Units(
        slice=codes % many,
        cluster_id64=cluster,
        mean_a=rounded_quotient(sum_a, np.maximum(weight_a, 1)),
        mean_b=rounded_quotient(sum_b, np.maximum(weight_b, 1)),
        difference=difference,
        in_a=np.bincount(of_a, minlength=number) > 0,
        in_b=np.bincount(of_b, minlength=number) > 0,
        scored=scored,
    )


def _check_lengths(run: RunOutcomes) -> None:
    for name, column in run._asdict().items():
        if len(column) != len(run.value):
            message = f"`{name}` has {len(column)} rows but `value` has {len(run.value)}"
            raise ColumnError(message)


def _totals(
    run: RunOutcomes, unit: NDArray[np.int64], number: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Exact sums of weight times value, and of weight, of each unit."""
    weight = run.weight.astype(np.int64)
    return _sums(unit, weight * run.value, number), _sums(unit, weight, number)


def _sums(code: NDArray[np.int64], value: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    sums = np.zeros(number, dtype=np.int64)
    np.add.at(sums, code, value)
    return sums


def _mean(total: np.int64, outcomes: int) -> float | None:
    return float(Fraction(int(total), outcomes * FIXED_ONE)) if outcomes else None


def items_join(a: Identified, b: Identified) -> bool:
    """Whether items that both runs have reach every question that both have, at least one item.

    Rows without an id are named by their content, so that of two versions of a model a few rows
    that happen to be the same would meet, and all the others would be lost.
    """
    shared = np.isin(a.item, b.item)
    questions = np.intersect1d(a.cluster_id64, b.cluster_id64)
    return bool(shared.any()) and len(np.unique(a.cluster_id64[shared])) >= len(questions)
