"""Tokens as a server counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.prompts.tokenizer import PromptTokenizer


class _PromptDetails(msgspec.Struct, gc=False):
    cached_tokens: int | None = None


class _CompletionDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None


class Usage(msgspec.Struct, gc=False):
    """`usage` of a reply: sums over all its prompts."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None

    @property
    def cached(self) -> int | None:
        """Prompt tokens that were in the cache; of one prompt only, a list's is no sum."""
        return self.prompt_tokens_details.cached_tokens if self.prompt_tokens_details else None

    @property
    def reasoning(self) -> int | None:
        """Tokens of thinking aloud."""
        details = self.completion_tokens_details
        return details.reasoning_tokens if details else None


def shared(
    usage: Usage, texts: Sequence[str], tokenizer: PromptTokenizer | None
) -> Sequence[int | None]:
    """Generated tokens of each text of a list.

    The server counts them together. Each gets as many as its text has by the tokenizer, and what is
    left over (ends of turns, spellings of one text in other tokens) goes to the last, so that the
    sum is the server's.
    """
    total = usage.completion_tokens
    if total is None or len(texts) == 1:
        return [total] * len(texts)
    if total == len(texts):
        return [1] * len(texts)
    if tokenizer is None:
        return [None] * len(texts)
    counts: list[int | None] = []
    left = total
    for text in texts[:-1]:
        count = min(left, len(tokenizer.encode_trusted(text)) + 1)
        counts.append(count)
        left -= count
    return [*counts, left]
