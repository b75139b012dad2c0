"""What is done with an answer that is none: sent again, later, in halves, or not at all."""

from __future__ import annotations

import random
import re
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 30.0
LONGEST_RETRY_AFTER = 300.0
"""Seconds; a server that wants more is asked again after so many."""

_BUSY = {408, 425, 429, 503, 529}
_STOP = {401, 403, 404, 405}
_SERVER = 500
_KEY_REFUSED = 401
_TOO_LARGE = 413

_TOO_LONG = re.compile(
    r"context.?(length|size|window)|max_model_len|too (long|large)|maximum.{0,40}tokens"
    r"|exceeds?.{0,60}(context|token)|longer than",
    re.IGNORECASE | re.DOTALL,
)
_WITHHELD = re.compile(r"content.?(filter|policy|management)|moderation|flagged", re.IGNORECASE)


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


def next_of(status: int, words: str) -> Next:
    """What a status other than 200 comes to.

    >>> next_of(429, "").value, next_of(500, "").value, next_of(400, "").value
    ('later', 'again', 'refused')
    """
    if status in _BUSY:
        return Next.LATER
    if status >= _SERVER:
        return Next.AGAIN
    if status == _KEY_REFUSED:  # whatever it says: no row is judged by that
        return Next.STOP
    if _WITHHELD.search(words):
        return Next.WITHHELD
    if status in _STOP or status < 400:  # noqa: PLR2004 - redirects are not followed
        return Next.STOP
    return Next.REFUSED


def is_too_long(status: int, words: str) -> bool:
    """Whether a server refuses a prompt for its length."""
    return status == _TOO_LARGE or bool(_TOO_LONG.search(words))


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
