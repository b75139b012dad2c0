"""Statistics of scored and chosen answers: means, pass rates, ranking against gold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.codes import CHOICE_NONE, CHOICE_TIE, FIXED_ONE, Status
from judgefast.stats.answers import AnswerNames
from judgefast.stats.comparisons import HALF
from judgefast.stats.slices import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.outcomes.columns import OutcomeColumns
    from judgefast.stats.slices import JudgedItems


def answer_rows(outcomes: OutcomeColumns, items: JudgedItems) -> Rows:
    """Every scored answer, grouped by model, or by place where a row has several without one."""
    names = AnswerNames(items)
    group = names.codes(outcomes.item, outcomes.candidate)
    if names.num_places == 1:
        group = np.where(group < names.num_models, group, -1)
    return _rows(outcomes, outcomes.value, group, names.slices())


def all_rows(outcomes: OutcomeColumns) -> Rows:
    """Every scored answer in one group."""
    return _rows(outcomes, outcomes.value, np.zeros(len(outcomes.value), dtype=np.int64), [""])


def pass_accuracy_rows(outcomes: OutcomeColumns, items: JudgedItems) -> Rows:
    """Whether the pass or fail of a lone answer is that of gold (a gold score of 1 or 0)."""
    gold = items.gold_score[outcomes.item]
    keep = (gold == 0) | (gold == 1)
    sign = np.sign(outcomes.value - HALF)
    right = HALF + np.where(gold == 1, sign, -sign) * HALF
    return _rows(outcomes, right, np.where(keep, 0, -1), [""])


def chosen_gold_rows(outcomes: OutcomeColumns, items: JudgedItems) -> Rows:
    """How much of each choice went to the answer that gold picks."""
    keep = items.gold_choice[outcomes.item] == outcomes.candidate
    return _rows(outcomes, outcomes.value, np.where(keep, 0, -1), [""])


def ranking_rows(outcomes: OutcomeColumns, items: JudgedItems) -> Rows:
    """The answer that gold picks against each other answer of its item; equal counts one half."""
    gold = items.gold_choice[outcomes.item]
    named = (gold != CHOICE_TIE) & (gold != CHOICE_NONE)
    aspects = int(outcomes.aspect.max(initial=0)) + 1
    unit = outcomes.item.astype(np.int64) * aspects + outcomes.aspect
    best = np.flatnonzero(named & (outcomes.candidate == gold))
    best = best[np.argsort(unit[best])]
    rest = np.flatnonzero(named & (outcomes.candidate != gold))
    place = np.searchsorted(unit[best], unit[rest])
    found = place < len(best)
    found[found] = unit[best][place[found]] == unit[rest][found]
    rest, best = rest[found], best[place[found]]
    sign = np.sign(outcomes.value[best] - outcomes.value[rest])
    both = (outcomes.weight[best] > 0) & (outcomes.weight[rest] > 0)
    return Rows(
        outcomes.item[rest],
        outcomes.aspect[rest],
        HALF + sign * HALF,
        both.astype(np.uint8),
        np.zeros(len(rest), dtype=np.int64),
        [""],
    )


def unreadable_rows(item: NDArray[np.uint32], status: NDArray[np.uint8]) -> Rows:
    """Whether each judgment came back unread or failed; those not judged are missing."""
    one_group = np.broadcast_to(np.int64(0), len(item))
    return Rows(
        item,
        np.broadcast_to(np.uint16(0), len(item)),
        np.where(status == Status.PARSED, 0, FIXED_ONE),
        (status < Status.INTERRUPTED).astype(np.uint8),
        one_group,
        [""],
    )


def _rows(
    outcomes: OutcomeColumns,
    value: NDArray[np.int64],
    group: NDArray[np.int64],
    groups: Sequence[str],
) -> Rows:
    return Rows(outcomes.item, outcomes.aspect, value, outcomes.weight, group, groups)
