"""Several aspects of one comparison, or of one scored answer, become one weighted value.

The weights are exact fractions and the mean is rounded once, to a multiple of 2^-24; from there on
the overall outcome is an outcome like any other, so that intervals, replicates and differences
need know nothing of aspects. All aspects of a comparison are in its cluster, and stay together.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.codes import FIXED_ONE, OutcomeStatus, Position
from judgefast.outcomes.columns import OutcomeColumns
from judgefast.stats.aspects import overall_scale, weight_shares
from judgefast.stats.fixed import rounded_quotient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.stats.aspects import JudgedAspect

_SAFE = 1 << 62

RESCALED = "scales differ: the value of each aspect was put on 0 to 1 of its own scale first"
"""Note of every overall mean of which this is so."""


def overall_outcomes(outcomes: OutcomeColumns, aspects: Sequence[JudgedAspect]) -> OutcomeColumns:
    """Take the weighted mean over the aspects of each comparison or scored answer.

    Only where every aspect has a value; the others are missing. The weight of an overall outcome
    is the mean of those of its aspects, rounded half to even: judging more aspects makes no
    outcome count more.

    Args:
        outcomes: Unique over item, candidate, baseline and aspect, in any order.
        aspects: All aspects, by code.

    Returns:
        One outcome a comparison or scored answer, of aspect 0, in the order in which they first
        occur; on `overall_scale(aspects)`. What is said of orders and of label probabilities is
        said of an aspect alone: here it is `MIXED` and NaN.

    Raises:
        ConfigError: A weight is not above 0.

    """
    rows = rows_by_aspect(outcomes, len(aspects))
    weight: NDArray[np.int64] = np.where(rows < 0, 0, outcomes.weight[rows].astype(np.int64))
    scored: NDArray[np.bool_] = np.all(weight > 0, axis=1)
    value = np.where(scored[:, None], outcomes.value[rows], 0)
    factors, offset, whole = _mean_of(aspects)
    reach = sum(map(abs, factors)) * int(np.abs(value).max(initial=0)) + abs(offset)
    total = value.astype(object if reach >= _SAFE else np.int64) @ np.array(factors) - offset
    low, high = (round(end * FIXED_ONE) for end in overall_scale(aspects))
    mean = np.clip(rounded_quotient(total, np.full(1, whole)), low, high)
    of_unit = np.maximum(rounded_quotient(weight.sum(axis=1), np.full(1, len(aspects))), 1)
    first = np.where(rows < 0, len(outcomes.item), rows).min(axis=1, initial=len(outcomes.item))
    unknown = np.broadcast_to(np.float32(np.nan), len(rows))
    return OutcomeColumns(
        item=outcomes.item[first],
        candidate=outcomes.candidate[first],
        baseline=outcomes.baseline[first],
        aspect=np.zeros(len(rows), np.uint16),
        value=np.where(scored, mean, 0),
        weight=np.where(scored, of_unit, 0).astype(np.uint8),
        status=np.where(scored, OutcomeStatus.SCORED, OutcomeStatus.MISSING).astype(np.uint8),
        position=np.full(len(rows), Position.MIXED, np.uint8),
        p_win=unknown,
        p_tie=unknown,
        p_loss=unknown,
        label_mass=unknown,
        first_judgment=outcomes.first_judgment[first],
        judgments=np.where(rows < 0, 0, outcomes.judgments[rows]).sum(axis=1).astype(np.uint32),
    )


def _mean_of(aspects: Sequence[JudgedAspect]) -> tuple[list[int], int, int]:
    """Factor of each aspect's value, what is taken away, and what the sum is divided by.

    Values are multiples of 2^-24, and so is the quotient. Ends of scales, as weights, are taken
    as they are written.
    """
    lows, widths = [Fraction(0)] * len(aspects), [Fraction(1)] * len(aspects)
    if len({aspect.scale for aspect in aspects}) > 1:
        lows = [Fraction(str(aspect.scale[0])) for aspect in aspects]
        widths = [
            Fraction(str(aspect.scale[1])) - low for aspect, low in zip(aspects, lows, strict=True)
        ]
    shares = [share / width for share, width in zip(weight_shares(aspects), widths, strict=True)]
    offset = sum(share * low for share, low in zip(shares, lows, strict=True)) * FIXED_ONE
    whole = lcm(*(share.denominator for share in shares), offset.denominator)
    return [int(share * whole) for share in shares], int(offset * whole), whole


def rows_by_aspect(outcomes: OutcomeColumns, many: int) -> NDArray[np.int64]:
    """Where the outcomes of one comparison, or of one scored answer, stand: one in each aspect.

    Args:
        outcomes: In any order; unique over item, candidate, baseline and aspect.
        many: How many aspects there are.

    Returns:
        Row of each aspect's outcome, -1 where there is none. Shape (m, many), in the order in
        which comparisons first occur.

    """
    size = len(outcomes.item)
    unit: list[NDArray[Any]] = [outcomes.item, outcomes.candidate, outcomes.baseline]
    if size % many == 0 and _stand_side_by_side([*unit, outcomes.aspect], many):
        return np.arange(size).reshape(-1, many)
    key = np.zeros(size, np.int64)
    for column in unit:
        values, code = np.unique(column, return_inverse=True)
        key = np.unique(key * len(values) + code, return_inverse=True)[1]
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    order = np.empty(len(first), np.int64)
    order[np.argsort(first)] = np.arange(len(first))
    rows = np.full((len(first), many), -1, np.int64)
    rows[order[place], outcomes.aspect] = np.arange(size)
    return rows


def _stand_side_by_side(columns: list[NDArray[Any]], many: int) -> bool:
    """Whether rows come as a plan of comparisons has them: each unit's aspects in order."""
    *unit, aspect = (column.reshape(-1, many) for column in columns)
    return bool(
        (aspect == np.arange(many)).all()
        and all((column == column[:, :1]).all() for column in unit)
    )
