"""The difference of two runs over the same items. Never an unpaired test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
import numpy as np

from judgefast.errors import ColumnError
from judgefast.stats.estimate import Estimate  # noqa: TC001 - msgspec reads the annotation
from judgefast.stats.fixed import for_products, rounded_quotient
from judgefast.stats.joint import SlicedRows, measure_parts
from judgefast.stats.rules import LEVEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.stats.replicates import Resampling


class RunOutcomes(NamedTuple):
    """The outcomes of one run, as far as a difference needs them. All of length n."""

    item_id: Sequence[str]
    """Strings: a list or an Arrow array."""
    cluster_id64: NDArray[np.uint64]
    value: NDArray[np.int64]
    """Multiples of 2^-24."""
    weight: NDArray[np.uint8]
    """0 where the outcome has no value."""
    key: Sequence[str]
    """What is compared with what inside an item, such as the aspect. Units of one name meet."""


class PairedDifference(msgspec.Struct, frozen=True, kw_only=True):
    """How much higher run `a` is than run `b` on what both judged, and how they were joined."""

    estimate: Estimate
    """Mean over the joined units of value in `a` minus value in `b`."""
    by: Literal["item", "cluster"]
    """What was joined on."""
    both: int
    """Units in both runs."""
    only_a: int
    only_b: int
    """Units in one run alone: no part of the difference."""


def paired_difference(  # noqa: PLR0913 - settings of the report, by keyword
    a: RunOutcomes,
    b: RunOutcomes,
    *,
    scale: tuple[float, float] = (0.0, 1.0),
    level: float = LEVEL,
    by: Literal["item", "cluster"] | None = None,
    resampling: Resampling | None = None,
) -> PairedDifference:
    """Estimate the difference of two runs' means from the differences of their units.

    A unit is an item (or a cluster) under one key. Each unit's mean in `b` is taken from its mean
    in `a`, rounded once to a multiple of 2^-24; units count alike, whatever weights or repeats
    they hold, and clusters of units give the interval. Units present in one run alone are counted
    and left out; a unit that either run failed to read is missing.

    Args:
        a: Outcomes of the one run.
        b: Outcomes of the other.
        scale: Lowest and highest value of an outcome.
        level: Confidence level, in (0, 1).
        by: Join on item ids or on clusters; None takes items if the runs share an item id.
        resampling: Seed and number of replicates; None: analytic ends only.

    Raises:
        ColumnError: Columns of different length.
        ConfigError: `level` is not inside (0, 1).

    Source:
        Miller 2024, "Adding Error Bars to Evals", arXiv:2411.00640, section on paired differences.

    """
    for one in (a, b):
        _check_lengths(one)
    if by is None:
        by = "item" if _share_an_item(a, b) else "cluster"
    size = len(a.value)
    unit = _units(a, b, by)
    number = int(unit.max(initial=-1)) + 1
    in_a = np.bincount(unit[:size], minlength=number) > 0
    in_b = np.bincount(unit[size:], minlength=number) > 0
    sum_a, weight_a = _totals(a, unit[:size], number)
    sum_b, weight_b = _totals(b, unit[size:], number)
    both = in_a & in_b
    scored = both & (weight_a > 0) & (weight_b > 0)

    value = np.zeros(number, dtype=np.int64)
    sums, weights = for_products(
        np.stack([sum_a[scored], sum_b[scored]]), np.stack([weight_a[scored], weight_b[scored]])
    )
    cross = sums[0] * weights[1] - sums[1] * weights[0]
    value[scored] = rounded_quotient(cross, weights[0] * weights[1])
    cluster = np.zeros(number, dtype=np.uint64)
    cluster[unit[size:]] = b.cluster_id64
    cluster[unit[:size]] = a.cluster_id64
    width = scale[1] - scale[0]
    rows = SlicedRows(
        "paired_difference",
        ["all"],
        cluster,
        value,
        scored.astype(np.uint8),
        np.where(both, 0, -1),
        scale=(-width, width),
        binary=False,
    )
    (found,) = measure_parts([rows], resampling)
    return PairedDifference(
        estimate=found.estimate(level),
        by=by,
        both=int(both.sum()),
        only_a=int((in_a & ~in_b).sum()),
        only_b=int((in_b & ~in_a).sum()),
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
    sums, weights = np.zeros(number, dtype=np.int64), np.zeros(number, dtype=np.int64)
    np.add.at(sums, unit, weight * run.value)
    np.add.at(weights, unit, weight)
    return sums, weights


def _share_an_item(a: RunOutcomes, b: RunOutcomes) -> bool:
    codes = _codes(a.item_id, b.item_id)
    size = len(a.item_id)
    return bool(np.isin(codes[:size], codes[size:]).any())


def _units(a: RunOutcomes, b: RunOutcomes, by: str) -> NDArray[np.int64]:
    """Code of the unit of each row, those of `a` first."""
    if by == "item":
        base = _codes(a.item_id, b.item_id)
    else:
        clusters = np.concatenate([a.cluster_id64, b.cluster_id64])
        base = np.unique(clusters, return_inverse=True)[1].astype(np.int64)
    key = _codes(a.key, b.key)
    joint = base * (int(key.max(initial=0)) + 1) + key
    units: NDArray[np.int64] = np.unique(joint, return_inverse=True)[1].astype(np.int64)
    return units


def _codes(left: Sequence[str], right: Sequence[str]) -> NDArray[np.int64]:
    """One code for each distinct string, over both columns."""
    import pyarrow as pa  # noqa: PLC0415 - heavy, only where it is used

    columns = pa.chunked_array([pa.array(left, pa.string()), pa.array(right, pa.string())])
    encoded = columns.combine_chunks().dictionary_encode()
    codes: NDArray[np.int64] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes
