"""Messages between an engine and its process: msgpack, framed by their length."""

from __future__ import annotations

from typing import BinaryIO

import msgspec

_LENGTH_BYTES = 4

_encoder = msgspec.msgpack.Encoder()


def write(stream: BinaryIO, message: msgspec.Struct) -> None:
    """Write one message and flush."""
    payload = _encoder.encode(message)
    stream.write(len(payload).to_bytes(_LENGTH_BYTES, "little") + payload)
    stream.flush()


def read(stream: BinaryIO) -> bytes | None:
    """The next message's bytes; None at the end, also in the middle of a message."""
    head = stream.read(_LENGTH_BYTES)
    if len(head) < _LENGTH_BYTES:
        return None
    size = int.from_bytes(head, "little")
    payload = stream.read(size)
    return payload if len(payload) == size else None
