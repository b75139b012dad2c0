"""Replies with a bad status: what each comes to, whatever server wrote it in whatever shape."""

from __future__ import annotations

import re
from contextlib import suppress
from time import time
from typing import TYPE_CHECKING, Any

from judgefast.engines.decisions.asked import Failure
from judgefast.engines.decisions.lenient import count
from judgefast.engines.decisions.said import codes_of, words_of
from judgefast.engines.decisions.strict import clean, read_object
from judgefast.engines.decisions.unfit import UnfitReplyError
from judgefast.engines.remote.retries import retry_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgefast.engines.decisions.asked import FailureKind

GOOD = range(200, 300)
"""Statuses of replies that answer."""
_SHOWN = 400
_KEY = {401, 402, 403}
_PATH = {404, 405, 410}
_BUSY = {408, 425, 429, 503, 529}
_TOO_LARGE = 413
_NOT_DONE = 501
_SERVER = 500
_BAD = 400

_TOO_LONG_TYPES = {
    "exceed_context_size_error",
    "exceed_batch_size_error",
    "context_length_exceeded",
    "input_too_large",
    "input_too_long",
    "state_too_long",
}
_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "insufficient_credits"}

_TOO_LONG = re.compile(
    r"context (length|size|window|budget)|maximum model length|max_model_len|too long|too large"
    r"|this model reads|maximum.{0,40}tokens|exceeds?.{0,60}(context|token)|longer than"
    r"|\d+ tokens; the limit is|\d+ bytes, over|at most \d+ characters|do not fit in the context",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED = re.compile(r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|`[^`]*`")
"""What a server may quote of a state: it says nothing of the request."""
_CAPPED = re.compile(
    r"(at most|more than|too many|maximum of|up to|limit).{0,40}(question|option|choice|level|item)"
    r"|\d ?(to|-) ?\d+ (options|levels|questions)|questions?: at most|decision tasks, the maximum"
    r"|options but|does not (support|serve)"
    r"|not supported|unsupported|unknown question type|can label at most|not one distinct token",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"(unknown|no such|not a valid) model|model.{0,80}(not (found|exist|served)|does not exist)"
    r"|model not served",
    re.IGNORECASE,
)
_WITHHELD = re.compile(r"content.?(filter|policy|management)|moderation|flagged", re.IGNORECASE)

_SIZES = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"\((?P<tokens>\d+) tokens\).{0,60}\((?P<limit>\d+) tokens\)",
        r"maximum context length is (?P<limit>\d+) tokens.{0,60}?(?P<tokens>\d+) (input )?tokens",
        r"\(length (?P<tokens>\d+)\).{0,120}length of (?P<limit>\d+)",
        r"has (?P<tokens>\d+) tokens.{0,60}length of (?P<limit>\d+)",
        r"renders (?P<tokens>\d+) prompt tokens, the maximum is (?P<limit>\d+)",
        r"is ~?(?P<tokens>\d+) tokens \(limit (?P<limit>\d+)\)",
        r"has (?P<tokens>\d+) tokens; the limit is (?P<limit>\d+)",
        r"take (?P<tokens>\d+) tokens, more than the (?P<limit>\d+)",
    )
)


def failure_of(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """What a reply comes to that has another status than a good one.

    Args:
        status: Of HTTP, not from 200 to 299.
        headers: Of the reply, their names in any case.
        body: The reply, as it came; of any kind.

    """
    found = _read(body)
    words = words_of(found) or _plain(body) or f"HTTP {status}"
    codes = codes_of(found)
    tokens, limit = _sizes(found, words)
    kind = _kind(status, words, codes, is_sized=limit is not None)
    return Failure(
        kind=kind,
        status=status,
        words=words,
        retry_seconds=_retry_seconds(headers),
        tokens=tokens if kind == "too_long" else None,
        limit=limit if kind == "too_long" else None,
    )


def _kind(  # noqa: PLR0911 - one a kind
    status: int, words: str, codes: frozenset[str], *, is_sized: bool
) -> FailureKind:
    if codes & _TOO_LONG_TYPES:
        return "too_long"
    if codes & _MONEY:  # it comes as 429, and is not over later
        return "auth"
    if status in _BUSY:
        return "busy"
    if status == _NOT_DONE:
        return "unsupported"
    if status >= _SERVER:
        return "server"
    if status in _KEY:
        return "invalid" if _WITHHELD.search(words) else "auth"
    if status in _PATH or status < _BAD:
        return "not_found"
    if is_sized:
        return "too_long"
    return _of_the_request(status, words)


def _of_the_request(status: int, words: str) -> FailureKind:
    words = _QUOTED.sub("", words)
    if _CAPPED.search(words):
        return "unsupported"
    if status == _TOO_LARGE or _TOO_LONG.search(words):
        return "too_long"
    return "not_found" if _NO_MODEL.search(words) else "invalid"


def _read(body: bytes) -> dict[str, Any]:
    try:
        return read_object(body)
    except UnfitReplyError:
        return {}


def _plain(body: bytes) -> str:
    words = " ".join(clean(body[: 4 * _SHOWN].decode("utf-8", "replace")).split())
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"


def _sizes(found: Mapping[str, Any], words: str) -> tuple[int | None, int | None]:
    inner = found.get("error")
    said = inner if isinstance(inner, dict) else found
    tokens, limit = count(said.get("n_prompt_tokens")), count(said.get("n_ctx"))
    if tokens is not None and limit is not None:
        return tokens, limit
    for pattern in _SIZES:
        match = pattern.search(words)
        if match:
            return int(match["tokens"]), int(match["limit"])
    return tokens, limit


def _retry_seconds(headers: Mapping[str, str]) -> float | None:
    said = {name.lower(): value for name, value in headers.items()}
    wanted = said.get("retry-after", "")
    with suppress(KeyError, ValueError):
        wanted = str(float(said["retry-after-ms"]) / 1000)
    return retry_after({"Retry-After": wanted}, time())
