"""When a server is ready: it says that it is well, and it has answered with one token."""

from __future__ import annotations

import http.client
import json
import queue
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.engines.servers.address import Address
    from judgefast.engines.servers.keys import Key
    from judgefast.engines.servers.process import ServerProcess

_POLL_SECONDS = 0.25
_HEALTH_SECONDS = 5.0
_LAST_GASP_SECONDS = 1.0
"""A connection may close a little before the process that held it is seen to have ended."""
_SHOWN_BYTES = 300


class Ready(msgspec.Struct, frozen=True):
    """What a server showed of itself."""

    model: str
    """Name that it answers to."""
    load_seconds: float
    answer_seconds: float
    """For the one token: its first kernels are compiled in it."""


def wait_until_ready(
    process: ServerProcess,
    address: Address,
    *,
    key: Key | None,
    seconds: float,
    say: Callable[[str], None],
) -> Ready | None:
    """Wait for `/health`, then for a real answer.

    Args:
        process: The server.
        address: Where it listens.
        key: What it was given as its key.
        seconds: For all of it.
        say: Told when it is well and what comes then.

    Returns:
        None where it ended because it was told to.

    Raises:
        EngineError: It ended by itself, was not well in time, or did not answer.

    """
    begin = time.monotonic()
    until = begin + seconds
    while _health(address) != http.client.OK:
        if process.poll() is not None:
            _must_be_told(process, "while it loaded")
            return None
        if time.monotonic() > until:
            message = (
                f"the server is not ready after {seconds:,.0f} s; its last lines:\n"
                f"{process.last_words}"
            )
            raise EngineError(message, hint="a large model loads for long: raise --load-seconds")
        time.sleep(_POLL_SECONDS)
    loaded = time.monotonic()
    say(f"it is well after {loaded - begin:,.0f} s; asking for one token")
    try:
        model = _watched(
            process,
            lambda: _answer(
                address, key and key.value, seconds=max(_HEALTH_SECONDS, until - loaded)
            ),
        )
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
        if process.ended_within(_LAST_GASP_SECONDS):
            _must_be_told(process, "at its first answer")
            return None
        message = f"the server is well, but does not answer: {error}"
        raise EngineError(message, hint="its own lines above say why") from error
    return Ready(model, loaded - begin, time.monotonic() - loaded)


def _watched(process: ServerProcess, ask: Callable[[], str]) -> str:
    """Ask in a thread of its own, for whoever may be told to end meanwhile: `poll` sees to it."""
    answers: queue.SimpleQueue[str | Exception] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put(ask())
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            answers.put(error)

    threading.Thread(target=work, daemon=True, name="judgefast-first-answer").start()
    while True:
        try:
            answer = answers.get(timeout=_POLL_SECONDS)
        except queue.Empty:
            process.poll()
            continue
        if isinstance(answer, Exception):
            raise answer
        return answer


def _must_be_told(process: ServerProcess, when: str) -> None:
    if process.was_told:
        return
    message = (
        f"`vllm serve` ended {when}, with status {process.poll()}; its last lines:\n"
        f"{process.last_words}"
    )
    raise EngineError(message, hint="settings are changed by --engine-arg NAME=VALUE")


def _health(address: Address) -> int | None:
    """Status of `/health`, whose body is empty; None while nobody listens."""
    try:
        return _ask(address, "GET", "/health", seconds=_HEALTH_SECONDS)[0]
    except (OSError, http.client.HTTPException):
        return None


def _answer(address: Address, key: str | None, *, seconds: float) -> str:
    """Have one token generated; returns the model's name."""
    models = _json(*_ask(address, "GET", "/v1/models", key=key, seconds=seconds))
    model = str(models["data"][0]["id"])
    body = {"model": model, "prompt": "1", "max_tokens": 1, "temperature": 0}
    answer = _json(*_ask(address, "POST", "/v1/completions", body, key=key, seconds=seconds))
    if answer["usage"]["completion_tokens"] != 1:
        message = f"one token was asked for, and it says {answer['usage']}"
        raise ValueError(message)
    return model


def _json(status: int, body: bytes) -> Any:  # noqa: ANN401 - whatever the server sends
    if status != http.client.OK:
        message = f"HTTP {status}: {body[:_SHOWN_BYTES].decode(errors='replace')}"
        raise ValueError(message)
    return json.loads(body)


def _ask(  # noqa: PLR0913 - a request
    address: Address,
    method: str,
    path: str,
    body: object = None,
    *,
    key: str | None = None,
    seconds: float,
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address.asked, address.port, timeout=seconds)
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    with closing(connection):
        sent = None if body is None else json.dumps(body).encode()
        connection.request(method, path, sent, headers)
        reply = connection.getresponse()
        return reply.status, reply.read()
