"""What the engine and its process say to each other: msgpack messages, framed by their length."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

import msgspec

_LENGTH_BYTES = 4


class Load(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """First message to the process: what to load."""

    folder: str
    properties: dict[str, str | int]
    kv_blocks: int
    batched_tokens: int
    room: int
    context_tokens: int
    eos_ids: tuple[int, ...]


class Work(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """One request."""

    number: int
    """Names it between the two; never used again."""
    ids: bytes
    """Prompt: int32, little-endian."""
    max_tokens: int
    temperature: float
    top_p: float
    stop: tuple[str, ...]
    schema: str | None
    labels: tuple[tuple[str, int | None], ...]
    """Text and token of each."""
    probabilities: bool
    seed: int
    blocks: int
    """Blocks of the KV cache that it may come to hold."""
    heads: tuple[int, ...]
    """Identities of the heads that its prompt shares with others, the common one first. The first
    request with a head computes it; the others come in when that is done."""


class Cancel(msgspec.Struct, tag=True, frozen=True):
    """Give up on these."""

    numbers: list[int]


class Ready(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """The model is loaded."""

    pid: int
    load_seconds: float
    openvino: str
    openvino_genai: str
    cores: int


class Entered(msgspec.Struct, tag=True, frozen=True):
    """This one is about to be given to the model: if the process dies now, it may be why."""

    number: int


class Done(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """One request is over. A finished text, label log-probabilities, an error or a cancel."""

    number: int
    tokens: list[int] = []
    """Generated, without the end-of-text token."""
    cut: bool = False
    """It ended at max_tokens."""
    logprobs: list[float] | None = None
    forced_tokens: int = 0
    error: str | None = None
    cancelled: bool = False


class Beat(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """Sign of life after a step, with counters since the process began."""

    steps: int
    requests_in_steps: int
    """Requests in flight, summed over the steps."""
    primed_heads: int
    echoed_labels: int
    retried: int


class Lost(msgspec.Struct, tag=True, frozen=True):
    """The process cannot go on."""

    words: str


ToChild = Load | Work | Cancel
FromChild = Ready | Entered | Done | Beat | Lost
Send = Callable[[FromChild], None]

_encoder = msgspec.msgpack.Encoder()
to_child: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)
from_child: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)


def write(stream: BinaryIO, message: ToChild | FromChild) -> None:
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
