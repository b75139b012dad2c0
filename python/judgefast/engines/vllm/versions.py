"""Which releases of vLLM the engine has been tried with."""

from __future__ import annotations

import re

OLDEST, NEWEST = (0, 20), (0, 34)
"""From the first on, below the second."""

TESTED = "0.26.0 on an H200 and 0.32.0 on a CPU"


def warning_of(version: str) -> str | None:
    """What to say of a release outside of the range; None of one inside.

    >>> warning_of("0.32.0+cpu")
    >>> warning_of("0.19.1")
    'vLLM 0.19.1 is outside of 0.20 to 0.33; tested were 0.26.0 on an H200 and 0.32.0 on a CPU'
    """
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers and OLDEST <= (int(numbers[1]), int(numbers[2])) < NEWEST:
        return None
    low, high = f"{OLDEST[0]}.{OLDEST[1]}", f"{NEWEST[0]}.{NEWEST[1] - 1}"
    return f"vLLM {version} is outside of {low} to {high}; tested were {TESTED}"
