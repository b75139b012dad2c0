"""Bodies that a server has compressed, though it was asked not to: unpacked within a bound."""

from __future__ import annotations

import zlib

_ANY_HEAD = 47
"""gzip or zlib, whichever its head says."""
_BARE = -15
"""Some send a deflated body without a head."""


def unpacked(body: bytes, coding: str, most: int) -> bytes:
    """A body as it was before it was compressed.

    Args:
        body: As it came.
        coding: Of the head `Content-Encoding`.
        most: Bytes that it may have.

    Raises:
        ValueError: It has more, is damaged, or is compressed in another way.

    """
    coding = coding.strip().lower()
    if coding in {"", "identity"}:
        return body
    if coding not in {"gzip", "x-gzip", "deflate"}:
        message = f"it is compressed by `{coding[:40]}`, which it was asked not to be"
        raise ValueError(message)
    try:
        try:
            whole = _inflated(body, _ANY_HEAD, most)
        except zlib.error:
            if coding != "deflate":
                raise
            whole = _inflated(body, _BARE, most)
    except zlib.error as error:
        message = f"it cannot be unpacked: {error}"
        raise ValueError(message) from None
    return whole


def _inflated(body: bytes, bits: int, most: int) -> bytes:
    parts, room = [], most + 1
    while body and room:
        unpacking = zlib.decompressobj(bits)
        parts.append(unpacking.decompress(body, room))
        room -= len(parts[-1])
        if room and not unpacking.eof:
            message = "it is cut off"
            raise ValueError(message)
        body = unpacking.unused_data  # a stream may follow another
    if not room:
        message = f"a reply of more than {most:,} bytes"
        raise ValueError(message)
    return b"".join(parts)
