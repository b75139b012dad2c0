"""Which order of a comparison is asked first, and whose second order is asked whatever it says.

Both are drawn by hashes of seed and item, or cluster (`docs/keys.md`): nothing that was judged, nor
when, has a part in them.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from judgefast.hashes import framed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.batches.columns import PlanColumns

_ORIENTATION = b"judgefast orientation 1\0"
_AUDIT = "judgefast audit 1"
_WORDS = 1 << 64
_TWO = 2


def first_orders(
    plan: PlanColumns, item_ids: Sequence[str], num_answers: NDArray[np.integer], seed: int
) -> NDArray[np.bool_]:
    """Whether each row of a plan of pairs shows the order that `orders="one"` would ask.

    Args:
        plan: Comparisons of two answers, in one order or in both.
        item_ids: Id of each item that the plan counts.
        num_answers: Of each of them.
        seed: Of the run.

    Returns:
        Shape (n,). Of the two rows of a repeat one is.

    """
    low, high = np.minimum(plan.first, plan.second), np.maximum(plan.first, plan.second)
    rows = len(plan.item)
    begins = np.ones(rows, np.bool_)
    for column in (plan.item, low, high):
        begins[1:] &= column[1:] == column[:-1]
    begins = np.append(True, ~begins[1:]) if rows else begins
    starts = np.flatnonzero(begins)
    drawn = sha256(_ORIENTATION + _field(seed.to_bytes(8, "little")))
    swapped = np.zeros(len(starts), np.uint8)
    cells = zip(
        plan.item[starts].tolist(), low[starts].tolist(), high[starts].tolist(), strict=True
    )
    for place, (item, one, other) in enumerate(cells):
        fields = _field(item_ids[item].encode())
        if num_answers[item] != _TWO:
            fields += _field(one.to_bytes(2, "little") + other.to_bytes(2, "little"))
        state = drawn.copy()
        state.update(fields)
        swapped[place] = state.digest()[0] & 1
    wanted = np.repeat(swapped, np.diff(np.append(starts, rows)))
    is_first: NDArray[np.bool_] = plan.swapped == wanted
    return is_first


def audited(cluster_id64: NDArray[np.uint64], seed: int, share: float) -> NDArray[np.bool_]:
    """Whether the cluster of each item is drawn for the audit: both orders of all that it asks.

    Args:
        cluster_id64: Resampling id of each item's cluster. Shape (n,).
        seed: Of the run.
        share: Of the clusters that are drawn, above 0 and at most 1; a larger one holds those of a
            smaller one.

    """
    clusters, place = np.unique(cluster_id64, return_inverse=True)
    own = seed.to_bytes(8, "little")
    words = [
        int.from_bytes(framed(_AUDIT, [own, each.to_bytes(8, "little")])[:8], "little")
        for each in clusters.tolist()
    ]
    drawn = np.array([word < share * _WORDS for word in words], np.bool_)
    return drawn[place]


def _field(field: bytes) -> bytes:
    return len(field).to_bytes(8, "little") + field
