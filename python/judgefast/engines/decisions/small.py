"""What the small questions took that an engine asks of its own: at the start, and in doubt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from judgefast.engines.decisions.asked import Usage


class Small(msgspec.Struct, frozen=True):
    """Sums over their replies so far."""

    told: int = 0
    """Replies that say what they took."""
    counted: int = 0
    """Those that say it in tokens."""
    priced: int = 0
    """Those that say it in money."""
    silent: int = 0
    """Replies that do not say what they took."""
    missed: int = 0
    """Questions that were sent, and no reply has come that can be read."""
    tokens_told: int = 0
    usd_told: float = 0.0
    most_tokens: int = 0
    """Of one of them."""
    most_usd: float = 0.0
    """That the server says one of them costs."""

    def add(self, usage: Usage) -> Small:
        """The sums with one more reply."""
        tokens, usd = usage.prompt_tokens, usage.usd
        is_told = tokens is not None or usd is not None
        return msgspec.structs.replace(
            self,
            told=self.told + is_told,
            silent=self.silent + (not is_told),
            counted=self.counted + (tokens is not None),
            priced=self.priced + (usd is not None),
            tokens_told=self.tokens_told + (tokens or 0),
            usd_told=self.usd_told + (usd or 0.0),
            most_tokens=max(self.most_tokens, tokens or 0),
            most_usd=max(self.most_usd, usd or 0.0),
        )

    def miss(self) -> Small:
        """The sums with one more that has no reply that can be read."""
        return msgspec.structs.replace(self, missed=self.missed + 1)

    @property
    def tokens(self) -> int:
        """Of prompts, as the server counts them; what nobody told counts as the dearest."""
        return self.tokens_told + (self.silent + self.missed) * self.most_tokens

    @property
    def usd(self) -> float | None:
        """What the server says that they cost; None where it counts tokens alone."""
        if self.priced < self.told:
            return None
        return self.usd_told + (self.silent + self.missed) * self.most_usd

    @property
    def are_billed(self) -> bool:
        """Whether every reply says what it took, all of them in tokens or all in money."""
        return not self.silent and self.told in {self.counted, self.priced}


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
