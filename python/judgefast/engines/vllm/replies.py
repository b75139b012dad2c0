"""Completions out of what the process of a replica answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from judgefast.engines.base import Completion, LabelRead

if TYPE_CHECKING:
    from judgefast.batches.request import Request
    from judgefast.engines.base import ErrorKind
    from judgefast.engines.vllm.wire import Done
    from judgefast.prompts.model_folder import ModelFolder


class Pending(msgspec.Struct, frozen=True):
    """A request that was submitted and not yet answered."""

    request: Request
    lane: int
    started: float
    """Unix time."""
    clock: float
    """Monotonic time of the same moment."""

    @classmethod
    def now(cls, request: Request, lane: int) -> Pending:
        """Note that `request` was submitted this moment."""
        return cls(request, lane, time.time(), time.monotonic())

    def on(self, lane: int) -> Pending:
        """The same request on another replica."""
        return msgspec.structs.replace(self, lane=lane)

    def failed(self, kind: ErrorKind, words: str) -> Completion:
        """The completion of a request that failed."""
        return msgspec.structs.replace(self._completion(), error_kind=kind, error=words)

    def answered(self, done: Done, folder: ModelFolder) -> Completion:
        """The completion of a request that vLLM has ended."""
        if done.cancelled:
            return msgspec.structs.replace(self._completion(), finish_reason="cancelled")
        if done.error is not None:
            return self.failed("too_long" if done.too_long else "engine_error", done.error)
        thought = np.frombuffer(done.thought, "<i4").tolist()
        common = {
            "cached_tokens": done.cached_tokens,
            "reasoning": self._spoken(thought, folder) if thought else "",
            "reasoning_tokens": done.thought_tokens,
        }
        if done.logprobs is not None:
            best = max(range(len(done.logprobs)), key=done.logprobs.__getitem__)
            return msgspec.structs.replace(
                self._completion(),
                finish_reason="stop",
                text=self.request.decoding.labels[best].text,
                answers=(LabelRead(0, tuple(done.logprobs)),),
                completion_tokens=1,
                **common,
            )
        tokens = np.frombuffer(done.tokens, "<i4").tolist()
        text = self._text(done, tokens, folder)
        is_label = text in {label.text for label in self.request.decoding.labels}
        return msgspec.structs.replace(
            self._completion(),
            # A label is whole, though the limit came before the token that ends it.
            finish_reason="length" if done.cut and not is_label else "stop",
            text=text,
            completion_tokens=len(tokens) + (done.thought_tokens or 0),
            **common,
        )

    def _text(self, done: Done, tokens: list[int], folder: ModelFolder) -> str:
        if done.text is not None:
            return done.text
        if tokens and tokens[-1] in folder.eos_ids:
            tokens = tokens[:-1]
        return self._spoken(tokens, folder)

    def _spoken(self, tokens: list[int], folder: ModelFolder) -> str:
        """Text of tokens without control tokens, but for the marks around thinking aloud."""
        tokenizer, reasoning = folder.model.tokenizer, folder.model.reasoning
        if tokenizer is None:
            message = "a model without a tokenizer has no texts"
            raise TypeError(message)
        dropped = tokenizer.control_ids - frozenset(reasoning.text_ids if reasoning else ())
        return tokenizer.decode([one for one in tokens if one not in dropped])

    def _completion(self) -> Completion:
        request = self.request
        ids = request.prompt.token_ids if request.prompt else None
        return Completion(
            request_id=request.request_id,
            attempt=request.attempt,
            lane=self.lane,
            text="",
            finish_reason="error",
            prompt_tokens=None if ids is None else int(np.size(ids)),
            started=self.started,
            wall_seconds=time.monotonic() - self.clock,
        )
