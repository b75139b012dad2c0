"""What a server says in place of answers, in whichever shape it says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgefast.engines.decisions.strict import clean, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN = 400


def words_of(found: object) -> str:
    """Words of an error body; empty where it has none.

    Known: `{"error": {"message"}}` (OpenAI, vLLM, llama.cpp, laya-serve), `{"error": "text"}`
    (sparrow-decider), `{"detail": {"error_type", "message"}}` and `{"detail": [{"loc", "msg"}]}`
    (TypeSafe, FastAPI), `{"detail": "text"}` (Laya), `{"object": "error", "message"}` (SGLang).
    """
    if not isinstance(found, dict):
        return ""
    for key in ("error", "detail"):
        inner = found.get(key)
        if isinstance(inner, list):
            words = "; ".join(filter(None, (_of_a_field(each) for each in inner)))
        elif isinstance(inner, dict):
            words = _text(inner.get("message"))
            field = _text(inner.get("field"))
            words = f"{field}: {words}" if field and words else words
        else:
            words = _text(inner)
        if words:
            return _cut(words)
    return _cut(_text(found.get("message")))


def codes_of(found: object) -> frozenset[str]:
    """What an error body calls its error, in each of its places: `type`, `code`, `error_type`."""
    if not isinstance(found, dict):
        return frozenset()
    places = [found, found.get("error"), found.get("detail")]
    keys = ("type", "code", "error_type")
    said = (each.get(key) for each in places if isinstance(each, dict) for key in keys)
    return frozenset(each for each in said if isinstance(each, str))


def said_instead(reply: Mapping[str, Any], wanted: str) -> str:
    """In place of what a reply should have."""
    words = words_of(reply)
    if words:
        return f"the reply has no answers but an error: {words}"
    return f"the reply has no {wanted}; its keys are {shown(list(reply))}"


def _of_a_field(found: object) -> str:
    if not isinstance(found, dict):
        return _text(found)
    message = _text(found.get("msg")) or _text(found.get("message"))
    where = found.get("loc")
    place = ".".join(str(each) for each in where) if isinstance(where, list) else ""
    return f"{place}: {message}" if place and message else message


def _text(value: object) -> str:
    return clean(value).strip() if isinstance(value, str) else ""


def _cut(words: str) -> str:
    return words if len(words) <= _SHOWN else f"{words[:_SHOWN]}…"
