"""Ranges of an estimate in words: the likely value, and between which it may be."""

from __future__ import annotations

from math import floor, inf, isfinite, log10
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.costs.ranges import Range

_TIMES = ((3600.0, "h"), (60.0, "min"), (0.0, "s"))
_MOST_DECIMALS = 6
_HALF_HOUR, _TWO_MINUTES = 1800.0, 120.0


def figure(value: float, like: float | None = None) -> str:
    """A number with two digits, or whole from 10 on.

    Args:
        value: The number.
        like: Another one, whose decimals are taken.

    >>> figure(0.0512), figure(1.26), figure(14.21), figure(123456.7)
    ('0.051', '1.3', '14', '123,457')

    """
    if not isfinite(value):
        return "unbounded"
    size = abs(value if like is None else like)
    decimals = max(0, 1 - floor(log10(size))) if size else 0
    return f"{value:,.{min(decimals, _MOST_DECIMALS)}f}"


def within(value: Range) -> str:
    """A range without its unit.

    >>> from judgefast.costs.ranges import Range
    >>> within(Range(1.04, 1.2, 1.5)), within(Range.exactly(500.0))
    ('1.2 (1.0 to 1.5)', '500')

    """
    if value.low == value.likely == value.high and value.likely == int(value.likely):
        return f"{value.likely:,.0f}"
    likely = figure(value.likely)
    low, high = (figure(end, value.likely) for end in (value.low, value.high))
    return likely if low == likely == high else f"{likely} ({low} to {high})"


def of_unit(value: Range, unit: str) -> str:
    """A range with the unit behind its likely value.

    >>> from judgefast.costs.ranges import Range
    >>> of_unit(Range(1.04, 1.2, 1.5), "h")
    '1.2 h (1.0 to 1.5)'

    """
    number, _, ends = within(value).partition(" (")
    return f"{number} {unit} ({ends}" if ends else f"{number} {unit}"


def span(seconds: Range) -> str:
    """A range of time, in the unit that its likely value is of.

    >>> from judgefast.costs.ranges import Range
    >>> span(Range(3000, 4320, 5400)), span(Range(40, 90, 300)), span(Range(240, 300, 900))
    ('1.2 h (0.8 to 1.5)', '90 s (40 to 300)', '5.0 min (4.0 to 15.0)')

    """
    size, unit = next(
        (size, unit)
        for size, unit in _TIMES
        if seconds.likely >= {"h": _HALF_HOUR, "min": _TWO_MINUTES}.get(unit, -inf)
    )
    return of_unit(seconds.times(1 / size if size else 1.0), unit)


def dollars(value: float) -> str:
    """Money, to the cent.

    >>> dollars(8.214), dollars(12345.6), dollars(0.0004)
    ('$8.21', '$12,345.60', '$0.0004')

    """
    if not isfinite(value):
        return "unbounded"
    cent = 0.01
    return f"${value:,.2f}" if value >= cent or not value else f"${value:.1g}"


def money(value: Range) -> str:
    """A range of money.

    >>> from judgefast.costs.ranges import Range
    >>> money(Range(7.0, 8.214, 9.5))
    '$8.21 (7.00 to 9.50)'

    """
    likely, low, high = (dollars(end) for end in (value.likely, value.low, value.high))
    return likely if low == likely == high else f"{likely} ({low[1:]} to {high.lstrip('$')})"
