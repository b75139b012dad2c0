"""The one verdict of a judge on a comparison, or on an item's best answer, of all that it said.

A value by probabilities is hardly ever 0.5, nor is a mean over repeats: a judge that follows the
place would seem to prefer an answer by a hair. What counts is the answer that each order of each
repeat chose (`docs/judges.md`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.codes import CHOICE_TIE, FIXED_ONE, OutcomeStatus, Status
from judgefast.stats.votes import HALF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.pipeline.results import Reading

_TIE, _NOBODY, _OPEN = -1, -2, -3
"""In place of an answer: a tie; nothing that was read; orders that say no one thing."""

_CODES = 1 << 16
"""Answers and `_TIE`, one more than an index of any."""


class Said(NamedTuple):
    """What a judge says of each outcome. Shape (n,) each."""

    value: NDArray[np.float64]
    """A score as it is; of two answers 1 for the candidate, 0 for the baseline, 0.5 for neither; of
    a best-of-n the place of the answer, or `CHOICE_TIE`; NaN where the outcome has no value."""
    torn: NDArray[np.bool_]
    """Whether it chose different answers, and none of them as its verdict."""


def said_of(reading: Reading, rows: NDArray[np.int64]) -> Said:
    """Find the verdict of the judge of a run on some of its outcomes.

    It is the answer that more than half of the repeats chose in all orders that were asked, else a
    tie. A repeat without a value is none of them.

    Args:
        reading: A run.
        rows: Of outcomes; of a best-of-n one for each item and aspect.

    """
    outcomes, mode = reading.outcomes, reading.rubric.mode
    scored = outcomes.status[rows] == OutcomeStatus.SCORED
    values = np.where(scored, outcomes.value[rows] / FIXED_ONE, np.nan)
    if mode not in {"pairwise", "choice"}:
        found = values if mode == "scalar" else sided(values)
        return Said(found, np.zeros(len(rows), bool))
    answer, torn = _answers(reading, rows)
    if mode == "choice":
        found = np.where(answer >= 0, answer, CHOICE_TIE).astype(np.float64)
    else:
        found = np.where(answer == outcomes.candidate[rows], 1.0, HALF)
        found[answer == outcomes.baseline[rows]] = 0.0
        unasked = answer == _NOBODY  # an empty answer had lost: its value says it all
        found[unasked] = sided(values[unasked])
    return Said(np.where(scored, found, np.nan), torn & scored)


def unseen(reading: Reading, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which outcomes of a run have a value that no judge gave: an empty answer lost. Shape (n,).

    All judgments of an outcome are decided so, or none is.
    """
    first = reading.outcomes.first_judgment[rows].astype(np.int64)
    is_decided: NDArray[np.bool_] = reading.verdicts.status[first] == Status.NOT_NEEDED
    return is_decided & (reading.outcomes.judgments[rows] > 0)


def sided(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Which side of the middle each value is on: 0, 0.5 or 1; NaN stays."""
    return np.where(np.isnan(values), np.nan, (np.sign(values - HALF) + 1) / 2)


def _answers(
    reading: Reading, rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Answer of each outcome, `_TIE` or `_NOBODY`; and whether the judge is torn."""
    lengths = reading.outcomes.judgments[rows].astype(np.int64)
    outcome = np.repeat(np.arange(len(rows)), lengths)
    before = np.cumsum(lengths) - lengths
    first = reading.outcomes.first_judgment[rows].astype(np.int64)
    at = np.arange(len(outcome)) + (first - before)[outcome]
    named = _named(reading, at)
    repeat = reading.plan.columns.repeat[at]
    is_head = np.ones(len(at), bool)
    is_head[1:] = (repeat[1:] != repeat[:-1]) | (outcome[1:] != outcome[:-1])
    heads = np.flatnonzero(is_head)
    said = _of_repeats(reading, at, named, heads)
    of_repeat, is_valued = outcome[heads], said != _NOBODY
    valued = np.bincount(of_repeat[is_valued], minlength=len(rows))
    found = np.where(valued > 0, _TIE, _NOBODY)
    chosen = said >= _TIE
    groups, votes = np.unique(of_repeat[chosen] * _CODES + said[chosen] + 1, return_counts=True)
    one, code = np.divmod(groups, _CODES)
    is_most = 2 * votes > valued[one]
    found[one[is_most]] = code[is_most] - 1
    undecided = valued > 0
    undecided[one[is_most]] = False
    in_valued = np.repeat(is_valued, np.diff(heads, append=len(at)))
    counted = in_valued & (named >= 0)
    low, high = np.full(len(rows), _CODES), np.full(len(rows), -1)
    np.minimum.at(low, outcome[counted], named[counted])
    np.maximum.at(high, outcome[counted], named[counted])
    return found, undecided & (low < high)


def _named(reading: Reading, at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Answer that each judgment chose, `_TIE` or `_NOBODY`."""
    plan, verdicts = reading.plan.columns.whole(), reading.verdicts
    choice = verdicts.choice[at].astype(np.int64)
    is_read = verdicts.status[at] == Status.PARSED
    named = np.where(is_read, _TIE, _NOBODY)
    chose = np.flatnonzero(is_read & (choice != CHOICE_TIE))
    named[chose] = plan.shown[plan.shown_offsets[at[chose]] + choice[chose]]
    return named


def _of_repeats(
    reading: Reading, at: NDArray[np.int64], named: NDArray[np.int64], heads: NDArray[np.int64]
) -> NDArray[np.int64]:
    """What the orders of each repeat come to: an answer, `_TIE`, `_OPEN`, or `_NOBODY`."""
    is_alone = np.diff(heads, append=len(at)) == 1
    others = np.where(is_alone, heads, heads + 1)
    one, two = named[heads], named[others]
    said = np.where(one == two, one, _NOBODY if reading.rule == "drop" else _OPEN)
    of_one = (one == _NOBODY) != (two == _NOBODY)
    read = np.maximum(one, two)  # `_NOBODY` is less than a tie and than any answer
    status = reading.verdicts.status
    is_decided = (status[at[heads]] == Status.DECIDED) | (status[at[others]] == Status.DECIDED)
    takes_one = is_decided | (reading.rule == "judgebench" or reading.rubric.one_failed == "single")
    instead = _OPEN if reading.rubric.one_failed == "tie" else _NOBODY
    return np.where(of_one, np.where(takes_one, read, instead), said)
