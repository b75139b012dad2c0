"""Durations as people write them: `8h`, `90m`, `1h30m`, `2d`."""

from __future__ import annotations

import re

from judgefast.errors import ConfigError

_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_UNITS = {
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("h", "hour", "hours"), "h"),
    **dict.fromkeys(("m", "min", "minute", "minutes"), "m"),
    **dict.fromkeys(("s", "sec", "second", "seconds"), "s"),
}
_PART = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)\s*")


def parse_duration(text: str) -> float:
    """Read a duration as seconds.

    Raises:
        ConfigError: It is none, or not above 0.

    >>> parse_duration("1h30m"), parse_duration("8 hours")
    (5400.0, 28800.0)

    """
    place, seconds = 0, 0.0
    given = text.strip().lower()
    while found := _PART.match(given, place):
        unit = _UNITS.get(found[2])
        if unit is None:
            break
        seconds += float(found[1]) * _SECONDS[unit]
        place = found.end()
    if not given or place < len(given) or seconds <= 0:
        msg = f"`{text}` is no duration"
        raise ConfigError(msg, hint="give a number with its unit, as 8h, 90m, 1h30m or 2d")
    return seconds


def duration_words(seconds: float) -> str:
    """Say a duration, to two or three digits.

    >>> duration_words(95), duration_words(4_320), duration_words(260_000)
    ('95 s', '1.2 h', '3.0 days')

    """
    size = abs(seconds)
    if size < 2 * _SECONDS["m"]:
        return f"{seconds:.0f} s"
    if size < _SECONDS["h"]:
        return f"{seconds / _SECONDS['m']:.0f} min"
    if size < 2 * _SECONDS["d"]:
        return f"{seconds / _SECONDS['h']:.{1 if size < 36_000 else 0}f} h"  # noqa: PLR2004 - under 10 hours a digit more
    return f"{seconds / _SECONDS['d']:.1f} days"
