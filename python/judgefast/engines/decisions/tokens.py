"""Whether a state fits, before it is sent: a server that cuts it says nothing, or too late.

Counted is what we know: the state as JSON, and the texts of the longest question. What the server
writes around them is its own, so that a count within the limit proves nothing to the last token.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from judgefast.engines.decisions.asked import Ask
    from judgefast.prompts.questions import Question
    from judgefast.prompts.tokenizer import PromptTokenizer

BYTES_A_TOKEN = 3
"""Of UTF-8, where no tokenizer is known: fewer than most texts have, one character of Chinese say,
so that it counts too many tokens."""
AROUND = 64
"""Tokens that a server which cuts silently is taken to write around a state and a question."""


class Limit(NamedTuple):
    """What a state and its longest question may have together."""

    tokens: int | None
    """None: nobody says."""
    is_told: bool
    """Whether it is a rule of the server or the user's, not only what a model can hold."""
    cuts_silently: bool


class Lengths:
    """Measures states.

    Args:
        limit: What may be.
        tokenizer: The judge's, where it is known.
        counts_each: Whether the server counts the state once for each question.

    """

    def __init__(
        self, limit: Limit, tokenizer: PromptTokenizer | None, *, counts_each: bool = False
    ) -> None:
        self._limit, self._tokenizer = limit, tokenizer
        self._counts_each = counts_each
        self._of_questions: dict[Question, int] = {}
        self.unchecked = 0
        """Requests of which nothing shows that they fit."""

    def too_long(self, state: Mapping[str, str], questions: Sequence[Question]) -> str:
        """Why a request cannot fit; empty where it may."""
        limit = self._limit.tokens
        if limit is None:
            self.unchecked += 1
            return ""
        # With all that is not ASCII written as escapes, which is the longest that it can get.
        most = len(json.dumps(state)) + max(map(_escaped, questions))
        if most + AROUND <= limit:  # a token is at least one byte
            return ""
        if self._tokenizer is None:
            self.unchecked += 1
            return self._by_bytes(limit, state, questions)
        tokens = self._tokens([_sent(state)]) + max(map(self._of_question, questions))
        tokens += AROUND if self._limit.cuts_silently else 0
        if tokens <= limit:
            return ""
        return f"state and longest question have {tokens:,} tokens, and {limit:,} may be"

    def _by_bytes(self, limit: int, state: Mapping[str, str], questions: Sequence[Question]) -> str:
        """A guard where a server would cut without a word, and a rule says where."""
        size = _size(_sent(state)) + max(map(_bytes, questions))
        is_on = self._limit.cuts_silently and self._limit.is_told
        if not is_on or size <= limit * BYTES_A_TOKEN:
            return ""
        return (
            f"state and longest question have {size:,} bytes: at {BYTES_A_TOKEN} a token, more "
            f"than the {limit:,} tokens that the server reads before it cuts"
        )

    def guess(self, state: Mapping[str, str], asks: Sequence[Ask]) -> float:
        """Tokens of a request as the server counts them, about."""
        times = len(asks) if self._counts_each else 1
        size = times * sum(map(_size, state.values())) + sum(_bytes(ask.question) for ask in asks)
        return size / BYTES_A_TOKEN

    def _of_question(self, question: Question) -> int:
        if question not in self._of_questions:
            self._of_questions[question] = self._tokens(_texts(question))
        return self._of_questions[question]

    def _tokens(self, texts: Iterable[str]) -> int:
        assert self._tokenizer is not None  # asked by the callers
        # As text: where a control token would be one it has been defused, elsewhere it is more.
        return sum(self._tokenizer.token_ends(text).size for text in texts)


def _texts(question: Question) -> list[str]:
    options = (text for option in question.options for text in (option.text, option.meaning))
    return [question.instructions, *options]


def _sent(state: Mapping[str, str]) -> str:
    """A state as servers are sent it, and as most of them show it to their models."""
    return json.dumps(state, ensure_ascii=False)


@lru_cache(maxsize=1024)
def _escaped(question: Question) -> int:
    return len(json.dumps(_texts(question)))


@lru_cache(maxsize=1024)
def _bytes(question: Question) -> int:
    return sum(map(_size, _texts(question)))


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
