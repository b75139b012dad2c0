"""What is done with an answer that is none: sent again, later, in halves, or not at all."""

from __future__ import annotations

import random
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING

from judgefast.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 30.0
LONGEST_RETRY_AFTER = 300.0
"""Seconds; a server that wants more is asked again after so many."""

_REFUSES_KEY = {401, 403}


class Next(Enum):
    """What is done next."""

    LATER = "later"
    """The server has no room: nothing is counted against the prompt."""
    AGAIN = "again"
    """Once more, counted."""
    REFUSED = "refused"
    """The server does not take this request, whoever sends it again."""
    WITHHELD = "withheld"
    """A content filter: an answer as final as any other."""
    STOP = "stop"
    """Nothing that is sent will be taken: the key, the model or the address is wrong."""


def pause(tries: int, *, draw: float | None = None) -> float:
    """Seconds before a prompt is sent again: doubled each time, up to a cap, and jittered.

    Args:
        tries: Answers so far that were none, from 1.
        draw: In [0, 1); None for a random one.

    """
    share = random.random() if draw is None else draw  # noqa: S311 - spreads load, hides nothing
    whole: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (tries - 1))
    return whole * (0.5 + share / 2)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a server asks to wait: a number, or a date; None where it does not say.

    Args:
        headers: Of the reply.
        now: Unix time.

    """
    said = headers.get("Retry-After", "").strip()
    if not said:
        return None
    try:
        seconds = float(said)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(said).timestamp() - now
        except (ValueError, OverflowError):
            return None
    if not seconds > 0:  # NaN is not, either
        return 0.0
    return min(seconds, LONGEST_RETRY_AFTER)


def refusal(root: str, status: int, words: str) -> EngineError:
    """The error of a status after which nothing is sent any more."""
    said = f"{root} answered {status}: {words[:300]}"
    if status in _REFUSES_KEY:
        return EngineError(said, hint="set JUDGEFAST_API_KEY to a key that this server takes")
    hint = "check --base-url and --model; `curl URL/v1/models` lists what is served"
    return EngineError(said, hint=hint)
