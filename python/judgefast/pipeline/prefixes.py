"""What prompts share, one after another: by order, by part, and what must be held at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.batches.trie import Segments

    Counts = NDArray[np.int64]


def lengths_of(segments: Segments) -> Counts:
    """Tokens of each occurrence of a segment, in the order of `segments.segments`."""
    lengths: Counts = np.diff(segments.id_offsets)[segments.segments]
    return lengths


def starts_of(segments: Segments) -> Counts:
    """Where each occurrence begins in its prompt. Tokens."""
    ends = np.cumsum(lengths_of(segments))
    before = np.concatenate([np.zeros(1, np.int64), ends])
    numbers = np.diff(segments.segment_offsets)
    starts: Counts = before[:-1] - np.repeat(before[segments.segment_offsets[:-1]], numbers)
    return starts


def shared_with_former(segments: Segments, order: NDArray[np.integer]) -> Counts:
    """Tokens of the segments at the head that each prompt has in common with the one before it.

    Args:
        segments: The prompts.
        order: Rows in the order of sending.

    Returns:
        Shape (n,), by place in the order; 0 for the first.

    """
    first = segments.segment_offsets[:-1][order]
    count = np.diff(segments.segment_offsets)[order]
    lengths = np.diff(segments.id_offsets)
    shared = np.zeros(len(order), np.int64)
    alike = np.arange(len(order)) > 0
    former_first, former_count = np.roll(first, 1), np.roll(count, 1)
    depth = 0
    while True:
        alike &= (depth < count) & (depth < former_count)
        places = np.flatnonzero(alike)
        if not len(places):
            return shared
        own = segments.segments[first[places] + depth]
        same = own == segments.segments[former_first[places] + depth]
        alike[places[~same]] = False
        shared[places[same]] += lengths[own[same]]
        depth += 1


def working_tokens(prompt_tokens: Counts, shared: Counts, running: int, answer_tokens: int) -> int:
    """Most tokens that are in work at once.

    Args:
        prompt_tokens: Of each prompt, in the order of sending.
        shared: As `shared_with_former` gives it, in an order in which what is alike is together.
        running: Requests in work at once.
        answer_tokens: That each of them may write.

    """
    if not len(prompt_tokens):
        return 0
    width = min(running, len(prompt_tokens))
    new = np.concatenate([np.zeros(1, np.int64), np.cumsum(prompt_tokens - shared)])
    starts = np.arange(len(prompt_tokens) - width + 1)
    # Of a window all that is new in it, and what its first prompt shared with the one before.
    held = new[starts + width] - new[starts] + shared[starts]
    return int(held.max()) + width * answer_tokens


def cached_by_slot(
    segments: Segments, slots: NDArray[np.uint16], cached: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Cached tokens by the slot that they are in.

    Args:
        segments: The prompts.
        slots: Code of the slot of each occurrence of a segment.
        cached: Tokens at the head of each prompt that came out of the cache, by row.

    Returns:
        Shape (256,), by code.

    """
    whole = np.repeat(cached.astype(np.int64), np.diff(segments.segment_offsets))
    inside = np.clip(whole - starts_of(segments), 0, lengths_of(segments))
    return np.bincount(slots, weights=inside, minlength=256).astype(np.int64)
