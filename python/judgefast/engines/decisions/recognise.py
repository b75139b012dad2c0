"""Which dialect and which server: told from what a reply has that no other has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgefast.engines.decisions.cards import cards_of
from judgefast.engines.decisions.quirks import quirks_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgefast.engines.decisions.quirks import Quirks

_LAYA = {"answer_confidence", "x_jev_confidence"}
_SGLANG = "x_label_mass"
_LAYA_SERVE = "Laya decision model"
_OPENAI = {"openai", "openai-internal", "system"}
_TYPESAFE = {"typesafe"}
_OPEN_WEIGHTS = "gpt-oss"
"""Served by anybody, not by OpenAI itself."""


def dialect_of(reply: Mapping[str, Any]) -> str | None:
    """Dialect whose shape a reply has; None where it has that of none.

    >>> dialect_of({"answers": []}), dialect_of({"answers": {}, "object": "decisions"})
    ('openai', 'sglang')
    """
    answers = reply.get("answers")
    if isinstance(answers, list):
        return "openai"
    if not isinstance(answers, dict):
        return None
    is_sglang = reply.get("object") == "decisions" or "prompt_format_version" in reply
    return "sglang" if is_sglang else "systemone"


def recognise(reply: Mapping[str, Any], models: Mapping[str, Any] | None, dialect: str) -> Quirks:
    """Server that has answered.

    Args:
        reply: A good reply, in that dialect.
        models: What `GET /v1/models` gave; None where it gave nothing.
        dialect: Name of the dialect.

    """
    owners = {owner for card in cards_of(models) if isinstance(owner := card.get("owned_by"), str)}
    if dialect == "sglang":
        return quirks_of("sglang", dialect)
    if dialect == "openai":
        return quirks_of("vllm" if "vllm" in owners else _openai(reply, owners), dialect)
    keys = _keys_of_answers(reply)
    known = _by_owner(owners, keys) or _by_keys(reply, keys) or _by_models(reply, owners, models)
    return quirks_of(known, dialect)


def _openai(reply: Mapping[str, Any], owners: set[str]) -> str:
    """By the model's name, which any server may give its own: nobody else may own one there."""
    is_named = str(reply.get("model")).startswith(("gpt-", "chatgpt-"))
    is_theirs = not str(reply.get("model")).startswith(_OPEN_WEIGHTS)
    return "openai" if is_named and is_theirs and owners <= _OPENAI else "unknown"


def _keys_of_answers(reply: Mapping[str, Any]) -> set[str]:
    answers = reply.get("answers")
    found = answers.values() if isinstance(answers, dict) else ()
    return {key for each in found if isinstance(each, dict) for key in each}


def _by_owner(owners: set[str], keys: set[str]) -> str:
    """What serves the model by its own word, before what a gateway adds to its replies."""
    if "llamacpp" in owners:
        return "llama.cpp"
    if "vllm" in owners:
        return "vllm"
    if "sglang" in owners:  # a chat model says its label mass
        return "sglang" if _SGLANG in keys else "sglang heads"
    return ""


def _by_keys(reply: Mapping[str, Any], keys: set[str]) -> str:
    """What only one server's System One has; empty where a reply has nothing of the kind."""
    usage = reply.get("usage")
    if reply.get("object") == "structured_decision" or "diagnostics" in reply:
        return "vllm"
    if _SGLANG in keys:
        return "sglang"
    if "routing" in reply or keys & _LAYA:
        return "laya"
    if isinstance(usage, dict) and "cost" in usage:
        return "openrouter"
    model = str(reply.get("model"))
    if "latency_ms" in reply and model.startswith("sparrow-"):  # gateways tell theirs as well
        return "sparrow nano" if model.startswith("sparrow-nano") else "sparrow"
    return ""


def _by_models(reply: Mapping[str, Any], owners: set[str], models: Mapping[str, Any] | None) -> str:
    """What a server says of itself, where its replies are like TypeSafe's.

    A model's name comes last: clients hard-code `jev-latest`, so other servers answer to it.
    """
    if any(str(card.get("description")).startswith(_LAYA_SERVE) for card in cards_of(models)):
        return "laya-serve"
    is_named = str(reply.get("model")).startswith("jev-")
    return "typesafe" if is_named and owners <= _TYPESAFE else "unknown"
