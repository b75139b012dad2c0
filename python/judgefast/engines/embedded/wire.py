"""What the engine and its process say to each other."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from judgefast.engines.child.messages import (
    Beating,
    Cancel,
    Dialect,
    Ended,
    Entered,
    Loaded,
    Lost,
    Numbered,
)


class Load(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """First message to the process: what to load."""

    folder: str
    properties: dict[str, str | int]
    kv_blocks: int
    batched_tokens: int
    room: int
    context_tokens: int
    eos_ids: tuple[int, ...]


class Work(Numbered, tag=True, frozen=True, kw_only=True):
    """One request."""

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


class Ready(Loaded, tag=True, frozen=True, kw_only=True):
    """The model is loaded, by this engine."""

    openvino: str
    openvino_genai: str
    cores: int


class Done(Ended, tag=True, frozen=True, kw_only=True):
    """One request is over. A finished text, label log-probabilities, an error or a cancel."""

    tokens: list[int] = []  # noqa: RUF012 - a struct copies it
    """Generated, without the end-of-text token."""
    cut: bool = False
    """It ended at max_tokens."""
    logprobs: list[float] | None = None
    forced_tokens: int = 0


class Beat(Beating, tag=True, frozen=True, kw_only=True):
    """Sign of life after a step, with counters since the process began."""

    steps: int
    requests_in_steps: int
    """Requests in flight, summed over the steps."""
    primed_heads: int
    echoed_labels: int
    retried: int


ToChild = Load | Work | Cancel
FromChild = Ready | Entered | Done | Beat | Lost
Send = Callable[[FromChild], None]

to_child: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)
from_child: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)

DIALECT = Dialect(
    engine="embedded",
    module="judgefast.engines.embedded.child",
    decode=from_child.decode,
    cancelled=lambda number: Done(number=number, cancelled=True),
)
