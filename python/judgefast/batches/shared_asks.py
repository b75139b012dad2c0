"""The tables of a plan joined where a request answers several judgments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from judgefast._native import RequestIndex
from judgefast.batches.columns import NONE
from judgefast.errors import RunDirectoryError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.batches.columns import PlanColumns


def strangers() -> RunDirectoryError:
    """Say that two tables are not of one plan."""
    msg = "the tables `requests` and `asks` of the plan do not name the same requests in order"
    return RunDirectoryError(msg, hint="restore the folder `plan` from a copy")


def joined(
    request_id: NDArray[np.uint8], asked: NDArray[np.uint8], key: NDArray[np.uint8]
) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    """The request of each judgment, and the judgment that asks for it: its key is the id."""
    of_request = RequestIndex(request_id, NONE).rows(asked)
    asks = np.flatnonzero((key == asked).all(axis=1))
    asker = np.full(len(request_id), -1, np.int64)
    asker[of_request[asks]] = asks
    if (of_request < 0).any() or (asker < 0).any():
        raise strangers()
    return of_request, asker[of_request].astype(np.uint32)


def shown_as_asked(plan: PlanColumns) -> NDArray[np.bool_]:
    """Whether each judgment shows what the one that asks for it shows. Shape (n,)."""
    lengths = np.diff(plan.shown_offsets)
    same: NDArray[np.bool_] = lengths == lengths[plan.asked_by]
    rows = np.flatnonzero(same)
    starts = np.cumsum(lengths[rows]) - lengths[rows]
    within = np.arange(lengths[rows].sum()) - np.repeat(starts, lengths[rows])
    its, theirs = (
        plan.shown[np.repeat(plan.shown_offsets[each], lengths[rows]) + within]
        for each in (rows, plan.asked_by[rows])
    )
    same[rows] = np.logical_and.reduceat(its == theirs, starts)
    return same


def either(lists: pa.ListArray, others: pa.ListArray) -> pa.ListArray:
    """Lists, and others where there are none."""
    rows = np.arange(len(lists))
    is_null = lists.is_null().to_numpy(zero_copy_only=False)
    return pa.concat_arrays([lists, others]).take(
        pa.array(np.where(is_null, rows + len(rows), rows))
    )
