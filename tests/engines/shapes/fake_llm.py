"""vLLM's in-process surface over no model: requests are added, and a step brings some to an end."""

from __future__ import annotations

import math
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from .opinion import opinion, spread

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BLOCK = 16
"""Tokens of a cached block."""


@cache
def _tokenizer(path: str) -> Tokenizer:
    return Tokenizer.from_file(path)


class FakeLLM:
    """Runs `slots` requests at a time, each for one to three steps, with a prefix cache."""

    def __init__(
        self, tokenizer: Path, *, slots: int = 4, max_model_len: int = 4096, dies_after: int = -1
    ) -> None:
        self.tokenizer = _tokenizer(str(tokenizer))
        self.max_model_len = max_model_len
        self._slots = slots
        self._left = dies_after
        self._running: dict[str, tuple[list[int], Any, int]] = {}
        self._blocks: set[tuple[int, ...]] = set()

    def add_request(self, request_id: str, prompt: dict[str, Any], params: Any) -> None:
        ids = list(prompt["prompt_token_ids"])
        if len(ids) + params.max_tokens > self.max_model_len:
            msg = f"the prompt has {len(ids)} tokens; {self.max_model_len} fit with the completion"
            raise ValueError(msg)
        self._running[request_id] = (ids, params, 1 + sum(ids) % 3)

    def abort_request(self, request_ids: Sequence[str]) -> None:
        for request_id in request_ids:
            self._running.pop(request_id, None)

    def has_unfinished_requests(self) -> bool:
        return bool(self._running)

    def step(self) -> list[SimpleNamespace]:
        finished = []
        for request_id, (ids, params, steps) in list(self._running.items())[: self._slots]:
            if self._left == 0:
                msg = "CUDA error: an illegal memory access was encountered"
                raise RuntimeError(msg)
            self._running[request_id] = (ids, params, steps - 1)
            if steps == 1:
                self._left -= 1
                del self._running[request_id]
                finished.append(self._output(request_id, ids, params))
        return finished

    def _output(self, request_id: str, ids: list[int], params: Any) -> SimpleNamespace:
        text = opinion(self.tokenizer.decode(ids, skip_special_tokens=False))
        logprobs = None
        if params.logprob_token_ids:
            tokens = list(params.logprob_token_ids)
            place = tokens.index(self.tokenizer.encode(text).ids[0])
            shares = spread(place, len(tokens))
            found = zip(tokens, map(math.log, shares), strict=True)
            logprobs = [{token: SimpleNamespace(logprob=value) for token, value in found}]
        said = SimpleNamespace(text=text, token_ids=[0], finish_reason="stop", logprobs=logprobs)
        return SimpleNamespace(
            request_id=request_id,
            finished=True,
            prompt_token_ids=ids,
            num_cached_tokens=self._cached(ids),
            outputs=[said],
        )

    def _cached(self, ids: list[int]) -> int:
        heads = [tuple(ids[:end]) for end in range(BLOCK, len(ids), BLOCK)]
        hits = sum(head in self._blocks for head in heads)
        self._blocks.update(heads)
        return hits * BLOCK
