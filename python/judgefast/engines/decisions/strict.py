"""JSON of a server, read so that nothing in it is settled in silence.

A key that stands twice in an object, and NaN, are legal to most readers: the last one wins, a
number is a number. What a judge has said must not be settled by that. Here they are kept as they
are, so that the answer that holds them is malformed and the answers beside it are not.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from judgefast.engines.decisions.unfit import UnfitReplyError

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = 60
"""Characters of a server's value that are shown."""


class Doubled(dict[str, Any]):
    """An object that has some keys more than once; the last of each is kept."""

    keys_doubled: frozenset[str]


def read_object(body: bytes) -> dict[str, Any]:
    """Read a reply that has to be a JSON object.

    Raises:
        UnfitReplyError: It is none.

    """
    try:
        found = json.loads(body, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        message = f"the reply is no JSON: {_start(body)}"
        raise UnfitReplyError(message) from error
    if not isinstance(found, dict):
        message = f"the reply is no JSON object: {_start(body)}"
        raise UnfitReplyError(message)
    return found


def doubled(found: Mapping[str, Any]) -> frozenset[str]:
    """Keys that an object has more than once."""
    return found.keys_doubled if isinstance(found, Doubled) else frozenset()


def shown(value: object) -> str:
    """A value of a server as it came, cut, for a person.

    >>> shown(None), shown("x"), shown(float("nan"))
    ('null', '"x"', 'NaN')
    """
    words = json.dumps(value)
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"


def clean(text: str) -> str:
    """A server's text without lone surrogates, which are legal in JSON and no text."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    names = [name for name, _ in pairs]
    kept = Doubled(found)
    kept.keys_doubled = frozenset(name for name in found if names.count(name) > 1)
    return kept


def _start(body: bytes) -> str:
    words = " ".join(body[: 4 * _SHOWN].decode("utf-8", "replace").split())
    if not words:
        return "it is empty"
    return f"it begins `{words if len(words) <= _SHOWN else words[:_SHOWN] + '…'}`"
