"""Numbers and names as a report writes them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from judgefast.reports.inert import line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME_LIMIT = 60
"""Characters of a name of the user's: run, model, slice, item."""

SENTENCE_LIMIT = 600
"""Characters of a sentence that may quote data."""

EXCERPT_LIMIT = 160
"""Characters of a completion or of a bad row."""


def number(value: float | None, *, signed: bool = False) -> str:
    """Write a figure with three decimals; a dash stands for none.

    >>> number(0.51249), number(-0.0001), number(0.25, signed=True), number(None)
    ('0.512', '0.000', '+0.250', '-')

    """
    if value is None or not math.isfinite(value):
        return "-"
    rounded = round(value, 3) + 0.0  # turns -0.0 into 0.0
    return f"{rounded:+.3f}" if signed and rounded else f"{rounded:.3f}"


class Ends(Protocol):
    """What has an interval."""

    @property
    def low(self) -> float | None:
        """Lower end."""

    @property
    def high(self) -> float | None:
        """Upper end."""


def interval(estimate: Ends, *, signed: bool = False) -> str:
    """Write the ends of an interval, or that it is undefined."""
    if estimate.low is None or estimate.high is None:
        return "undefined"
    return f"[{number(estimate.low, signed=signed)}, {number(estimate.high, signed=signed)}]"


def percent(share: float) -> str:
    """Write a share or a level: with so many digits that nearly all is not all.

    >>> percent(0.95), percent(0.999), percent(0.1251), percent(0.9995), percent(0.99999)
    ('95 %', '99.9 %', '12.5 %', '99.95 %', '99.999 %')

    """
    for decimals in range(1, 15):
        shown = round(share * 100, decimals)
        if shown not in {0, 100} or share in {0, 1}:
            break
    return f"{shown:.15g} %"


def rate(value: float) -> str:
    """Write a rate: whole from 100 on, else one decimal.

    >>> rate(12345.6), rate(5.84)
    ('12,346', '5.8')

    """
    whole_from = 100
    return f"{value:,.0f}" if value >= whole_from else f"{value:.1f}"


def duration(seconds: float) -> str:
    """Write a span of time as a person says it.

    >>> duration(3.21), duration(75), duration(25000)
    ('3.2 s', '1 min 15 s', '6 h 56 min')

    """
    if seconds < 60:  # noqa: PLR2004 - seconds of a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 - minutes of an hour
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def plural(count: int, word: str) -> str:
    """Write a count with its word.

    >>> plural(1, "pair"), plural(1200, "pair")
    ('1 pair', '1,200 pairs')

    """
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def reasons(counts: Mapping[str, int]) -> str:
    """Write counts by reason, the most frequent first, then by name; zeros are left out."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{count:,} {name(reason)}" for reason, count in ordered if count)


def facts(known: Mapping[str, object]) -> str:
    """Write what a launch tells of its engine; what it does not know or have is left out.

    >>> facts({"api": "chat", "abilities": {"lists": True, "schema": False}, "away": []})
    'api chat, abilities (lists yes, schema no)'

    Facts are whole: after a sentence's length the others are counted.
    """
    parts = list(_facts(known))
    length = shown = 0
    for part in parts:
        length += len(part) + 2
        if length > SENTENCE_LIMIT:
            break
        shown += 1
    rest = [f"and {len(parts) - shown} more in the JSON"] if shown < len(parts) else []
    return ", ".join([*parts[:shown], *rest])


def _facts(known: Mapping[str, object]) -> Iterator[str]:
    for key, value in known.items():
        if value is not None and value not in ("", [], (), {}):
            yield f"{name(key)} {_value(value)}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return f"({', '.join(_facts(value))})"
    if isinstance(value, list | tuple):
        return " + ".join(map(_value, value))
    return name(str(value))


def name(text: str) -> str:
    """Write a name of the user's, safe and not endless."""
    return line(text, NAME_LIMIT)
