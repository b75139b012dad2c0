"""Statistics of pairwise outcomes: win rates, ties, accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.codes import CHOICE_TIE, FIXED_ONE
from judgefast.stats.answers import AnswerNames
from judgefast.stats.slice_names import slice_part, slice_parts
from judgefast.stats.slices import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.outcomes.columns import OutcomeColumns
    from judgefast.stats.slices import JudgedItems

HALF = FIXED_ONE // 2

_BLOCK = 1 << 17
"""Comparisons that are looked at together."""


class PairSides:
    """Which model of each pair of a run is the candidate.

    The outcomes of one pair all count for the same side, however the row or the plan had them:
    the named baseline is the baseline; else, if every row has the pair the same way round, so does
    the slice; else the name that is first in the alphabet is the baseline.
    """

    def __init__(self, outcomes: OutcomeColumns, items: JudgedItems, baseline: str | None) -> None:
        """Look at every comparison of a run."""
        self._names = AnswerNames(items)
        self._rank = rank = self._names.ranks()
        seen = np.zeros(0, np.int64)
        for start in range(0, len(outcomes.item), _BLOCK):
            block = slice(start, start + _BLOCK)
            pair, is_upper = self._of(
                outcomes.item[block], outcomes.candidate[block], outcomes.baseline[block]
            )
            seen = np.union1d(seen, pair * 2 + is_upper)
        self._pairs = np.unique(seen >> 1)
        lowers, uppers = np.divmod(self._pairs, len(rank))
        about_upper = np.isin(self._pairs * 2 + 1, seen)
        if baseline is not None:
            named = rank[self._names.names.index(baseline)]
            about_upper = (about_upper | (lowers == named)) & (uppers != named)
        self._about_upper = about_upper
        by_rank = [self._names.names[code] for code in np.argsort(rank)]
        self.groups = [
            " ".join(
                (
                    slice_part("candidate", by_rank[up if about_up else low]),
                    slice_part("baseline", by_rank[low if about_up else up]),
                )
            )
            for low, up, about_up in zip(lowers, uppers, about_upper, strict=True)
        ]
        """Names of the pairs, by code."""

    def of(self, outcomes: OutcomeColumns) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Pair of each comparison, and whether its candidate is the pair's baseline."""
        pair, is_upper = self._of(outcomes.item, outcomes.candidate, outcomes.baseline)
        group = np.searchsorted(self._pairs, pair)
        return group, is_upper != self._about_upper[group]

    def _of(
        self, item: NDArray[np.uint32], first: NDArray[np.uint16], second: NDArray[np.uint16]
    ) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Both names of each comparison as one number, and whether the first is the later name."""
        candidate, other = self._names.codes(item, first), self._names.codes(item, second)
        twins = candidate == other
        candidate = np.where(twins, self._names.place(first), candidate)
        other = np.where(twins, self._names.place(second), other)
        mine, theirs = self._rank[candidate], self._rank[other]
        pair = np.minimum(mine, theirs) * len(self._rank) + np.maximum(mine, theirs)
        return pair, mine > theirs


def pair_rows(outcomes: OutcomeColumns, sides: PairSides) -> Rows:
    """Value of each comparison for the candidate of its pair of models, grouped by pair."""
    group, flip = sides.of(outcomes)
    value = np.where(flip, FIXED_ONE - outcomes.value, outcomes.value)
    return Rows(outcomes.item, outcomes.aspect, value, outcomes.weight, group, sides.groups)


def model_rows(outcomes: OutcomeColumns, items: JudgedItems) -> Rows:
    """Both sides of each comparison of two known models, grouped by model."""
    names = AnswerNames(items)
    candidate = names.codes(outcomes.item, outcomes.candidate)
    other = names.codes(outcomes.item, outcomes.baseline)
    keep = (candidate != other) & (np.maximum(candidate, other) < names.num_models)
    return Rows(
        item=np.tile(outcomes.item[keep], 2),
        aspect=np.tile(outcomes.aspect[keep], 2),
        value=np.concatenate([outcomes.value[keep], FIXED_ONE - outcomes.value[keep]]),
        weight=np.tile(outcomes.weight[keep], 2),
        group=np.concatenate([candidate[keep], other[keep]]),
        groups=names.slices(),
    )


def turned_to(rows: Rows, other: Rows, *, symmetric: bool) -> Rows:
    """Give pairs of models the side that they have in `other`, where both name the same pair.

    Where each run has one pair alone and they share a model, it gets the side that it has there.

    Args:
        rows: Of a statistic about pairs of models, as `pair_rows` groups them.
        other: The same statistic of another run.
        symmetric: Whether a value says the same of both models, as a tie does.

    """
    known = set(other.groups)
    turns = [group not in known and _turned(group) in known for group in rows.groups]
    if _are_lone(rows, other):
        (mine, theirs) = (_sides(one.groups[0]) for one in (rows, other))
        straight = sum(one == two for one, two in zip(mine, theirs, strict=True))
        crossed = sum(one == two for one, two in zip(mine, reversed(theirs), strict=True))
        turns = [crossed > straight]
    if not any(turns):
        return rows
    groups = [
        _turned(group) if turn else group for group, turn in zip(rows.groups, turns, strict=True)
    ]
    if symmetric:
        return rows._replace(groups=groups)
    flip = np.array(turns)[rows.group]
    return rows._replace(groups=groups, value=np.where(flip, FIXED_ONE - rows.value, rows.value))


def met_as(rows: Rows, other: Rows) -> Rows:
    """Call the only pair of models as `other` calls its only one, if they share a model.

    So a new version of a model meets the old one, against the same other model.
    """
    is_other = (
        _are_lone(rows, other)
        and rows.groups[0] != other.groups[0]
        and not {*_sides(rows.groups[0])}.isdisjoint(_sides(other.groups[0]))
    )
    return rows._replace(groups=other.groups) if is_other else rows


def _are_lone(rows: Rows, other: Rows) -> bool:
    return len(rows.groups) == len(other.groups) == 1


def _sides(group: str) -> tuple[str, str]:
    parts = slice_parts(group)
    return parts["candidate"], parts["baseline"]


def _turned(group: str) -> str:
    candidate, baseline = _sides(group)
    return f"{slice_part('candidate', baseline)} {slice_part('baseline', candidate)}"


def tie_rows(pairs: Rows) -> Rows:
    """Whether each comparison came out even, grouped by pair."""
    return pairs._replace(value=np.where(pairs.value == HALF, FIXED_ONE, 0))


def accuracy_rows(outcomes: OutcomeColumns, items: JudgedItems) -> Rows:
    """Whether each comparison with a gold label picks what gold picks; a tie counts one half.

    Where gold is a tie, only a tie is right. Comparisons without the gold answer are left out.
    """
    gold = items.gold_choice[outcomes.item].astype(np.int64)
    wants_candidate = gold == outcomes.candidate
    wants_tie = gold == CHOICE_TIE
    keep = wants_candidate | wants_tie | (gold == outcomes.baseline)
    sign = np.sign(outcomes.value - HALF)
    right: NDArray[np.int64] = np.where(wants_candidate, HALF + sign * HALF, HALF - sign * HALF)
    right = np.where(wants_tie, np.where(sign == 0, FIXED_ONE, 0), right)
    return _ungrouped(outcomes, keep, right)


def _ungrouped(outcomes: OutcomeColumns, keep: NDArray[np.bool_], value: NDArray[np.int64]) -> Rows:
    return Rows(
        outcomes.item[keep],
        outcomes.aspect[keep],
        value[keep],
        outcomes.weight[keep],
        np.zeros(int(keep.sum()), dtype=np.int64),
        [""],
    )
