"""What stands beside the answers, and no verdict hangs on: what is no number is not there."""

from __future__ import annotations

import math

from judgefast.engines.decisions.strict import clean

_MOST_TOKENS = 2**31 - 1
"""What the tables of completions hold."""
_MOST_DOLLARS = 1e6
"""For one reply: what is more is no price of any."""


def amount(value: object) -> float | None:
    """A finite number that is not below 0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) and found >= 0 else None


def count(value: object) -> int | None:
    """A number of tokens, as far as tables hold it; some servers write it with a point."""
    found = amount(value)
    return None if found is None or found > _MOST_TOKENS else int(found)


def dollars(value: object) -> float | None:
    """What a reply cost; None of what no reply costs."""
    found = amount(value)
    return None if found is None or found > _MOST_DOLLARS else found


def prompt_count(value: object) -> int | None:
    """Tokens of a prompt; 0 is what servers write that do not count them."""
    return count(value) or None


def share(value: object) -> float | None:
    """A probability; sums of many may be above 1 in their last digits."""
    found = amount(value)
    return None if found is None else min(found, 1.0)


def text(value: object) -> str:
    """A name; empty where there is none."""
    return clean(value) if isinstance(value, str) else ""
