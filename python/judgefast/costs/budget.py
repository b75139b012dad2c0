"""A budget: an amount of judgments, tokens, GPU-hours or money that a run stays within."""

from __future__ import annotations

import math
import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

Unit = Literal["judgments", "tokens", "gpu_hours", "usd"]
UNITS: tuple[Unit, ...] = get_args(Unit)

NO_BUDGET = "none"
"""Takes the budget of a run away."""

HINT = "as in --budget 5usd, 10000judgments, 3gpu-hours or 2Mtokens"

_COUNTED: tuple[Unit, ...] = ("judgments", "tokens")
_AMOUNT = re.compile(
    r"(?P<money>(?:us)?\$)?\s*(?P<number>-?[0-9][0-9_,]*(?:\.[0-9]+)?|\.[0-9]+)\s*(?P<unit>.*)",
    re.IGNORECASE | re.ASCII,
)
_THOUSANDS = {"k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9}

_ROUNDED_DIGITS = 2
"""Of an amount that is rounded up."""

_NAMES: dict[str, tuple[Unit, float]] = {
    "usd": ("usd", 1.0),
    "us$": ("usd", 1.0),
    "$": ("usd", 1.0),
    "dollar": ("usd", 1.0),
    "dollars": ("usd", 1.0),
    "judgment": ("judgments", 1.0),
    "judgments": ("judgments", 1.0),
    "judgement": ("judgments", 1.0),
    "judgements": ("judgments", 1.0),
    "token": ("tokens", 1.0),
    "tokens": ("tokens", 1.0),
    "gpu-hour": ("gpu_hours", 1.0),
    "gpu-hours": ("gpu_hours", 1.0),
    "gpu-h": ("gpu_hours", 1.0),
    "gpuh": ("gpu_hours", 1.0),
    "gpu-minute": ("gpu_hours", 1 / 60),
    "gpu-minutes": ("gpu_hours", 1 / 60),
    "gpu-min": ("gpu_hours", 1 / 60),
}
_MEANT = {
    **dict.fromkeys(("h", "hour", "hours", "hr", "hrs"), "gpu-hours"),
    **dict.fromkeys(("min", "mins", "minute", "minutes"), "gpu-minutes"),
    **dict.fromkeys(("eur", "euro", "euros", "gbp", "cent", "cents", "money"), "usd"),
    **dict.fromkeys(("item", "items", "pairs", "requests", "verdicts"), "judgments"),
}
"""Units that a budget has not, and the nearest that it has."""


class Budget(msgspec.Struct, frozen=True):
    """An amount that a run stays within, over all its starts."""

    amount: float
    """Above 0; whole where judgments or tokens are counted."""
    unit: Unit

    def __str__(self) -> str:
        """As `parse_budget` takes it.

        >>> str(Budget(5.0, "usd")), str(Budget(2e6, "tokens"))
        ('5usd', '2000000tokens')
        """
        unit = self.unit.replace("_", "-")
        return f"{self.amount:.0f}{unit}" if self.is_counted else f"{self.amount:.10g}{unit}"

    @property
    def is_counted(self) -> bool:
        """Whether it is a whole number of things."""
        return self.unit in _COUNTED

    @property
    def words(self) -> str:
        """For a person.

        >>> Budget(5.0, "usd").words, Budget(1e4, "judgments").words, Budget(0.5, "gpu_hours").words
        ('$5.00', '10,000 judgments', '0.5 GPU-hours')
        """
        return amount_words(self.amount, self.unit)


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What a run has spent, over all its starts, in every unit that a budget may have."""

    judgments: int = 0
    """That were asked, each once however often."""
    tokens: int | None = 0
    """Of prompts, cached ones included, and of answers, over all attempts; None where neither the
    engine nor the plan counts those of prompts."""
    gpu_hours: float = 0.0
    """All GPUs, from the start of the program to its end."""
    usd: float | None = None
    """None where no price is known."""
    unseen_usd: float = 0.0
    """The most that may have been paid beside that by the token, for what was sent and of which no
    reply has told what it took."""

    def of(self, unit: Unit) -> float:
        """In one unit; 0 where it is not known."""
        return float(getattr(self, unit) or 0.0)


def amount_words(amount: float, unit: Unit) -> str:
    """Write an amount for a person: money to the cent, or to four digits where that says nothing.

    >>> amount_words(0.00123, "usd"), amount_words(1, "judgments"), amount_words(1.23456, "usd")
    ('$0.00123', '1 judgment', '$1.23')
    >>> amount_words(0.1, "usd"), amount_words(1e-6, "usd"), amount_words(1, "gpu_hours")
    ('$0.10', '$0.000001', '1 GPU-hour')
    """
    if unit == "usd":
        if amount == 0 or amount >= 1 or round(amount, 2) == amount:
            return f"${amount:,.2f}"
        short = f"{amount:.4g}"
        return f"${short}" if "e" not in short else f"${amount:.10f}".rstrip("0")
    if unit == "gpu_hours":
        return f"{amount:,.4g} GPU-hour{'' if amount == 1 else 's'}"
    return f"{amount:,.0f} {unit if amount != 1 else unit.removesuffix('s')}"


def rounded_up(amount: float) -> float:
    """With two digits, no less.

    >>> rounded_up(9.31), rounded_up(123456), rounded_up(0.00123)
    (9.4, 130000.0, 0.0013)
    """
    if not amount:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(amount)) - _ROUNDED_DIGITS + 1)
    return float(f"{math.ceil(amount / step - 1e-9) * step:.{_ROUNDED_DIGITS}g}")


def parse_budget(text: str) -> Budget:
    """Read one budget.

    >>> parse_budget("$5"), parse_budget("2Mtokens")
    (Budget(amount=5.0, unit='usd'), Budget(amount=2000000.0, unit='tokens'))

    Args:
        text: A number and its unit: `5usd`, `$5`, `10k judgments`, `3gpu-hours`, `30gpu-minutes`,
            `2Mtokens`. `k`, `M` and `G` are thousands of what is counted, and of money.

    Raises:
        ConfigError: It is none; the message names the nearest unit.

    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise _refused(text, "it is no amount and unit")
    number = float(found["number"].replace(",", "").replace("_", ""))
    unit, factor = _unit(text, found["unit"].strip(), is_money=bool(found["money"]))
    amount = number * factor
    if not 0 < amount < math.inf:
        raise _refused(text, "it must be above 0")
    if unit in _COUNTED:
        whole = round(amount)
        if abs(whole - amount) > 1e-6 * amount or not whole:
            raise _refused(text, f"it is no whole number of {unit}")
        amount = float(whole)
    return Budget(amount, unit)


def parse_budgets(texts: Iterable[str]) -> tuple[Budget, ...]:
    """Read several budgets: the first that is reached stops a run.

    Args:
        texts: As for `parse_budget`; `none` alone is no budget.

    Raises:
        ConfigError: One is none, or `none` stands beside another.

    """
    texts = list(texts)
    is_none = [text.strip().lower() == NO_BUDGET for text in texts]
    if is_none == [True]:
        return ()
    if any(is_none):
        msg = f"`{NO_BUDGET}` stands beside a budget"
        raise ConfigError(msg, hint=f"give --budget {NO_BUDGET} alone, or leave it out")
    return tuple(parse_budget(text) for text in texts)


def _unit(text: str, said: str, *, is_money: bool) -> tuple[Unit, float]:
    """The unit of a budget, and how much of it what was said is."""
    name = re.sub(r"[\s_]+", "-", said.lower())
    if is_money:
        if name in {"", "usd"}:
            return "usd", 1.0
        if name in _THOUSANDS:
            return "usd", _THOUSANDS[name]
        raise _refused(text, f"money has no unit `{said}`")
    if not name:
        raise _refused(text, "it has no unit")
    if name in _NAMES:
        return _NAMES[name]
    short, rest = _THOUSANDS.get(name[0]), name[1:].lstrip("-")
    if short is not None and rest in _NAMES and _NAMES[rest][0] != "gpu_hours":
        return _NAMES[rest][0], short * _NAMES[rest][1]
    near = _MEANT.get(name) or next(iter(get_close_matches(name, _NAMES, n=1)), None)
    why = f"`{said}` is no unit of a budget"
    raise _refused(text, f"{why}; the nearest is `{near}`" if near else why)


def _refused(text: str, why: str) -> ConfigError:
    return ConfigError(f"the budget `{text}` cannot be read: {why}", hint=HINT)
