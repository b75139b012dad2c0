"""The order in which the requests of a plan are sent, and slices of items that it keeps apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from judgefast.batches.columns import PlanColumns


def in_order(plan: PlanColumns, rows: NDArray[np.integer]) -> NDArray[np.integer]:
    """Put rows of a plan into the order of sending; they are ascending where it says none."""
    return rows[np.argsort(plan.sent[rows], kind="stable")] if len(plan.sent) else rows


def slices(plan: PlanColumns, rows: NDArray[np.integer], most: int) -> Iterator[tuple[int, int]]:
    """Cut items into slices that can be asked one after the other.

    Nothing of a slice is sent before anything of an earlier one, so that only one slice is held at
    a time. A block of the plan, in which rows are sent in another order, may be one slice.

    Args:
        plan: What is asked.
        rows: Rows to ask, ascending.
        most: Items of a slice where the order of sending allows for it.

    Yields:
        The first item, and the end, of each slice in which something is asked.

    """
    if not len(rows):
        return
    item = plan.items_of(rows)
    ends = _ends(item, plan.sent[rows] if len(plan.sent) else None)
    start = at = 0
    while start < len(item):
        first = int(item[start])
        # Numbers of another type would cast the whole column, for every slice.
        limit = item.dtype.type(min(first + most, np.iinfo(item.dtype).max))
        if ends is None:
            end = int(np.searchsorted(item, limit))
        else:
            fits = int(np.searchsorted(ends, np.searchsorted(item, limit), "right")) - 1
            at = max(fits, at)
            end, at = int(ends[at]), at + 1
        yield first, int(item[end - 1]) + 1
        start = end


def _ends(item: NDArray[np.uint32], sent: NDArray[np.uint32] | None) -> NDArray[np.uint32] | None:
    """Where an item ends before which all was sent by then; None where that is at every one."""
    if sent is None:
        return None
    latest_before = np.maximum.accumulate(sent)[:-1]
    earliest_after = np.minimum.accumulate(sent[::-1])[::-1][1:]
    is_end = (latest_before < earliest_after) & (item[1:] != item[:-1])
    return np.append(np.flatnonzero(is_end) + 1, len(item)).astype(np.uint32)
