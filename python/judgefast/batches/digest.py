"""One digest over the order in which requests are sent: of a plan, and of what a journal has."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TAG = b"judgefast plan order 1\0"

DIGEST_BYTES = 16

NEVER = np.iinfo(np.int32).max
"""`FirstSent.launch` of a request that was not sent, or of which it is not known when."""


class FirstSent(NamedTuple):
    """When each request of a plan was sent first, requests in planned order. All of length n."""

    launch: NDArray[np.int32]
    """Number of the launch that has its first answer, or error, in their order; else `NEVER`."""
    started: NDArray[np.float64]
    """Unix time at which the engine was given it."""


def order_digest(
    groups: NDArray[np.uint64],
    request_ids: NDArray[np.uint8],
    order: NDArray[np.integer] | None = None,
) -> str:
    """Digest of the ordered prefix groups, and of the ids in each. 32 hex digits.

    A group is a stretch of the plan with one number. Lanes work side by side, each at a group of
    its own: so groups stand in the order in which they begin, and each is whole.

    Args:
        groups: Prefix group of each request, in planned order. Shape (n,).
        request_ids: Shape (n, 16).
        order: Places among these, in the order in which they were sent; None: as planned.

    """
    begins = np.flatnonzero(np.append(True, groups[1:] != groups[:-1])[: len(groups)])
    ends = np.append(begins, len(groups))[1:]
    numbers, stretches = groups[begins].tolist(), zip(begins.tolist(), ends.tolist(), strict=True)
    if order is not None:
        stretch = np.searchsorted(begins, order, "right") - 1
        by_stretch = np.argsort(stretch, kind="stable")
        first = np.unique(stretch, return_index=True)[1]
        request_ids = request_ids[order[by_stretch]]
        turn = np.argsort(first, kind="stable")
        numbers = groups[begins][turn].tolist()
        stretches = zip(begins[turn].tolist(), ends[turn].tolist(), strict=True)
    digest = sha256(TAG)
    for number, (start, end) in zip(numbers, stretches, strict=True):
        ids = request_ids[start:end].tobytes()
        for field in (number.to_bytes(8, "little"), ids):
            digest.update(len(field).to_bytes(8, "little") + field)
    return digest.digest()[:DIGEST_BYTES].hex()


def order_sent(
    first: FirstSent, reordered_from: NDArray[np.integer] | None = None
) -> NDArray[np.integer]:
    """Put requests into the order in which they were sent first.

    What was not sent, and what nobody knows the time of, keeps its planned place. So does what a
    launch that was killed had in flight: all that tells of it is that the launch has sent what
    comes after. And so does the end of a launch, which it may send in another order.

    Args:
        first: When each was sent, in planned order.
        reordered_from: Of each launch, the planned place from which it sent in another order.

    Returns:
        Places in planned order. Shape (n,).

    """
    places = np.arange(len(first.launch))
    is_known = first.launch != NEVER
    reach = _reach_before(first.launch, is_known)
    is_placed = is_known & (places > reach)
    if reordered_from is not None and len(reordered_from):
        ends = np.append(reordered_from, 0)
        is_placed &= places < ends[np.where(is_known, first.launch, -1)]
    known = places[is_placed]
    sent = np.lexsort((known, first.started[known], first.launch[known]))
    places[is_placed] = known[sent]
    return places


def _reach_before(launch: NDArray[np.int32], is_known: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Of each request, the last planned place that a launch before its own has sent; -1: none."""
    known = np.flatnonzero(is_known)
    launches = int(launch[known].max()) + 1 if len(known) else 0
    reach = np.full(launches + 1, -1, np.int64)
    np.maximum.at(reach, launch[known] + 1, known)
    reach = np.maximum.accumulate(reach)
    return reach[np.where(is_known, launch, 0)] if launches else np.full(len(launch), -1)
