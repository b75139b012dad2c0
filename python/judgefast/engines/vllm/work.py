"""From a request to what the process of a replica is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.engines.vllm.wire import Thinking, Work

if TYPE_CHECKING:
    from judgefast.batches.request import Request
    from judgefast.prompts.reasoning import Reasoning


def work_of(
    number: int,
    request: Request,
    reasoning: Reasoning | None,
    heads: tuple[int, ...] = (),
) -> Work:
    """Make the message for `request`.

    Args:
        number: What the process calls it.
        request: With token ids.
        reasoning: How the judge thinks.
        heads: Lengths of heads of its prompt that are computed before it.

    Raises:
        TypeError: It has no token ids, or asks a judge to think of which nobody knows how it does.

    """
    decoding = request.decoding
    if request.prompt is None or request.prompt.token_ids is None:
        message = "the engine `vllm` takes token ids, and this request has none"
        raise TypeError(message)
    thinking = None
    if decoding.thinking_tokens:
        if reasoning is None:
            message = "the engine `vllm` does not know how this judge thinks"
            raise TypeError(message)
        room = reasoning.room(decoding.thinking_tokens)
        thinking = Thinking(room, reasoning.end_ids, reasoning.closing_ids)
    return Work(
        number=number,
        ids=request.prompt.token_ids.astype("<i4", copy=False).tobytes(),
        heads=heads,
        max_tokens=decoding.max_tokens,
        temperature=decoding.temperature,
        top_p=decoding.top_p,
        stop=decoding.stop,
        stop_ids=reasoning.answer_end_ids if reasoning else (),
        schema=decoding.schema,
        labels=tuple((label.text, label.token_id) for label in decoding.labels),
        probabilities=decoding.probabilities,
        seed=request.seed & np.iinfo(np.int64).max,
        thinking=thinking,
    )
