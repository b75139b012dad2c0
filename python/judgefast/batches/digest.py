"""One digest over the order in which requests are sent: of a plan, and of what a journal has."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TAG = b"judgefast plan order 1\0"

DIGEST_BYTES = 16

CHUNK = 65_536
"""Requests that are framed at a time."""

_ID_WORDS, _HEAD_WORDS = 2, 3
"""Words of 8 bytes of an id, and before the ids of a group: length, number, length."""

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
    begins = _begins(groups)
    rows: NDArray[np.integer] = np.arange(len(groups), dtype=np.uint32)
    if order is not None:
        stretch = np.cumsum(begins, dtype=np.uint32) - np.uint32(1)
        first = np.zeros(int(begins.sum()), np.uint32)
        first[stretch[order[::-1]]] = rows[::-1]  # of equal places the last one set stays
        rows = order[np.argsort(first[stretch[order]], kind="stable")].astype(np.uint32)
        begins = _begins(stretch[rows])
    starts = np.append(np.flatnonzero(begins), len(groups))
    digest = sha256(TAG)
    for start in range(0, len(groups), CHUNK):
        chosen = rows[start : start + CHUNK]
        at = slice(*np.searchsorted(starts, [start, start + len(chosen)]).tolist())
        lengths = starts[at.start + 1 : at.stop + 1] - starts[at]
        ids = request_ids[chosen]
        digest.update(_framed(starts[at] - start, lengths, groups[rows[starts[at]]], ids))
    return digest.digest()[:DIGEST_BYTES].hex()


def _begins(numbers: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
    """Whether a stretch of equal numbers begins at each. Shape (n,)."""
    begins = np.ones(len(numbers), np.bool_)
    np.not_equal(numbers[1:], numbers[:-1], out=begins[1:])
    return begins


def _framed(
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    numbers: NDArray[np.uint64],
    ids: NDArray[np.uint8],
) -> bytes:
    """Both fields of each group that begins among some requests, and the ids of all of these.

    Args:
        starts: Places of the first requests of groups among these.
        lengths: Requests of these groups, those of later chunks too.
        numbers: Of these groups.
        ids: Shape (m, 16).

    """
    words = np.empty(_ID_WORDS * len(ids) + _HEAD_WORDS * len(starts), "<u8")
    is_id = np.ones(len(words), np.bool_)
    head = _ID_WORDS * starts + _HEAD_WORDS * np.arange(len(starts))
    fields = (np.full(len(starts), 8), numbers, lengths * DIGEST_BYTES)
    for place, field in enumerate(fields):
        words[head + place] = field
        is_id[head + place] = False
    words[is_id] = np.ascontiguousarray(ids).view("<u8").ravel()
    return words.tobytes()


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
