"""Requests with identical content are asked once, and their answer is given to all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.batches.columns import NONE, own_rows
from judgefast.batches.sharing import Sharing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.batches.columns import PlanColumns


def asked_once(
    ids_hash: NDArray[np.uint8],
    aspect: NDArray[np.uint16],
    *,
    may_share: NDArray[np.bool_],
    before: NDArray[np.bool_] | None = None,
) -> NDArray[np.uint32]:
    """Find the row that asks for each one of a block.

    Args:
        ids_hash: Shape (n, 16): hash of each prompt.
        aspect: Whose answer is asked for, of each: by it an answer is read. Shape (n,).
        may_share: Rows whose answer may be that of another, or be given to another. Shape (n,).
        before: Rows whose request was there before the run grew: each of them stays. Shape (n,).

    Returns:
        `asked_by` of `PlanColumns`: of equal rows the first one asks, and one that was there
        before, before one that was not. Empty where every row asks for itself.

    """
    rows = len(ids_hash)
    words = np.ascontiguousarray(ids_hash).view(np.uint64).reshape(rows, 2)
    if len(np.unique(words[:, 0])) == rows:
        return NONE
    is_new = np.ones(rows, np.bool_) if before is None else ~before
    order = np.lexsort((is_new, aspect, words[:, 1], words[:, 0], ~may_share))  # stable
    asked_by, asker = own_rows(0, rows), order[0]
    equal = (words[order[1:]] == words[order[:-1]]).all(axis=1)
    equal &= (aspect[order[1:]] == aspect[order[:-1]]) & may_share[order[1:]]
    starts = np.append(True, ~equal)
    asker = order[np.maximum.accumulate(np.where(starts, np.arange(rows), 0))]
    shares = is_new[order] & may_share[order]
    asked_by[order[shares]] = asker[shares]
    return asked_by if (asked_by != own_rows(0, rows)).any() else NONE


def share(
    plan: PlanColumns,
    ids_hash: NDArray[np.uint8],
    *,
    may_share: NDArray[np.bool_],
    before: NDArray[np.bool_] | None = None,
) -> PlanColumns:
    """Let requests of a block with one prompt be one; arguments as for `asked_once`."""
    sharing = Sharing(plan.asked_by)
    asked_by = asked_once(
        ids_hash,
        plan.aspect,
        may_share=may_share & sharing.own(len(plan.item)),
        before=before,
    )
    if not len(asked_by):
        return plan
    asked_by = asked_by[sharing.requests_of(own_rows(0, len(asked_by)))]
    return plan._replace(asked_by=asked_by, request_id=plan.key[asked_by])
