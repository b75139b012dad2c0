"""At which prices an estimate is priced: the user's own, else today's offers of the catalogue."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

import msgspec

from judgefast.catalogue.prices import prices_of, typical
from judgefast.costs.estimates import Money
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from judgefast.catalogue.gpus import Gpu
    from judgefast.costs.ranges import Range

Level = Literal["lowest", "middle", "highest"]
_LEVELS: tuple[Level, ...] = ("lowest", "middle", "highest")


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A price of one GPU for an hour."""

    usd: float
    kind: Literal["on_demand", "spot", "given"]
    provider: str | None = None
    date: str | None = None
    source: str | None = None
    level: Level | None = None

    def money(self, gpu_hours: Range) -> Money:
        """What so many GPU-hours cost."""
        return Money(
            usd=gpu_hours.times(self.usd),
            usd_per_gpu_hour=self.usd,
            kind=self.kind,
            provider=self.provider,
            date=self.date,
            source=self.source,
            level=self.level,
        )


def offers_of(
    gpu: Gpu, *, price: float | None = None, provider: str | None = None
) -> tuple[Offer, ...]:
    """The prices to name, on demand first.

    Args:
        gpu: That is rented.
        price: The user's own, which wins.
        provider: Whose offers count; None for all.

    Returns:
        Nothing where no dated offer is known.

    Raises:
        ConfigError: The provider has no dated offer for it; the hint names those that have.

    """
    if price is not None:
        return (Offer(usd=price, kind="given"),)
    found: list[Offer] = []
    for kind in ("on_demand", "spot"):
        three = typical(gpu.key, kind, provider)
        if three is None:
            continue
        seen: set[str] = set()
        for level, one in zip(_LEVELS, three, strict=True):
            if one.key not in seen and one.usd is not None:
                seen.add(one.key)
                offer = Offer(
                    usd=one.usd,
                    kind=one.kind,
                    provider=one.provider,
                    date=one.when,
                    source=one.source,
                    level=level,
                )
                found.append(offer)
    if provider is not None and not found:
        _refuse(gpu, provider)
    return tuple(found)


def _refuse(gpu: Gpu, provider: str) -> None:
    known = sorted({price.provider for price in prices_of(gpu.key) if price.usd and price.date})
    close = get_close_matches(provider, known, n=1)
    msg = f"no dated price of `{provider}` for {gpu.key} is known"
    hint = "give your own, as in --price 3.50"
    if known:
        hint = f"did you mean `{close[0]}`?" if close else f"known are: {', '.join(known)}"
    raise ConfigError(msg, hint=hint)
