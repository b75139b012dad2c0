"""A server of a process of its own that judges by what it reads, logs it, and fails by a script.

Usage: python -m tests.engines.http.fault_server [--port 0] [--script JSON] [--log FILE]
       [--certificate PEM]

It prints the port that it listens on. The log has a line of JSON for each request for completions
as it comes (`"asked"`) and as its whole answer is sent (`"answered"`): before its first byte where
no fault befalls it, so that all that anybody received is in the log of a server that was killed.
"""

from __future__ import annotations

import argparse
import asyncio
import hmac
import json
import os
import socket
import ssl
import struct
import sys
import time
from contextlib import suppress
from typing import Any

import msgspec

from . import sglang, sse
from .byte_model import ids_of
from .faults import GARBAGE, HTML, Faults, Rule, Script, spoiled
from .opinion import asked_about, is_about_item
from .protocols import Asked, Cache, Refusal, answer, prompts_of, read

JSON = "application/json"
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}
LIMIT = 64 << 20
GREETING_OF_TLS = b"\x16"


class Server:
    """One script, one log, any number of connections."""

    def __init__(self, script: Script, log: int | None) -> None:
        self.script = script
        self.faults = Faults(script.rules)
        self.cache = Cache()
        self._log = log
        self._number = 0

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it is closed."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while head := await _head(reader):
                line, headers = head
                size = int(headers.get("content-length", 0))
                data = await reader.readexactly(size)
                method, target, _ = line.split(" ", 2)
                await self._serve(method, target.split("?")[0], headers, data, writer)
                await writer.drain()
        writer.close()

    async def _serve(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        data: bytes,
        writer: asyncio.StreamWriter,
    ) -> None:
        given = headers.get("authorization", "").removeprefix("Bearer ")
        key = self.script.key
        is_known = key is None or hmac.compare_digest(given, key)
        rule = self.faults.at(path)
        if method == "POST" and path in {*COMPLETIONS, "/generate"}:
            await self._complete(path, data, writer, is_known=is_known)
        elif path.startswith("/v1/") and not is_known:
            _send(writer, 401, {"error": "Unauthorized"})
        elif rule and await _failed(rule, writer):
            pass
        elif path == "/health":
            _write(writer, 200, b"", JSON)
        elif path == "/metrics" and self.script.flavour == "vllm":
            text = self.cache.metrics(self.script.model)
            _write(writer, 200, text.encode(), "text/plain; version=0.0.4")
        elif reply := self._facts(path, data):
            _send(writer, 200, reply)
        else:
            _send(writer, 404, {"detail": "Not Found"})

    def _facts(self, path: str, data: bytes) -> dict[str, Any] | None:
        """What the server says about itself."""
        script = self.script
        if path == "/v1/models":
            owner = {"plain": "somebody"}.get(script.flavour, script.flavour)
            model: dict[str, Any] = {"id": script.model, "object": "model", "owned_by": owner}
            if script.flavour != "plain":
                model |= {
                    "root": script.model,
                    "max_model_len": script.told_context or script.context,
                }
            return {"object": "list", "data": [model]}
        if script.flavour == "sglang":
            return sglang.facts(path, script)
        if script.flavour == "vllm" and path == "/version":
            return {"version": "0.32.0"}
        if script.flavour == "vllm" and path == "/tokenize":
            tokens = ids_of(json.loads(data)["prompt"])
            tokens = tokens[::-1] if script.has_other_tokenizer else tokens
            return {"count": len(tokens), "max_model_len": script.context, "tokens": tokens}
        return None

    async def _complete(
        self, path: str, data: bytes, writer: asyncio.StreamWriter, *, is_known: bool
    ) -> None:
        self._number += 1
        note: dict[str, Any] = {"n": self._number, "path": path, "key": is_known}
        if not is_known:
            self._note("asked", note)
            return _send(writer, 401, {"error": "Unauthorized"})
        body = json.loads(data)
        try:
            asked = (sglang if path == "/generate" else PROTOCOL).read(path, body, self.script)
        except Refusal as refused:
            texts = prompts_of(body)
            note["about"] = [asked_about(text) for text in texts]
            self._note("asked", note | {"refused": refused.status})
            return _send(writer, refused.status, refused.reply)
        rule = self.faults.of(asked.prompts)
        note["about"] = [asked_about(prompt) for prompt in asked.prompts]
        note["controls"] = asked.controls
        self._note("asked", note | {"fault": rule.do if rule else None})
        if rule and rule.do == "echo":
            kind = f"text/plain; key={self.script.key}"
            return _write(writer, rule.status, f"\x1b[31m{self.script.key}".encode(), kind)
        if rule and await _failed(rule, writer):
            return None
        if any(map(is_about_item, asked.prompts)):
            await asyncio.sleep(self.script.seconds)
        make = sglang.answer if path == "/generate" else answer
        reply = make(asked, self.script, self.cache)
        if rule and isinstance(reply, dict):
            reply = spoiled(rule.do, reply)
        if rule is None:
            self._note("answered", note)
        await self._send(reply, asked, rule, writer)
        await writer.drain()
        if rule is not None and not writer.is_closing():
            self._note("answered", note)
        return None

    async def _send(
        self, reply: Any, asked: Asked, rule: Rule | None, writer: asyncio.StreamWriter
    ) -> None:
        if asked.body.get("stream") and self.script.streams != "no":
            await sse.send(reply, asked, self.script, rule, writer)
        else:
            await _send_spoiled(writer, json.dumps(reply).encode(), rule)

    def _note(self, what: str, note: dict[str, Any]) -> None:
        if self._log is not None:
            os.write(
                self._log,
                json.dumps({"what": what, "at": time.monotonic()} | note).encode() + b"\n",
            )


class PROTOCOL:
    """The one of vLLM."""

    read = staticmethod(read)


COMPLETIONS = ("/v1/completions", "/v1/chat/completions")


async def _head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]] | None:
    try:
        begin = await reader.readexactly(1)
        if begin == GREETING_OF_TLS:
            return None
        text = (begin + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *rest = text.rstrip("\r\n").split("\r\n")
    pairs = (line.split(":", 1) for line in rest)
    return first, {name.strip().lower(): value.strip() for name, value in pairs}


async def _failed(rule: Rule, writer: asyncio.StreamWriter) -> bool:
    """Whether a fault leaves nothing to answer any more."""
    if rule.do == "status":
        error = {"message": "it is so", "type": "fault", "param": None, "code": rule.status}
        _send(writer, rule.status, {"error": error}, rule.headers)
    elif rule.do == "html":
        _write(writer, rule.status, HTML, "text/html", rule.headers)
    elif rule.do == "garbage":
        _write(writer, 200, GARBAGE, JSON)
    elif rule.do == "die":
        os._exit(9)
    elif rule.do == "reset":
        _reset(writer)
    elif rule.do == "hang":
        await asyncio.sleep(rule.seconds)
        writer.close()
    elif rule.do == "slow":
        await asyncio.sleep(rule.seconds)
        return False
    else:
        return False
    return True


async def _send_spoiled(writer: asyncio.StreamWriter, data: bytes, rule: Rule | None) -> None:
    kind = rule.do if rule else None
    if rule and kind == "cut":
        _write(writer, 200, data, JSON, cut=len(data) // 2)
        await writer.drain()
        writer.close()
    elif rule and kind == "drip":
        writer.write(_head_of(200, len(data), JSON, {}))
        for place in range(len(data)):
            writer.write(data[place : place + 1])
            await writer.drain()
            await asyncio.sleep(rule.seconds / len(data))
    else:
        _write(writer, 200, data, "text/plain" if kind == "content_type" else JSON)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close as a machine does that has lost its state: by RST."""
    bare = writer.get_extra_info("socket")
    bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def _send(
    writer: asyncio.StreamWriter,
    status: int,
    reply: object,
    headers: dict[str, str] | None = None,
) -> None:
    _write(writer, status, json.dumps(reply).encode(), JSON, headers)


def _write(
    writer: asyncio.StreamWriter,
    status: int,
    data: bytes,
    kind: str,
    headers: dict[str, str] | None = None,
    *,
    cut: int | None = None,
) -> None:
    writer.write(_head_of(status, len(data), kind, headers or {}) + data[:cut])


def _head_of(status: int, size: int, kind: str, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Fault')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Type: {kind}", f"Content-Length: {size}", "", ""]
    return "\r\n".join(lines).encode()


async def main() -> None:
    """Listen until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", default="{}")
    parser.add_argument("--log")
    parser.add_argument("--certificate")
    given = parser.parse_args()
    script = msgspec.json.decode(given.script, type=Script)
    log = None
    if given.log:
        log = os.open(given.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    secure = None
    if given.certificate:
        secure = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        secure.load_cert_chain(given.certificate)
    server = await asyncio.start_server(
        Server(script, log).connection, "127.0.0.1", given.port, ssl=secure, limit=LIMIT
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
