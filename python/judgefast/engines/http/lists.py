"""How many prompts go in one request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.prompts.decoding import Decoding

SHORT_ANSWER = 16
"""Tokens up to which lists are not streamed: their answers end at much the same time."""

LIST_TOKENS = 1024
"""Tokens that the longer answers of one list may have together: a request that is lost takes them
with it, as far as they are not whole yet."""

_ANY = 1 << 60
_LEAST = 4
"""Fewer prompts go alone: as streams their answers cost vLLM more than their common request saves,
where they come to more than some 128 tokens."""


class Lists:
    """The length of lists.

    Args:
        size: Most prompts in one.
        is_streamed: Whether longer answers of a list are taken one by one as they end.
        expected: Requests that will come, where that is known.

    """

    def __init__(self, size: int, *, is_streamed: bool, expected: int | None = None) -> None:
        self.size = size
        self._is_streamed = is_streamed
        self._expected = _ANY if expected is None else expected

    def came(self, requests: int) -> None:
        """Note that so many have come."""
        self._expected -= requests

    def streams(self, decoding: Decoding, prompts: int) -> bool:
        """Whether so many prompts of one decoding are answered by a stream."""
        return self._is_streamed and prompts > 1 and not is_short(decoding)

    def longest(self, decoding: Decoding) -> int:
        """Prompts of a whole list: fewer with longer answers."""
        if decoding.temperature > 0 or decoding.thinking_tokens:  # a seed, or two requests, of each
            return 1
        if is_short(decoding):
            return self.size
        most = min(self.size, LIST_TOKENS // decoding.max_tokens)
        return most if self._is_streamed and most >= min(_LEAST, self.size) else 1

    def most(self, decoding: Decoding, *, waiting: int, servers: int) -> int:
        """How many prompts may go together.

        A whole list, and fewer towards the end of a run, when what is left has to be spread: a list
        then holds back its prompts while others have nothing to do.

        Args:
            decoding: Theirs.
            waiting: Prompts that wait, the first one among them.
            servers: That are there.

        """
        shares = servers if self._expected > 0 else 2 * servers
        return max(1, min(self.longest(decoding), -(-waiting // shares)))


def is_short(decoding: Decoding) -> bool:
    """Whether an answer is soon there."""
    return decoding.max_tokens <= SHORT_ANSWER
