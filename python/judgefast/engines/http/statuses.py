"""What a server that writes texts means by a status and its words."""

from __future__ import annotations

import re

from judgefast.engines.remote.retries import Next

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
