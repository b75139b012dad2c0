"""The pieces of a prompt, each encoded once, and the hash over them.

The hash of a prompt is that over all its pieces (`docs/keys.md`). What stands before the first
answer is hashed once an item: its judgments go on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from judgefast._native import SegmentsHash
from judgefast.hashes import framed
from judgefast.prompts.segments import Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_HASH_BYTES = 16


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A segment, and what its texts come to."""

    segment: Segment
    ids: NDArray[np.int32] | None = None
    """None without a tokenizer."""
    replaced: int = 0
    """Characters sent as U+FFFD."""
    stripped: int = 0
    """White space taken off both ends."""

    def within(self, slot: str, *, stripped: int | None = None) -> Piece:
        """The same in a slot."""
        segment = self.segment
        if segment.slot != slot:
            segment = Segment(segment.text, segment.trusted, slot)
        elif stripped is None:
            return self
        before = self.stripped if stripped is None else stripped
        return Piece(segment, self.ids, self.replaced, before)


class Measures(NamedTuple):
    """What a plan keeps of a prompt."""

    ids_hash: bytes
    prompt_tokens: int | None
    """None where the tokenizer is unknown."""
    replaced_characters: int
    stripped_characters: int


class Lead(msgspec.Struct):
    """The pieces before the first answer, the same in all prompts of an item."""

    pieces: list[Piece]
    shown: list[Segment]
    """Those of their segments that are segments of the prompt."""
    replaced: int
    stripped: int
    """Characters, of all pieces."""
    needs_ids: bool
    state: SegmentsHash | None = None
    """The hash so far; made when a hash is wanted, and never where ids are hashed, whose number
    stands before them."""

    def hash_with(self, rest: Sequence[Piece]) -> bytes:
        """Hash of the prompt that goes on with `rest`. 16 bytes."""
        if self.needs_ids:
            return hash_of_ids([*self.pieces, *rest])
        if self.state is None:
            self.state = SegmentsHash([piece.segment for piece in self.pieces])
        return self.state.with_rest([piece.segment for piece in rest])


class ItemPieces(msgspec.Struct):
    """What is kept of the item in work."""

    lead: Lead | None = None
    answers: dict[int, list[Piece]] = msgspec.field(default_factory=dict)
    """By index."""


def lead_of(pieces: list[Piece], *, needs_ids: bool) -> Lead:
    """Begin a prompt."""
    shown, replaced, stripped = summed(pieces)
    return Lead(pieces, shown, replaced, stripped, needs_ids)


def summed(pieces: Sequence[Piece]) -> tuple[list[Segment], int, int]:
    """Segments shown, characters replaced and characters stripped, of pieces one after another."""
    shown, replaced, stripped = [], 0, 0
    for piece in pieces:
        segment = piece.segment
        if segment.text or segment.slot:  # a text, or the place of one that is blank
            shown.append(segment)
        replaced += piece.replaced
        stripped += piece.stripped
    return shown, replaced, stripped


def hash_of_ids(pieces: Sequence[Piece]) -> bytes:
    """Hash over the int32-LE ids of all pieces. 16 bytes."""
    joined = b"".join(
        [piece.ids.astype("<i4", copy=False).tobytes() for piece in pieces if piece.ids is not None]
    )
    return framed("judgefast ids 1", [joined])[:_HASH_BYTES]


def count_ids(pieces: Sequence[Piece]) -> int:
    """Tokens of all pieces."""
    return sum([len(piece.ids) for piece in pieces if piece.ids is not None])
