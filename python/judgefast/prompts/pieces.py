"""The pieces of a prompt, each encoded once, and the hash over them.

The hash of a prompt is that over all its pieces (`docs/keys.md`). Without a tokenizer it goes over
the hashes of their texts, which rows have of theirs already: however long they are, and in however
many orders they are shown, none is read for it again.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from judgefast._native import text_hash
from judgefast.hashes import framed
from judgefast.prompts.segments import Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_HASH_BYTES = 16
_OURS, _THEIRS = (
    len(origin).to_bytes(8, "little") + origin + (32).to_bytes(8, "little")
    for origin in (b"ours", b"theirs")
)
"""Before the hash of a text, as fields that are framed."""


class Piece(msgspec.Struct, gc=False):
    """A segment, and what its texts come to."""

    segment: Segment
    ids: NDArray[np.int32] | None = None
    """None without a tokenizer."""
    replaced: int = 0
    """Characters sent as U+FFFD."""
    stripped: int = 0
    """White space taken off both ends."""
    frame: bytes | None = None
    """What it adds to the hash of a prompt without ids; None as long as nobody has asked."""

    def framed(self) -> bytes:
        """`frame`, made when it is first asked for: who only sends a prompt needs no hash."""
        if self.frame is None:
            self.frame = frame_of(self.segment.text, trusted=self.segment.trusted)
        return self.frame

    def within(self, slot: str, *, stripped: int | None = None) -> Piece:
        """The same in a slot."""
        segment = self.segment
        if segment.slot != slot:
            segment = Segment(segment.text, segment.trusted, slot)
        elif stripped is None:
            return self
        before = self.stripped if stripped is None else stripped
        return Piece(segment, self.ids, self.replaced, before, self.frame)


class Cut(NamedTuple):
    """What is shown of an answer that is too long."""

    pieces: list[Piece]
    """With a mark at the end."""
    left_out: int
    """Tokens of the answer that are not shown."""
    given: int
    """Tokens that it was given room for."""


class Lead(msgspec.Struct):
    """The pieces before the first answer, the same in all prompts of an item."""

    pieces: list[Piece]
    shown: list[Segment]
    """Those of their segments that are segments of the prompt."""
    replaced: int
    stripped: int
    """Characters, of all pieces."""
    needs_ids: bool

    def hash_anew(self, rest: Sequence[Piece]) -> bytes:
        """Hash of the prompt that goes on with `rest`, 16 bytes, from the texts alone.

        What was known of them counts for nothing.
        """
        if self.needs_ids:
            return hash_of_ids([*self.pieces, *rest])
        segments = [piece.segment for piece in (*self.pieces, *rest)]
        return hash_of_frames([frame_of(each.text, trusted=each.trusted) for each in segments])


class ItemPieces(msgspec.Struct):
    """What is kept of the item in work."""

    leads: dict[int, Lead] = msgspec.field(default_factory=dict)
    """By aspect."""
    answers: dict[int, list[Piece]] = msgspec.field(default_factory=dict)
    """By index."""
    room: int | None = None
    """Tokens that answers may have, once it is known."""
    cuts: dict[tuple[int, ...], dict[int, Cut]] = msgspec.field(default_factory=dict)
    """What is shown of answers by index, by the answers of a comparison in ascending order; empty
    where they are shown whole."""


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


def count_ids(pieces: Sequence[Piece]) -> int:
    """Tokens of all pieces."""
    return sum([len(piece.ids) for piece in pieces if piece.ids is not None])


def frame_of(text: str, *, trusted: bool, known: bytes = b"") -> bytes:
    """What a segment adds to the hash of its prompt.

    Args:
        text: What is sent.
        trusted: Whether it is ours; a text of theirs ends with a line feed that is not hashed.
        known: The hash of the text, 32 bytes, where it is known.

    """
    if not text:
        return b""
    if trusted:
        return _OURS + (known or _hash(text))
    return _THEIRS + (known or _hash(text.removesuffix("\n")))


def hash_of_ids(pieces: Sequence[Piece]) -> bytes:
    """Hash over the int32-LE ids of all pieces. 16 bytes."""
    joined = b"".join(
        [piece.ids.astype("<i4", copy=False).tobytes() for piece in pieces if piece.ids is not None]
    )
    return framed("judgefast ids 1", [joined])[:_HASH_BYTES]


def hash_of_frames(frames: Sequence[bytes]) -> bytes:
    """Hash over what the pieces of a prompt without ids add to it. 16 bytes."""
    return sha256(b"".join((b"judgefast segments 2\0", *frames))).digest()[:_HASH_BYTES]


def _hash(text: str) -> bytes:
    try:
        return text_hash(text)
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8; it is written as if it had
        return framed("judgefast text 1", [text.encode("utf-8", "surrogatepass")])
