"""What the engine and the process of a replica say to each other."""

from __future__ import annotations

from typing import Any

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


class Warm(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """First message to the process, while it is not known yet what it will be asked: import vLLM.

    `Load` comes as the first message where that is known.
    """

    devices: str | None = None
    """As in `Load`."""
    weights: tuple[str, ...] = ()
    """Files to read once, so that they are in memory when vLLM wants them."""


class Load(msgspec.Struct, tag=True, frozen=True, kw_only=True):
    """What to load."""

    arguments: dict[str, Any]
    """Of vLLM's `LLM`, `model` among them."""
    devices: str | None = None
    """Which of the machine's accelerators it sees (CUDA_VISIBLE_DEVICES); None for all."""


class Thinking(msgspec.Struct, array_like=True, frozen=True):
    """How the judge thinks before it answers."""

    tokens: int
    """Most that it may, without the marks that end it."""
    end_ids: tuple[int, ...]
    """Each ends it."""
    closing: tuple[int, ...]
    """Stands between it and the answer."""


class Work(Numbered, tag=True, frozen=True, kw_only=True):
    """One request."""

    ids: bytes
    """Prompt: int32, little-endian."""
    heads: tuple[int, ...] = ()
    """Lengths of its head that are computed first, by requests of their own that nobody waits for
    (`engines/vllm/priming.py`)."""
    max_tokens: int
    temperature: float
    top_p: float
    stop: tuple[str, ...]
    stop_ids: tuple[int, ...]
    """Tokens that end it, beside the model's own."""
    schema: str | None
    labels: tuple[tuple[str, int | None], ...]
    """Text and token of each."""
    probabilities: bool
    seed: int
    thinking: Thinking | None = None
    """Before the answer, to which all else applies."""


class Ready(Loaded, tag=True, frozen=True, kw_only=True):
    """The model is loaded, by vLLM."""

    startup: dict[str, float]
    """What the seconds from its start were spent on."""
    facts: dict[str, Any]
    """Version, device, and the settings in force, for the launch."""


class Done(Ended, tag=True, frozen=True, kw_only=True):
    """One request is over. A finished text, label log-probabilities, an error or a cancel."""

    tokens: bytes = b""
    """Generated: int32, little-endian."""
    text: str | None = None
    """What vLLM made of them, where it had to look for stop strings; else None."""
    cut: bool = False
    """It ended at max_tokens."""
    logprobs: list[float] | None = None
    cached_tokens: int | None = None
    too_long: bool = False
    """The error is that the prompt does not fit."""
    thought: bytes = b""
    """Tokens of its thinking, without what ended it: int32, little-endian."""
    thought_tokens: int | None = None
    """Generated before the answer; None where it was not to think."""


class Beat(Beating, tag=True, frozen=True, kw_only=True):
    """Sign of life, with vLLM's own counters."""

    steps: int
    preemptions: int | None = None
    primed: int = 0
    """Heads that were computed ahead."""


ToChild = Warm | Load | Work | Cancel
FromChild = Ready | Entered | Done | Beat | Lost

to_child: msgspec.msgpack.Decoder[ToChild] = msgspec.msgpack.Decoder(ToChild)
from_child: msgspec.msgpack.Decoder[FromChild] = msgspec.msgpack.Decoder(FromChild)

DIALECT = Dialect(
    engine="vllm",
    module="judgefast.engines.vllm.child",
    decode=from_child.decode,
    cancelled=lambda number: Done(number=number, cancelled=True),
    # Hundreds are in flight, and a start takes minutes: one end may be the machine's.
    blame_after=2,
    own_session=True,
)
