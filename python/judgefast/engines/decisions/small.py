"""What the small questions took that an engine asks of its own: at the start, and in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.engines.decisions.asked import Usage


class SmallQuestions:
    """Sums over their replies. Added to in the loop's thread, and read from any."""

    def __init__(self) -> None:
        self._replies = self._counted = self._priced = 0
        self.tokens = 0
        """Of prompts, as the server counts them."""
        self.most_tokens = 0
        """Of one of them."""
        self.most_usd = 0.0
        """That the server says one of them costs."""
        self._usd = 0.0

    def add(self, usage: Usage) -> None:
        """Take in a reply."""
        self._replies += 1
        if usage.prompt_tokens is not None:
            self._counted += 1
            self.tokens += usage.prompt_tokens
            self.most_tokens = max(self.most_tokens, usage.prompt_tokens)
        if usage.usd is not None:
            self._priced += 1
            self._usd += usage.usd
            self.most_usd = max(self.most_usd, usage.usd)

    @property
    def usd(self) -> float | None:
        """What the server says that they cost; None where a reply does not say."""
        return self._usd if self._priced == self._replies else None

    @property
    def are_billed(self) -> bool:
        """Whether every reply says what it took, in tokens or in money."""
        return self._replies in {self._counted, self._priced}
