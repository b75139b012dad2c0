"""A thread in which all exchanges with servers happen, and the ways into it."""

from __future__ import annotations

import asyncio
import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from judgefast.engines.remote.endpoints import Endpoint, endpoints_of
from judgefast.engines.remote.options import TLS_HINT
from judgefast.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion
    from judgefast.engines.remote.client import Client
    from judgefast.engines.remote.options import RemoteOptions
    from judgefast.engines.remote.sender import Sender

S = TypeVar("S", bound="Sender[Any, Any]")
T = TypeVar("T")

_CLOSE_SECONDS = 0.3
_JOIN_SECONDS = 0.9


class WorkingLoop(ABC, Generic[S]):
    """An event loop in a thread of its own; every method but what it runs is the host's to call.

    What it does there is for an engine to add.

    Args:
        name: Of the thread.
        client: Connections; opened and closed here.
        put: Takes completions, or the error that ends the engine; called in the loop's thread.

    Raises:
        EngineError: Connections cannot be prepared.

    """

    def __init__(
        self,
        name: str,
        client: Client,
        put: Callable[[list[Completion] | Exception], None],
    ) -> None:
        self._client, self._put = client, put
        self._endpoints: list[Endpoint] = []
        self._sender: S | None = None
        self._step = 1
        """Jobs that go together."""
        self._loop = _new_loop()
        self._stop = asyncio.Event()
        self._is_open = threading.Event()
        self._unopened: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()
        self._is_open.wait()
        if self._unopened is not None:
            self._thread.join(_JOIN_SECONDS)
            message = f"connections cannot be prepared: {self._unopened}"
            raise EngineError(message, hint=TLS_HINT) from self._unopened

    def result(self, work: Coroutine[Any, Any, T]) -> T:
        """Have something done in the thread, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @property
    def room(self) -> int:
        """Requests that keep every server busy, and a little more that waits at hand."""
        size = sum(endpoint.window.size for endpoint in self._endpoints)
        return size + size // 2 + min(size, self._step)

    @abstractmethod
    def take(self, requests: Sequence[Request], started: float, clock: float) -> None:
        """Queue requests.

        Args:
            requests: What is asked.
            started: Unix time.
            clock: Monotonic time of the same moment.

        """

    def cancel(self, request_ids: set[bytes]) -> None:
        """Give up on requests."""
        assert self._sender is not None  # begun
        self._loop.call_soon_threadsafe(self._sender.cancel, request_ids)

    @abstractmethod
    def counters(self) -> dict[str, int]:
        """What happened since the start."""

    def _meet(self, options: RemoteOptions, *, step: int = 1) -> list[Endpoint]:
        """The servers, before anything is sent; jobs go to them by so many."""
        self._step = step
        self._endpoints = endpoints_of(options, step=step, now=time.monotonic())
        return self._endpoints

    def _serve_by(self, sender: S, away: Collection[str]) -> None:
        """Be ready for requests, with servers that were not there."""
        self._sender = sender
        for endpoint in self._endpoints:
            if endpoint.root in away:
                sender.lost_sight_of(endpoint)

    def close(self) -> None:
        """Drop everything; safe to call twice."""
        if self._loop.is_closed():
            return
        try:
            self._loop.call_soon_threadsafe(self._stop.set)
        except RuntimeError:  # it has ended meanwhile
            return
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.set_exception_handler(self._failed)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A mistake of ours: the host ends by it, rather than wait for ever."""
        del loop
        error = context.get("exception")
        self._put(error if isinstance(error, Exception) else RuntimeError(context["message"]))

    async def _serve(self) -> None:
        try:
            await self._client.open()
        except Exception as error:  # noqa: BLE001 - whatever it is, the host waits to hear of it
            self._unopened = error
            self._is_open.set()
            return
        async with self._client:
            self._is_open.set()
            await self._stop.wait()
            if self._sender is not None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._sender.close(), _CLOSE_SECONDS)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - not on Windows
    except ModuleNotFoundError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
