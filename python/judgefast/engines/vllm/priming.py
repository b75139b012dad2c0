"""Heads of prompts that are computed ahead, for models with sliding-window layers.

Such a layer forgets what is behind its window, so vLLM keeps its cache at few places of a prompt:
at its end, and where two prompts that it has seen part. The first two requests that share a head
would both compute it. A request of the head alone, queued just before them, keeps its end; every
later one finds it (`docs/vllm.md`, tests/engines/vllm/real/test_loading.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.batches.request import common_tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from judgefast.batches.request import Request

LEAST_TOKENS = 64
"""A head that saves fewer costs a request as much as it gives."""


def needs_priming(facts: Mapping[str, Any]) -> bool:
    """Whether vLLM, as it has started, keeps heads of a sliding model at few places only.

    Args:
        facts: Settings in force. Releases without `prefix_cache_retention_interval`, and those
            where it is None, keep all.

    """
    return (
        bool(facts.get("enable_prefix_caching"))
        and facts.get("prefix_cache_retention_interval") == 0
        and not facts.get("disable_hybrid_kv_cache_manager")
    )


class Primer:
    """Says, for each request of a replica, which heads of it are computed first."""

    def __init__(self, block: int) -> None:
        """Share whole blocks of so many tokens."""
        self._block = block
        self._known: list[NDArray[np.int32]] = []
        """Heads that were computed ahead and still begin what comes: each begins the next."""

    def forget(self) -> None:
        """The cache is empty: the process is a new one."""
        self._known.clear()

    def heads(self, requests: Sequence[Request]) -> list[tuple[int, ...]]:
        """Lengths to compute before each of some requests, which enter in this order.

        The run's own head, and what a request shares with the one after it, where that is longer:
        with the next of these, and of the last with the prompt that its maker says comes next,
        since a run hands requests over as there is room for them, often one.
        """
        prompts = [_ids(request) for request in requests]
        found = []
        for place, ids in enumerate(prompts):
            while self._known and common_tokens(self._known[-1], ids) < len(self._known[-1]):
                self._known.pop()
            lengths: list[int] = []
            shared = _shared(requests[place])
            following = requests[place].next_ids
            if place + 1 < len(prompts):
                following = prompts[place + 1]
            common = 0 if following is None else common_tokens(ids, following)
            for length in (shared, common):
                whole = min(length, len(ids) - 1) // self._block * self._block
                done = len(self._known[-1]) if self._known else 0
                if whole - done >= max(LEAST_TOKENS, self._block):
                    self._known.append(ids[:whole])
                    lengths.append(whole + 1)  # the last token of a prompt is never cached
            found.append(tuple(lengths))
        return found


def _ids(request: Request) -> NDArray[np.int32]:
    prompt = request.prompt
    ids = None if prompt is None else prompt.token_ids
    return np.zeros(0, np.int32) if ids is None else ids


def _shared(request: Request) -> int:
    return 0 if request.prompt is None else request.prompt.shared_tokens
