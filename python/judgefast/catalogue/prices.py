"""Prices of a GPU-hour, each with provider, date and source: they age within weeks."""

from __future__ import annotations

import math
import statistics
from datetime import UTC, datetime, timedelta
from datetime import date as Date  # noqa: N812 - `date` is a field of a price
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

import msgspec

from judgefast.catalogue.files import find, read_rows, refuse_dates, user_file, when
from judgefast.catalogue.gpus import Gpu, read_gpus
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["on_demand", "spot"]

RECENT = timedelta(days=120)
"""Prices that are older than the newest by more are not of today."""


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """One offer: a price, or how far it lies below the provider's price on demand."""

    key: str
    provider: str
    gpu: str
    """Key of the accelerator."""
    kind: Kind
    usd: float | None = None
    """US dollars for an hour of one GPU; None where only a discount was published."""
    discount: tuple[float, float] | None = None
    """Least and most share below the price on demand, for an offer that has no price of its own."""
    gpus: int = 1
    """In the machine that was offered; its price is divided by them."""
    region: str | None = None
    tier: str | None = None
    sku: str | None = None
    """The provider's name of the machine."""
    date: str | None = None
    """ISO, the day on which it was the price; None where the source does not say."""
    seen: str | None = None
    """ISO, the day on which it was read there; not needed beside a date."""
    source: str = "given by the user"
    note: str | None = None
    is_index: bool = False
    """An average over offers of others, that nobody can order."""
    is_guide: bool = False
    """Of the guide's list, which is kept to redo the guide's arithmetic."""
    is_own: bool = False
    """From the user's file: where there is one, the package's are not reckoned with."""
    is_old: bool = False
    """From the user's file, and not of today beside the newest price that is known."""

    def __post_init__(self) -> None:
        """Refuse what is no price of a day: msgspec says in which line."""
        refuse_dates(self.date, self.seen)
        if (self.usd is None) == (self.discount is None):
            message = "give `usd`, for an hour of one GPU, or a `discount`"
            raise ValueError(message)
        if self.usd is not None and not 0 < self.usd < math.inf:
            message = f"`usd` is {self.usd}; it must be above 0"
            raise ValueError(message)
        if self.discount and not 0 <= self.discount[0] <= self.discount[1] < 1:
            message = "`discount` must be two shares below 1, the smaller one first"
            raise ValueError(message)
        if self.gpus < 1:
            message = f"`gpus` is {self.gpus}; it must be at least 1"
            raise ValueError(message)

    @property
    def when(self) -> str:
        """The date and whether that is long ago, or that there is none and when it was read."""
        return when(self.date, self.seen) + (", old" if self.is_old else "")

    def __str__(self) -> str:
        """Say it with its date, always.

        >>> str(Price(key="k", provider="P", gpu="H200-SXM", kind="spot", usd=2.5,
        ...           date="2026-11-01", seen="2026-11-26", source="s"))
        '$2.50/h (P, spot, 2026-11-01)'
        """
        return f"{self.amount} ({self.provider}, {self.kind.replace('_', ' ')}, {self.when})"

    @property
    def amount(self) -> str:
        """The price alone; whoever prints it prints `when` beside it."""
        if self.usd is not None:
            return f"${self.usd:,.2f}/h"
        low, high = self.discount or (0.0, 0.0)
        return f"{low:.0%} to {high:.0%} below on demand"


def read_prices() -> dict[str, Price]:
    """All prices by key, the user's own among them.

    Raises:
        ConfigError: A line of the user's file is not a row, its day is yet to come, or its
            accelerator is not known.

    """
    gpus = read_gpus()
    found = {
        key: price if price.gpu in gpus else _of_known_gpu(price, gpus)
        for key, price in read_rows("prices", Price, check_own).items()
    }
    newest = _newest(found.values())
    return {
        key: msgspec.structs.replace(price, is_old=True)
        if price.is_own and price.date and newest - Date.fromisoformat(price.date) > RECENT
        else price
        for key, price in found.items()
    }


def check_own(price: Price, prices: Mapping[str, Price]) -> None:
    """Refuse a price of a day that is yet to come: by the clock, and by the package's own prices.

    Raises:
        ValueError: Says which field.

    """
    package = [each for each in prices.values() if not each.is_own]
    # Somewhere it is tomorrow; and the clock of a machine may be slow.
    latest = max(datetime.now(UTC).date(), _newest(package)) + timedelta(days=1)
    for name in ("date", "seen"):
        day = getattr(price, name)
        if day is not None and Date.fromisoformat(day) > latest:
            message = f"`{name}` is {day}, a day that is yet to come"
            raise ValueError(message)


def _newest(prices: Iterable[Price]) -> Date:
    return max((Date.fromisoformat(each.date) for each in prices if each.date), default=Date.min)


def _of_known_gpu(price: Price, gpus: dict[str, Gpu]) -> Price:
    """Bring a short name of the user's own file to the key."""
    try:
        return msgspec.structs.replace(price, gpu=find("GPU", price.gpu, gpus).key)
    except ConfigError as error:
        message = f"`{user_file('prices')}`, the price `{price.key}`: {error}"
        raise ConfigError(message, hint=error.hint) from None


def prices_of(
    gpu: str | None = None, kind: Kind | None = None, provider: str | None = None
) -> list[Price]:
    """Offers for an accelerator, the newest first, those without a date last.

    Args:
        gpu: Its key; None for all.
        kind: On demand or spot; None for both.
        provider: In any capitals; None for all.

    """
    found = [
        price
        for price in read_prices().values()
        if gpu in {None, price.gpu}
        and kind in {None, price.kind}
        and (provider is None or provider.casefold() == price.provider.casefold())
    ]
    return sorted(found, key=lambda price: price.date or "", reverse=True)


def price_of(gpu: str, kind: Kind = "on_demand", provider: str | None = None) -> Price:
    """Choose the offer to reckon with: the middle one of today, of all or of one provider.

    Args:
        gpu: Key of the accelerator.
        kind: On demand or spot.
        provider: In any capitals; None for the middle over providers. One that is known to have
            spot machines alone is reckoned with at its spot price, which says so.

    Raises:
        ConfigError: No price of it is known; the message names the providers that have one.

    """
    offers = _offers(gpu, kind, provider)
    if provider is not None and not offers and kind == "on_demand":
        offers = _offers(gpu, "spot", provider)
        kind = "spot" if offers else kind
    today = typical(gpu, kind, provider)
    if today is not None:
        return today[1]
    if offers:  # none of them is dated
        return _middle(offers)
    others = sorted({price.provider for price in _offers(gpu, kind, None)})
    of = f" of `{provider}`" if provider else ""
    message = f"no price{of} for {gpu} {kind.replace('_', ' ')} is known"
    close = get_close_matches(provider or "", others, n=1, cutoff=0.4)
    hint = f"providers: {', '.join(others)}" if others else "say --price USD, for a GPU-hour"
    raise ConfigError(message, hint=f"did you mean `{close[0]}`?" if close else hint)


def typical(gpu: str, kind: Kind, provider: str | None = None) -> tuple[Price, Price, Price] | None:
    """Return the least, the middle and the highest offer of today.

    Of today are those of the 120 days up to the newest one. The middle one is the median of
    providers, each by its own median, so that a provider with many regions counts once. Where the
    user's own file has offers, they alone count.

    Returns:
        Offers with a price and a date; None where there is none.

    """
    dated = [
        (Date.fromisoformat(price.date), price)
        for price in _offers(gpu, kind, provider)
        if price.date is not None
    ]
    if not dated:
        return None
    newest = max(day for day, _ in dated)
    recent = [price for day, price in dated if newest - day <= RECENT]
    by_provider: dict[str, list[Price]] = {}
    for price in recent:
        by_provider.setdefault(price.provider, []).append(price)
    middles = [_middle(offers) for offers in by_provider.values()]
    return min(recent, key=_usd), _middle(middles), max(recent, key=_usd)


def _offers(gpu: str, kind: Kind, provider: str | None) -> list[Price]:
    """Prices that can be ordered at, the newest first; the user's own alone where there are any."""
    found = [
        price
        for price in prices_of(gpu, kind, provider)
        if price.usd is not None and not price.is_index and not price.is_guide
    ]
    return [price for price in found if price.is_own] or found


def _middle(prices: list[Price]) -> Price:
    """Offer at the lower median."""
    middle = statistics.median_low([_usd(price) for price in prices])
    return next(price for price in prices if _usd(price) == middle)


def _usd(price: Price) -> float:
    return price.usd or 0.0
