"""What the loop holds of each prompt: its token ids, its thinking, its completion."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from judgefast.engines.base import Completion, LabelRead
from judgefast.engines.http.thinking import Thought, parted
from judgefast.engines.remote.jobs import Job

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from judgefast.batches.request import Request
    from judgefast.engines.base import FinishReason

_ENDS = {"stop", "length", "refused"}
_WORD = 40


class PromptJob(Job):
    """One request whose answer is a text."""

    __slots__ = ("ids", "thought")

    def __init__(self, request: Request, started: float, clock: float) -> None:
        super().__init__(request, started, clock)
        self.ids: NDArray[np.int32] | None = request.prompt.token_ids if request.prompt else None
        """What is sent: behind the prompt, what the judge has thought. Of a judge that thinks
        first, `decoding` is a part of the request's."""
        self.thought: Thought | None = None
        """What the judge has thought before the answer that it is asked for next."""

    def too_long(self, context: int | None) -> str:
        """Why a prompt cannot fit in so many tokens; empty where it may.

        A word is at least one token.
        """
        prompt = self.request.prompt
        if context is None or prompt is None:
            return ""
        least = len(prompt.text.split()) if self.ids is None else len(self.ids)
        room = context - self.request.decoding.most_tokens
        if least <= room:
            return ""
        unit = "words" if self.ids is None else "tokens"
        return f"the prompt has {least:,} {unit}, and the judge has room for {room:,} tokens"

    def may_not_fit(self, context: int | None) -> bool:
        """Whether nothing shows that a prompt in words fits: a token is at least one byte."""
        prompt = self.request.prompt
        if self.ids is not None or prompt is None:
            return False
        most = len(prompt.text.encode("utf-8", "surrogatepass"))
        return context is None or most + self.request.decoding.most_tokens > context

    def answered(  # noqa: PLR0913 - fields of a completion, by keyword
        self,
        *,
        text: str,
        finish_reason: str,
        logprobs: tuple[float, ...] = (),
        prompt_tokens: int | None = None,
        cached_tokens: int | None = None,
        completion_tokens: int | None = None,
        reasoning_tokens: int | None = None,
        reasoning: str = "",
    ) -> Completion:
        """The completion of an answer, with what was thought before.

        Thinking that came in the text, between marks, is parted from it. Of an answer that ended in
        a way that nobody knows, it is a failure.
        """
        if finish_reason not in _ENDS:
            words = f"the answer ended by {finish_reason[:_WORD]!r}, which is not known"
            return self.failed("engine_error", words)
        if self.thought is not None:
            completion_tokens = (completion_tokens or 0) + self.thought.tokens
            reasoning, reasoning_tokens, cached_tokens = self.thought
            ids = self.request.prompt.token_ids if self.request.prompt else None
            prompt_tokens = None if ids is None else len(ids)  # without what was thought
        elif not reasoning and not logprobs:
            thinks, is_cut = self.decoding.thinking_tokens > 0, finish_reason == "length"
            reasoning, text = parted(text, is_open=thinks, is_cut=is_cut)
        return Completion(
            request_id=self.request.request_id,
            attempt=self.request.attempt,
            lane=0,
            text=text,
            finish_reason=cast("FinishReason", finish_reason),
            answers=(LabelRead(0, logprobs),) if logprobs else (),
            prompt_tokens=prompt_tokens,
            cached_tokens=cached_tokens,
            completion_tokens=completion_tokens,
            reasoning_tokens=reasoning_tokens,
            reasoning=reasoning,
            started=self.started,
            wall_seconds=time.monotonic() - self.clock,
        )
