"""Completions out of what the engine process answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from judgefast.engines.base import Completion, LabelRead

if TYPE_CHECKING:
    from judgefast.batches.request import Request
    from judgefast.engines.base import ErrorKind
    from judgefast.engines.embedded.facts import ModelFacts
    from judgefast.engines.embedded.wire import Done
    from judgefast.prompts.tokenizer import PromptTokenizer


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

    def failed(self, kind: ErrorKind, words: str) -> Completion:
        """The completion of a request that failed."""
        return msgspec.structs.replace(self._completion(), error_kind=kind, error=words)

    def cancelled(self) -> Completion:
        """The completion of a request that was given up."""
        return msgspec.structs.replace(self._completion(), finish_reason="cancelled")

    def labelled(self, logprobs: list[float], forced_tokens: int) -> Completion:
        """The completion of a request for label probabilities: its text is the likeliest label."""
        best = max(range(len(logprobs)), key=logprobs.__getitem__)
        return msgspec.structs.replace(
            self._completion(),
            finish_reason="stop",
            text=self.request.decoding.labels[best].text,
            answers=(LabelRead(0, tuple(logprobs)),),
            completion_tokens=forced_tokens,
        )

    def written(self, done: Done, facts: ModelFacts, tokenizer: PromptTokenizer) -> Completion:
        """The completion of a request for text. Marks of the model are not part of the text."""
        decoding = self.request.decoding
        ended = bool(done.tokens) and done.tokens[-1] in facts.eos_ids
        tokens = done.tokens[:-1] if ended else done.tokens
        if (decoding.schema is not None or decoding.labels) and facts.special_ids & set(tokens):
            # A grammar without a finite sentence makes the engine write token 0 for ever.
            return self.failed("engine_error", "the engine left the grammar: it wrote a mark")
        return msgspec.structs.replace(
            self._completion(),
            finish_reason="length" if done.cut else "stop",
            text=tokenizer.decode([t for t in tokens if t not in facts.special_ids]),
            completion_tokens=len(done.tokens),
        )

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
