"""What is checked before the engine sees a request: most of it would be accepted and go wrong.

Token ids out of range, prompts beyond the context, unknown settings and the like are not refused by
the engine: it answers nonsense, hangs, or dies. Each check here stands for one of those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from judgefast.engines.embedded.grammars import (
    check_characters,
    check_regex,
    choice_regex,
    literal,
)
from judgefast.engines.embedded.schemas import check_schema

if TYPE_CHECKING:
    from judgefast.batches.request import Request
    from judgefast.engines.base import ErrorKind
    from judgefast.prompts.decoding import Decoding

BLOCK_TOKENS = 32
"""Tokens of a block of the engine's KV cache."""

MIN_BATCHED_TOKENS = 256
"""With 0 the engine ignores every request; small chunks cost a step each."""

MAX_TEMPERATURE = 100.0
_MAX_SEED = (1 << 63) - 1
_MAX_STOPS, _MAX_STOP_CHARACTERS = 16, 256


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the loaded model and its cache can take."""

    vocabulary: int
    context_tokens: int
    kv_blocks: int


class Refusal(msgspec.Struct, frozen=True):
    """Why a request is not sent to the engine."""

    kind: ErrorKind
    words: str


def blocks_needed(prompt_tokens: int, decoding: Decoding) -> int:
    """Blocks of the KV cache that a request may come to hold, if it shares none."""
    reads = len(decoding.labels) if decoding.probabilities else 1
    new = 1 if decoding.probabilities else decoding.max_tokens
    return -(-(prompt_tokens + new) // BLOCK_TOKENS) + reads - 1


def refuse(request: Request, limits: Limits) -> Refusal | None:
    """Why `request` must not reach the engine, or None if it may."""
    words = _check_prompt(request, limits) or _check_decoding(request.decoding, limits)
    if not words and not 0 <= request.seed <= _MAX_SEED:
        words = f"seed {request.seed} is not within 63 bits"
    if words:
        return Refusal("engine_error", words)
    return _check_room(request, limits)


def _check_prompt(request: Request, limits: Limits) -> str | None:
    ids = request.prompt.token_ids if request.prompt else None
    if ids is None:
        return "it has no token ids, and the embedded engine takes nothing else"
    if not isinstance(ids, np.ndarray) or ids.ndim != 1 or ids.dtype.kind not in "iu":
        return "its token ids are no list of integers"
    if ids.size == 0:
        return "its prompt is empty"
    low, high = int(ids.min()), int(ids.max())
    if low < 0 or high >= limits.vocabulary:
        seen = low if low < 0 else high
        return f"its prompt holds token {seen}; tokens run from 0 to {limits.vocabulary - 1}"
    return None


def _check_decoding(decoding: Decoding, limits: Limits) -> str | None:
    if words := _check_numbers(decoding) or _check_stops(decoding.stop):
        return words
    if decoding.schema is None:
        return _check_labels(decoding, limits)
    if decoding.labels or decoding.probabilities:
        return "it asks for a JSON schema and for labels; the engine takes one of them"
    words = check_schema(decoding.schema)
    return f"it has {words}" if words else None


def _check_numbers(decoding: Decoding) -> str | None:
    limit, temperature, top_p = decoding.max_tokens, decoding.temperature, decoding.top_p
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        return f"max_tokens is {limit!r}; a whole number of at least 1 is needed"
    if not 0 <= temperature <= MAX_TEMPERATURE:  # NaN is not, either
        return f"temperature {temperature} is not between 0 and {MAX_TEMPERATURE:g}"
    if not 0 < top_p <= 1:
        return f"top_p {top_p} is not above 0 and up to 1"
    return None


def _check_stops(stops: tuple[str, ...]) -> str | None:
    if len(stops) > _MAX_STOPS:
        return f"there are {len(stops)} stop texts; {_MAX_STOPS} are taken"
    for stop in stops:
        if not 0 < len(stop) <= _MAX_STOP_CHARACTERS:
            allowed = f"1 to {_MAX_STOP_CHARACTERS} characters"
            return f"stop text {stop[:20]!r} has {len(stop)} characters; {allowed} are taken"
        if check_characters(stop, "a stop text"):
            return f"stop text {stop[:20]!r} has a NUL character or a lone surrogate"
    return None


def _check_labels(decoding: Decoding, limits: Limits) -> str | None:
    if decoding.probabilities and not decoding.labels:
        return "it asks for label probabilities without labels"
    texts = [label.text for label in decoding.labels]
    if len(set(texts)) != len(texts):
        return "it has the same label twice"
    for label in decoding.labels:
        if words := check_regex(literal(label.text)):
            return f"label {label.text!r} makes {words}"
        token = label.token_id
        if decoding.probabilities and (token is None or not 0 <= token < limits.vocabulary):
            return f"label {label.text!r} is not one token, so its probability cannot be read"
    return check_regex(choice_regex(texts)) if texts else None


def _check_room(request: Request, limits: Limits) -> Refusal | None:
    ids = request.prompt.token_ids if request.prompt else None
    prompt = 0 if ids is None else ids.size
    new = 1 if request.decoding.probabilities else request.decoding.max_tokens
    if prompt + new > limits.context_tokens:
        words = (
            f"its prompt of {prompt:,} tokens and {new:,} new ones exceed the model's context of "
            f"{limits.context_tokens:,}"
        )
        return Refusal("too_long", words)
    needed = blocks_needed(prompt, request.decoding)
    if needed > limits.kv_blocks:
        words = (
            f"it may need {needed:,} blocks of the KV cache, which has {limits.kv_blocks:,}; "
            "raise cache_gb"
        )
        return Refusal("too_long", words)
    return None
