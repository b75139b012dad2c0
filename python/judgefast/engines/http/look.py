"""What a server says of itself: the models it serves, what it is, how long a prompt may be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.engines.remote.retries import refusal
from judgefast.engines.remote.unusable import NoReplyError
from judgefast.errors import EngineError

if TYPE_CHECKING:
    from judgefast.engines.remote.client import Client
    from judgefast.engines.remote.options import Secret

_SECONDS = 10.0
_OK = 200
_REFUSES_KEY = {401, 403}
_NOT_THERE = {404, 405, 501}


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One server by its own words."""

    kind: str = "unknown"
    """`vllm`, `sglang`, `llamacpp`, or whatever owns its models."""
    version: str | None = None
    models: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    """Where the served models come from, place for place: a folder or a name of the hub."""
    context_tokens: int | None = None


async def look(client: Client, root: str, secret: Secret, *, seconds: float = _SECONDS) -> Shown:
    """Ask a server what it is.

    Args:
        client: Connections.
        root: The server.
        secret: The key.
        seconds: Longest wait for its list of models.

    Raises:
        NoReplyError: Nobody is there.
        EngineError: It refuses the key, or does not speak the API.

    """
    reply = await client.get(f"{root}/v1/models", seconds=seconds)
    if reply.status in _REFUSES_KEY:
        raise refusal(root, reply.status, secret.scrub(reply.words))
    if reply.status in _NOT_THERE:
        return Shown()
    models = _list(reply.body, "data") if reply.status == _OK else None
    if models is None:
        words = secret.scrub(reply.words)[:200]
        message = f"{root}/v1/models answered {reply.status}, which is no list of models: {words}"
        raise EngineError(message, hint="give the root of a server that speaks OpenAI's API")
    models = [each for each in models if str(each.get("id", "\n")).isprintable()]
    first = models[0] if models else {}
    kind = str(first.get("owned_by") or "unknown")
    context = first.get("max_model_len")
    if kind == "llamacpp":
        context = await _slot_of_llamacpp(client, root) or context
    return Shown(
        kind=kind,
        version=await _version(client, root, kind),
        models=tuple(str(each["id"]) for each in models),
        roots=tuple(str(each.get("root") or each["id"]) for each in models),
        context_tokens=context if isinstance(context, int) and context > 0 else None,
    )


async def _version(client: Client, root: str, kind: str) -> str | None:
    path = "/get_server_info" if kind == "sglang" else "/version"
    found = (await _facts(client, root + path)).get("version")
    return found if isinstance(found, str) else None


async def _slot_of_llamacpp(client: Client, root: str) -> int | None:
    told = (await _facts(client, f"{root}/props")).get("default_generation_settings")
    context = told.get("n_ctx") if isinstance(told, dict) else None
    return context if isinstance(context, int) else None


async def _facts(client: Client, url: str) -> dict[str, Any]:
    """An object that a server may have; empty where it has none."""
    try:
        reply = await client.get(url, seconds=_SECONDS)
        found = msgspec.json.decode(reply.body) if reply.status == _OK else {}
    except (NoReplyError, msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _list(body: bytes, name: str) -> list[dict[str, Any]] | None:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    held = found.get(name) if isinstance(found, dict) else None
    is_list = isinstance(held, list) and all(isinstance(each, dict) for each in held)
    return held if is_list else None
