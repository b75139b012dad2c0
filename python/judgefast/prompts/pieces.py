"""The pieces of a prompt, each encoded once, and the hash over them.

The hash of a prompt is that over all its pieces (`docs/keys.md`). What stands before the first
answer is hashed once an item: its judgments go on from there.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from judgefast.hashes import framed
from judgefast.prompts.segments import Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_HASH_BYTES = 16


class Piece(NamedTuple):
    """A segment, and what its texts come to."""

    segment: Segment
    ids: NDArray[np.int32] | None = None
    """None without a tokenizer."""
    framed: bytes = b""
    """Origin and text as two framed fields of the hash; empty where ids are hashed, or no text."""
    replaced: int = 0
    """Characters sent as U+FFFD."""
    stripped: int = 0
    """White space taken off both ends."""

    @property
    def is_shown(self) -> bool:
        """Whether it is a segment of the prompt: a text, or the place of one that is blank."""
        return bool(self.segment.text or self.segment.slot)

    def within(self, slot: str, *, stripped: int | None = None) -> Piece:
        """The same in a slot."""
        segment, ids, fields, replaced, before = self
        if segment.slot != slot:
            segment = Segment(segment.text, segment.trusted, slot)
        return Piece(segment, ids, fields, replaced, before if stripped is None else stripped)


class Measures(NamedTuple):
    """What a plan keeps of a prompt."""

    ids_hash: bytes
    prompt_tokens: int | None
    """None where the tokenizer is unknown."""
    replaced_characters: int
    stripped_characters: int


class Lead(NamedTuple):
    """The pieces before the first answer, the same in all prompts of an item."""

    pieces: list[Piece]
    state: Any
    """The hash so far; None where ids are hashed, whose number stands before them."""

    def hash_with(self, rest: Sequence[Piece]) -> bytes:
        """Hash of the prompt that goes on with `rest`. 16 bytes."""
        state = self.state.copy()
        for piece in rest:
            state.update(piece.framed)
        digest: bytes = state.digest()
        return digest[:_HASH_BYTES]


class ItemPieces(msgspec.Struct):
    """What is kept of the item in work."""

    lead: Lead | None = None
    answers: dict[int, list[Piece]] = msgspec.field(default_factory=dict)
    """By index."""


def lead_of(pieces: list[Piece], *, needs_ids: bool) -> Lead:
    """Begin a prompt."""
    if needs_ids:
        return Lead(pieces, None)
    state = sha256(b"judgefast segments 1\0")
    for piece in pieces:
        state.update(piece.framed)
    return Lead(pieces, state)


def trusted(text: str) -> Piece:
    """A text of ours that is not tokenised."""
    return Piece(Segment(text, trusted=True), framed=_fields(b"ours", text))


def untrusted(text: str) -> Piece:
    """A text of somebody else's that is not tokenised."""
    return Piece(Segment(text, trusted=False), framed=_fields(b"theirs", text))


def hash_of_ids(pieces: Sequence[Piece]) -> bytes:
    """Hash over the int32-LE ids of all pieces. 16 bytes."""
    joined = b"".join(
        [piece.ids.astype("<i4", copy=False).tobytes() for piece in pieces if piece.ids is not None]
    )
    return framed("judgefast ids 1", [joined])[:_HASH_BYTES]


def count_ids(pieces: Sequence[Piece]) -> int:
    """Tokens of all pieces."""
    return sum([len(piece.ids) for piece in pieces if piece.ids is not None])


def _fields(origin: bytes, text: str) -> bytes:
    if not text:
        return b""
    raw = text.encode("utf-8", "surrogatepass")
    sizes = len(origin).to_bytes(8, "little"), len(raw).to_bytes(8, "little")
    return b"".join((sizes[0], origin, sizes[1], raw))
