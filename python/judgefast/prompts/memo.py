"""Pieces of texts met before, the latest ones, by the bytes that they take."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.prompts.pieces import Piece

KEPT_BYTES = 2**25
"""More than the texts of a usual batch of rows take."""

_ONE = 400
"""Bytes that a piece takes beside its text and ids."""


class PieceMemo:
    """Encodes a text once, as long as it comes again within half of the bytes that are kept.

    Two generations: what is asked for moves to the younger one, and when that is full the elder
    is dropped.

    Args:
        make: Encodes a text.
        kept_bytes: Most bytes kept, but for one text that is longer.

    """

    def __init__(self, make: Callable[[str], Piece], kept_bytes: int = KEPT_BYTES) -> None:
        self._make = make
        self._most = kept_bytes // 2
        self._young: dict[str, Piece] = {}
        self._old: dict[str, Piece] = {}
        self._bytes = 0

    def __call__(self, text: str) -> Piece:
        """Piece of a text."""
        piece = self._young.get(text)
        if piece is None:
            piece = self._old.pop(text, None) or self._make(text)
            ids = piece.ids
            taken = _ONE + 2 * len(text) + (0 if ids is None else ids.nbytes)
            if self._bytes + taken > self._most:
                self._old, self._young, self._bytes = self._young, {}, 0
            self._young[text] = piece
            self._bytes += taken
        return piece
