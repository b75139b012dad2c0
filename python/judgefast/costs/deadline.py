"""Whether work is done by a deadline, and which other settings would have it done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.costs.decisions import Change, Deadline, Fit
from judgefast.costs.ranges import Range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.costs.decisions import Way

NEAREST: tuple[Change, ...] = (
    "gpus",
    "gpu",
    "sample",
    "precision",
    "answers",
    "orders",
    "model",
)
"""What is changed first: what leaves the verdicts as they are, then what leaves their judge."""


def fit_of(seconds: Range, deadline: float) -> Fit:
    """Say whether it is done in time: surely, perhaps, or not even if all goes well."""
    if seconds.high <= deadline:
        return "fits"
    return "may_fit" if seconds.low <= deadline else "does_not_fit"


def deadline_of(
    deadline: float, seconds: Range, *, most_items: int, ways: Sequence[Way]
) -> Deadline:
    """Answer whether it fits and by how much, and name what likely does.

    Args:
        deadline: Seconds from the order of a machine to the last answer.
        seconds: That it takes as asked.
        most_items: That are likely done in time.
        ways: Other settings, of each kind the least changed first.

    """
    fitting = [
        one
        for one in sorted(
            (way for way in ways if way.kind in NEAREST), key=lambda way: NEAREST.index(way.kind)
        )
        if one.seconds is not None and one.seconds.likely <= deadline
    ]
    tried = sum(way.kind in NEAREST for way in ways)
    return Deadline(
        seconds=deadline,
        fit=fit_of(seconds, deadline),
        spare=Range(deadline - seconds.high, deadline - seconds.likely, deadline - seconds.low),
        most_items=most_items,
        ways=fitting,
        others=tried - len(fitting),
    )
