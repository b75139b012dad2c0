"""What the small questions took that an engine asks of its own: at the start, and in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from judgefast.engines.decisions.asked import Usage


class Small(msgspec.Struct, frozen=True):
    """Sums over their replies so far."""

    untold: int = 0
    """Replies that do not say what they took, and questions without any that can be read."""
    is_silent: bool = False
    """Whether there is such a reply."""
    usd: float = 0.0
    """By the replies that say it in money."""
    tokens: int = 0
    """Of prompts, by those that say it in tokens alone."""
    most_tokens: int = 0
    """Of one of them all."""
    most_usd: float = 0.0
    """That the server says one of them costs."""

    def add(self, usage: Usage) -> Small:
        """The sums with one more reply."""
        tokens, usd = usage.prompt_tokens or 0, usage.usd
        is_told = usd is not None or usage.prompt_tokens is not None
        return msgspec.structs.replace(
            self,
            untold=self.untold + (not is_told),
            is_silent=self.is_silent or not is_told,
            usd=self.usd + (usd or 0.0),
            tokens=self.tokens + (tokens if usd is None else 0),
            most_tokens=max(self.most_tokens, tokens),
            most_usd=max(self.most_usd, usd or 0.0),
        )

    def miss(self) -> Small:
        """The sums with one more that has no reply that can be read."""
        return msgspec.structs.replace(self, untold=self.untold + 1)

    def cost(self, usd_per_token: float) -> float:
        """What they cost, each by its own word; what nobody told counts as the dearest. Dollars."""
        dearest = max(self.most_usd, self.most_tokens * usd_per_token)
        return self.usd + self.tokens * usd_per_token + self.untold * dearest

    @property
    def are_billed(self) -> bool:
        """Whether every reply says what it took, in tokens or in money."""
        return not self.is_silent


class SmallQuestions:
    """Takes in replies, in the loop's thread; what they come to is for any thread to read."""

    def __init__(self) -> None:
        self.sums = Small()
        """Never changed but put in place of the last ones: who reads them has all of one moment."""

    def add(self, usage: Usage) -> None:
        """Take in a reply."""
        self.sums = self.sums.add(usage)

    def missed(self) -> None:
        """Note that one was sent, and no reply has come that can be read."""
        self.sums = self.sums.miss()
