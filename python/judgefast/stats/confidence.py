"""How sure a judge is of one verdict, by one formula for every judge whose labels are read.

Servers mean at least six things by the confidence that they report. Ours is made from the label
probabilities alone, so that it can be compared across judges: 0 where all labels are as likely as
each other, 1 where one label is certain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from judgefast.codes import CHOICE_NONE, CHOICE_TIE, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.outcomes.columns import OutcomeColumns
    from judgefast.verdicts.columns import VerdictColumns

    Matrix = NDArray[np.float64]

BLOCK = 1 << 18
"""Judgments, or outcomes, that are looked at together: a run may have ten million."""

_PLACES = {"first": 0, "second": 1, "tie": CHOICE_TIE}


class Label(Protocol):
    """What a label of a verdict format stands for."""

    @property
    def choice(self) -> str | int | None:
        """`first`, `second`, `tie`, or a position; None for a score."""

    @property
    def strength(self) -> float | None:
        """Preference for the answer shown first, 0 to 1; None where the format has no degrees."""


class Format(Protocol):
    """What is read of a verdict format."""

    @property
    def labels(self) -> Sequence[Label]:
        """In the order of `p_labels`."""


class Plan(Protocol):
    """What is read of a plan: `PlanColumns` of stage `batches` has it."""

    @property
    def swapped(self) -> NDArray[np.uint8]:
        """1 where the answers are shown from the last to the first. Shape (n,)."""


def confidence(
    p_labels: NDArray[np.floating], labels: int | NDArray[np.integer]
) -> NDArray[np.float64]:
    """Say how sure each judgment is: `(p_max - 1/n) / (1 - 1/n)` of n labels.

    Args:
        p_labels: Label probabilities, divided by their sum; what is behind a row's own labels is
            not looked at. Shape (n, most labels).
        labels: Labels of each judgment, at least 2; one number for all, or shape (n,).

    Returns:
        From 0 to 1; NaN where one of the labels was not read. Shape (n,). Of two labels it is
        `|2p - 1|`.

    >>> np.round(confidence(np.array([[0.6, 0.3, 0.1], [0.25, 0.75, np.nan]]), np.array([3, 2])), 2)
    array([0.4, 0.5])

    """
    many = np.broadcast_to(np.asarray(labels, np.int64), len(p_labels))
    found = np.full(len(p_labels), np.nan)
    for start in range(0, len(found) if p_labels.shape[1] else 0, BLOCK):
        rows = slice(start, start + BLOCK)
        found[rows] = _of_block(np.asarray(p_labels[rows], np.float64), many[rows])
    return found


def outcome_confidence(
    outcomes: OutcomeColumns,
    plan: Plan,
    verdicts: VerdictColumns,
    formats: Sequence[Format],
) -> NDArray[np.float64]:
    """Say the same of each outcome, of its averaged distribution.

    Both orders, and repeats, are averaged once they speak of the same answers: what is said of the
    first in one order is said of the second in the other. A judge that follows the place where an
    answer stands is sure in each order, and not sure of the outcome. Where labels have no
    counterpart for the other order, those that choose alike are taken as one.

    Args:
        outcomes: What the verdicts have come to.
        plan: What was asked, row for row of `verdicts`.
        verdicts: Those that were parsed count.
        formats: The rubric's verdict format of each aspect.

    Returns:
        NaN where no judgment of an outcome has label probabilities. Shape (outcomes,).

    """
    found = np.full(len(outcomes.item), np.nan)
    if not verdicts.p_labels.shape[1]:
        return found
    for aspect, form in enumerate(formats):
        of_aspect = np.flatnonzero(outcomes.aspect == aspect)
        for start in range(0, len(of_aspect) if form.labels else 0, BLOCK):
            rows = of_aspect[start : start + BLOCK]
            mean = _averaged(outcomes.take(rows), plan, verdicts, form.labels)
            found[rows] = confidence(mean, mean.shape[1])
    return found


def _of_block(shares: Matrix, many: NDArray[np.int64]) -> NDArray[np.float64]:
    found = np.full(len(shares), np.nan)
    is_own = np.arange(shares.shape[1]) < many[:, None]
    read = ~np.isnan(np.where(is_own, shares, 0)).any(axis=1)
    read &= (many >= 2) & (many <= shares.shape[1])  # noqa: PLR2004 - of one label nothing is open
    own = np.where(is_own, shares, 0)[read]
    even = 1 / many[read]
    most = own.max(axis=1, initial=0) / own.sum(axis=1)
    found[read] = np.clip((most - even) / (1 - even), 0, 1)
    return found


def _averaged(
    outcomes: OutcomeColumns, plan: Plan, verdicts: VerdictColumns, labels: Sequence[Label]
) -> Matrix:
    """Mean distribution of each outcome in the order of the data; NaN where there is none."""
    as_shown, turned = _alignments(labels)
    counts = outcomes.judgments.astype(np.int64)
    outcome = np.repeat(np.arange(len(counts)), counts)
    within = np.arange(len(outcome)) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = outcomes.first_judgment.astype(np.int64)[outcome] + within
    shares = verdicts.p_labels[rows, : len(labels)].astype(np.float64)
    read = (verdicts.status[rows] == Status.PARSED) & ~np.isnan(shares).any(axis=1)
    shares, rows, outcome = shares[read], rows[read], outcome[read]
    is_turned = (plan.swapped[rows] > 0)[:, None]
    aligned = np.where(is_turned, shares @ turned, shares @ as_shown)
    sums = np.zeros((len(counts), aligned.shape[1]))
    np.add.at(sums, outcome, aligned)
    many = np.bincount(outcome, minlength=len(counts))[:, None]
    return np.where(many > 0, sums / np.maximum(many, 1), np.nan)


def _alignments(labels: Sequence[Label]) -> tuple[Matrix, Matrix]:
    """What labels mean in the order of the data, where answers stand as there, and where turned.

    Each of shape (labels, classes).
    """
    meanings = [(_place(label.choice), _rounded(label.strength)) for label in labels]
    places = [place for place, _ in meanings if place not in {CHOICE_TIE, CHOICE_NONE}]
    is_pair = any(label.choice in {"first", "second"} for label in labels)
    last = max([int(is_pair), *places])
    counterparts = [
        (_turned(place, last), None if strength is None else _rounded(1 - strength))
        for place, strength in meanings
    ]
    own = np.eye(len(labels))
    if not places:
        return own, own
    if len(set(meanings)) == len(meanings) and set(counterparts) == set(meanings):
        return own, own[[meanings.index(each) for each in counterparts]]
    classes = sorted({place for place, _ in meanings} | {place for place, _ in counterparts})
    chosen = np.eye(len(classes))
    return (
        chosen[[classes.index(place) for place, _ in meanings]],
        chosen[[classes.index(place) for place, _ in counterparts]],
    )


def _place(choice: str | int | None) -> int:
    if choice is None:
        return CHOICE_NONE
    return _PLACES[choice] if isinstance(choice, str) else choice


def _rounded(strength: float | None) -> float | None:
    """So that .3 is what is left of .7."""
    return None if strength is None else round(strength, 9)


def _turned(place: int, last: int) -> int:
    """Where an answer stands that is shown from the other end."""
    return place if place in {CHOICE_TIE, CHOICE_NONE} else last - place
