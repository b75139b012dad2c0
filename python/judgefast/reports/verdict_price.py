"""What 1,000 verdicts cost of a judge that is paid by the token: by whose word, of which day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import UNSET

from judgefast.reports.inert import line

if TYPE_CHECKING:
    from rich.table import Table

THOUSAND = 1_000

By = Literal["server", "given", "catalogue"]


class VerdictPrice(msgspec.Struct, frozen=True, kw_only=True):
    """The price of a run so far, all attempts that tell of it, by the verdicts that came of it."""

    verdicts: int
    """Judgments that were parsed."""
    usd: float | None
    """Of all attempts that tell; None where it is not known, which `unknown` explains."""
    usd_per_1000: float | None
    """None also where there is no verdict."""
    by: By | None = None
    """What the server said of each reply; what the user says of a token; a row of the catalogue."""
    prompt_tokens: int | None = None
    """As the server counts them, over all attempts; None where it does not say."""
    usd_per_million_tokens: float | None = None
    """Of prompt tokens; None where the server says what each reply costs, and where models of
    several prices have answered."""
    at_least: bool = False
    """Whether attempts failed after they were sent, or were sent again: what they took is in no
    sum, or not all of it."""
    source: str = ""
    """Provider and row of the catalogue."""
    date: str = ""
    """ISO, the day of the price, or that it is undated and when it was seen."""
    unknown: str = ""
    """Why there is no price, for a person."""


def price_row(price: VerdictPrice | msgspec.UnsetType, table: Table) -> None:
    """Add what the verdicts cost to a table, where the judge is paid by the token."""
    if price is not UNSET:
        table.add_row("price", price_words(price))


def price_words(price: VerdictPrice) -> str:
    """Say it in a line."""
    if price.usd is None:
        return f"unknown: {line(price.unknown)}"
    of_all = f"{dollars(price.usd)} so far"
    if price.usd_per_1000 is None:
        words = f"{of_all}, and no verdict"
    else:
        words = f"{dollars(price.usd_per_1000)} for 1,000 verdicts ({of_all})"
    if price.at_least:
        words = f"at least {words}; what failed after it was sent is not in it"
    if price.by == "server":
        return f"{words}, by what the server says that each reply costs ({price.date})"
    tokens = f"{price.prompt_tokens or 0:,} prompt tokens"
    rate = price.usd_per_million_tokens
    rates = "each model's own" if rate is None else dollars(rate)
    of = f"{rates} for 1 million of {tokens}"
    whose = "as given" if price.by == "given" else line(price.source)
    return f"{words}: {of}, {whose} ({line(price.date)})"


def dollars(usd: float) -> str:
    """Write an amount with two digits at least that say something.

    >>> dollars(12.5), dollars(0.1), dollars(0.00123), dollars(0)
    ('$12.50', '$0.10', '$0.0012', '$0.00')
    """
    if usd >= 1 or not usd:
        return f"${usd:,.2f}"
    whole, _, cents = f"{float(f'{usd:.2g}'):.10f}".partition(".")
    return f"${whole}.{cents.rstrip('0'):0<2}"
