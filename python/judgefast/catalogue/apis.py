"""Judges that are paid by the token: decision endpoints, and models that write their verdict."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from judgefast.catalogue.files import find, read_rows, refuse_dates, when


class Api(msgspec.Struct, frozen=True, kw_only=True):
    """One model at one provider. None is a price that no source was found for."""

    key: str
    name: str
    provider: str
    kind: Literal["decision", "tokens"]
    """Typed answers from one forward pass, or a text that is written."""
    usd_input: float | None = None
    """US dollars for 1 million tokens of prompts, as all prices here."""
    usd_output: float | None = None
    """Of written tokens, thinking among them."""
    usd_cached: float | None = None
    """Of prompt tokens that are found in the provider's cache; None: as any other."""
    usd_cache_write: float | None = None
    """Of prompt tokens that are put there, where that costs more."""
    batch: float | None = None
    """Share of these prices that a batch costs, which may take a day."""
    model: str | None = None
    """Key of the same weights among our models."""
    served: list[str] = []
    """Names by which its endpoint is asked, and says that it has answered."""
    hosts: list[str] = []
    """Domains of the provider's own endpoint: another host asks a price of its own. Empty: whoever
    serves a model of these names."""
    date: str | None = None
    """ISO, the day on which it was the price; None where the source does not say."""
    seen: str | None = None
    """ISO, the day on which it was read there; not needed beside a date."""
    source: str = "given by the user"
    note: str | None = None

    def __post_init__(self) -> None:
        """Refuse what is no price of a day: msgspec says in which line."""
        refuse_dates(self.date, self.seen)
        prices = (self.usd_input, self.usd_output, self.usd_cached, self.usd_cache_write)
        if any(usd is not None and not 0 <= usd < math.inf for usd in prices):
            message = "a price must be at least 0"
            raise ValueError(message)
        if self.batch is not None and not 0 < self.batch <= 1:
            message = f"`batch` is {self.batch}; it must be a share above 0 and at most 1"
            raise ValueError(message)

    @property
    def names(self) -> list[str]:
        """Other names that it is known by."""
        return [self.name]

    @property
    def when(self) -> str:
        """The date, or that there is none and when it was read."""
        return when(self.date, self.seen)

    def usd(
        self, prompt_tokens: float, written_tokens: float, *, cached: float = 0
    ) -> float | None:
        """Price so much work; None where a price that it takes is not known.

        Args:
            prompt_tokens: Of all requests, those in the provider's cache among them.
            written_tokens: Of all answers, thinking among them.
            cached: Prompt tokens of these that lie in the provider's cache.

        >>> jev = Api(key="j", name="J", provider="P", kind="decision", usd_input=0.042,
        ...           usd_output=0.0, seen="2026-11-26", source="s")
        >>> jev.usd(25e6, 10_000)
        1.05

        """
        if self.usd_input is None or (self.usd_output is None and written_tokens):
            return None
        from_cache = self.usd_input if self.usd_cached is None else self.usd_cached
        paid = (prompt_tokens - cached) * self.usd_input + cached * from_cache
        return (paid + written_tokens * (self.usd_output or 0.0)) / 1e6


def read_apis() -> dict[str, Api]:
    """All of them by key, the user's own among them.

    Raises:
        ConfigError: A line of the user's file is not a row.

    """
    return read_rows("apis", Api)


def find_api(name: str) -> Api:
    """Find one by its key or name.

    Raises:
        ConfigError: None has that name; the message says which are alike.

    """
    return find("API", name, read_apis())
