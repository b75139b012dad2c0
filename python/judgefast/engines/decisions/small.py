"""What the small questions took that an engine asks of its own: at the start, and in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.engines.decisions.asked import Usage


class SmallQuestions:
    """Sums over their replies. Added to in the loop's thread, and read from any."""

    def __init__(self) -> None:
        self._told = self._counted = self._priced = 0
        self._silent = self._missed = 0
        self._tokens = 0
        self.most_tokens = 0
        """Of one of them."""
        self.most_usd = 0.0
        """That the server says one of them costs."""
        self._usd = 0.0

    def add(self, usage: Usage) -> None:
        """Take in a reply; one that does not say what it took counts as the dearest."""
        is_told = usage.prompt_tokens is not None or usage.usd is not None
        self._told += is_told
        self._silent += not is_told
        if usage.prompt_tokens is not None:
            self._counted += 1
            self._tokens += usage.prompt_tokens
            self.most_tokens = max(self.most_tokens, usage.prompt_tokens)
        if usage.usd is not None:
            self._priced += 1
            self._usd += usage.usd
            self.most_usd = max(self.most_usd, usage.usd)

    def missed(self) -> None:
        """Note that one was sent, and no reply has come that can be read: it counts so, too."""
        self._missed += 1

    @property
    def tokens(self) -> int:
        """Of prompts, as the server counts them."""
        return self._tokens + (self._silent + self._missed) * self.most_tokens

    @property
    def usd(self) -> float | None:
        """What the server says that they cost; None where it counts tokens alone."""
        if self._priced < self._told:
            return None
        return self._usd + (self._silent + self._missed) * self.most_usd

    @property
    def are_billed(self) -> bool:
        """Whether every reply says what it took, all of them in tokens or all in money."""
        return not self._silent and self._told in {self._counted, self._priced}
