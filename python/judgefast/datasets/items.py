"""What the rest of judgefast sees of a data set: items.

Stage 1 of 8: rows -> **items** -> prompts.
"""

from __future__ import annotations

from typing import Any

import msgspec

from judgefast._native import text_hash as plain_text_hash
from judgefast.hashes import framed


class Turn(msgspec.Struct, frozen=True, gc=False):
    """One turn of a conversation. Both parts are untrusted."""

    role: str
    content: str


Text = str | tuple[Turn, ...]
"""A plain text, or a conversation."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """One candidate's answer."""

    text: Text | None
    """None where only recorded judge outputs exist (`--engine replay` without texts)."""
    model: str | None = None
    """Who wrote it, as the data names it."""
    sha256: bytes = b""
    """`text_hash` of the text as read. 32 bytes."""
    empty: bool = False
    """Empty or only white space, and to lose unseen (`--on-empty lose`)."""


class Item(msgspec.Struct, frozen=True, gc=False):
    """A question with its answers."""

    item_id: str
    """Unique in a run."""
    cluster: str
    """Unit of resampling."""
    question: Text | None
    answers: tuple[Answer, ...]
    reference: Text | None = None
    gold: str | float | None = None
    """For several answers `a`, `b`, ... (by index), `tie`; for one answer a number or a label."""
    meta: dict[str, Any] = msgspec.field(default_factory=dict)
    row: int = 0
    """Ordinal of the row in the data, from 0, over all files."""
    question_sha256: bytes = b""
    reference_sha256: bytes = b""


def text_hash(text: Text | None) -> bytes:
    """Identify a text as it was read, before anything is stripped. 32 bytes; empty for None.

    >>> text_hash("Paris").hex()[:16]
    'd92b884c0a23a901'
    """
    if text is None:
        return b""
    if isinstance(text, str):
        return plain_text_hash(text)
    fields = [part.encode() for turn in text for part in (turn.role, turn.content)]
    return framed("judgefast turns 1", fields)
