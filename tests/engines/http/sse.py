"""Replies as vLLM streams them: pieces of choices as events in chunks, and faults of that."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .faults import Rule, Script
    from .protocols import Asked

HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)
ODD_BYTES = 7


async def send(
    reply: dict[str, Any], asked: Asked, script: Script, rule: Rule | None, writer: Any
) -> None:
    """Send a whole reply as a stream."""
    kind = rule.do if rule else None
    late = {n for n, prompt in enumerate(asked.prompts) if rule and rule.befalls(prompt)}
    choices: list[dict[str, Any]] = reply["choices"]
    soon = [one for one in choices if kind != "late" or one["index"] not in late]
    wire = _Wire(writer, is_odd=kind == "odd")
    writer.write(HEAD)
    broken = {"cut", "error_event"}
    for one in soon[: len(soon) // 2] if kind in broken else soon:
        await _choice(one, reply, asked, script, wire)
    if rule and kind == "cut":
        writer.transport.abort()
        return
    if rule and kind == "late":
        await asyncio.sleep(rule.seconds)
        for one in choices:
            if one["index"] in late:
                await _choice(one, reply, asked, script, wire)
    if rule and kind == "error_event":
        error = {"message": "it is so", "type": "fault", "param": None, "code": rule.status}
        await wire.event({"error": error})
    elif asked.body.get("stream_options", {}).get("include_usage"):
        await wire.event(_top(reply) | {"choices": [], "usage": reply["usage"]})
    if kind != "no_done":
        await wire.data(b"data: [DONE]")
    writer.write(b"0\r\n\r\n")


async def _choice(
    one: dict[str, Any], reply: dict[str, Any], asked: Asked, script: Script, wire: _Wire
) -> None:
    text, generated = one["text"], 0
    at_once = 1 if script.streams == "tokens" else asked.body.get("stream_interval", 1)
    cuts = [0, 1, *range(1 + at_once, len(text), at_once), len(text)]
    pieces = [text[a:b] for a, b in pairwise(cuts) if a < b] or [""]
    for place, piece in enumerate(pieces):
        generated += len(piece)
        finish = one["finish_reason"] if place == len(pieces) - 1 else None
        choice = {"index": one["index"], "text": piece, "logprobs": None, "finish_reason": finish}
        event = _top(reply) | {"choices": [choice]}
        if asked.body.get("stream_options", {}).get("continuous_usage_stats") and script.counts:
            read = len(asked.ids[one["index"] % len(asked.ids)])
            event["usage"] = {"prompt_tokens": read, "completion_tokens": generated}
        await wire.event(event)


def _top(reply: dict[str, Any]) -> dict[str, Any]:
    return {name: reply[name] for name in ("id", "object", "created", "model")}


class _Wire:
    def __init__(self, writer: Any, *, is_odd: bool) -> None:
        self._writer, self._is_odd = writer, is_odd

    async def event(self, event: dict[str, Any]) -> None:
        await self.data(b"data: " + json.dumps(event, ensure_ascii=False).encode())

    async def data(self, line: bytes) -> None:
        """Send an event: in one chunk, or cut anywhere among comments and other line ends."""
        if not self._is_odd:
            self._chunk(line + b"\n\n")
            await self._writer.drain()
            return
        raw = b": alive\r\nid: 7\r\nevent: piece\r\n" + line.replace(b"data: ", b"data:") + b"\r\n"
        for place in range(0, len(raw + b"\r\n"), ODD_BYTES):
            self._chunk((raw + b"\r\n")[place : place + ODD_BYTES])
            await self._writer.drain()
            await asyncio.sleep(0)

    def _chunk(self, data: bytes) -> None:
        self._writer.write(b"%x\r\n%s\r\n" % (len(data), data))
