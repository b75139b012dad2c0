"""The thread in which all exchanges with servers happen, and the ways into it."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

from judgefast.engines.http.bodies import Bodies
from judgefast.engines.http.client import Client
from judgefast.engines.http.defuse import Defuser
from judgefast.engines.http.detect import detect
from judgefast.engines.http.endpoints import Endpoint
from judgefast.engines.http.lists import Lists
from judgefast.engines.http.metrics import Metrics
from judgefast.engines.http.options import TLS_HINT
from judgefast.engines.http.replies import Replies
from judgefast.engines.http.sender import Sender
from judgefast.engines.http.thinking import Thinking
from judgefast.engines.http.waiting import Waiting
from judgefast.engines.http.windows import Window
from judgefast.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from judgefast.engines.base import Completion
    from judgefast.engines.http.abilities import Abilities
    from judgefast.engines.http.detect import Found
    from judgefast.engines.http.jobs import Job
    from judgefast.engines.http.options import HttpOptions, Secret

T = TypeVar("T")

_CLOSE_SECONDS = 0.3
_JOIN_SECONDS = 0.9
_METRICS_SECONDS = 3.0


class Loop:
    """An event loop in a thread of its own; every method but what it runs is the host's to call.

    Args:
        options: The settings.
        secret: The key.
        put: Takes completions, or the error that ends the engine; called in the loop's thread.

    """

    def __init__(
        self,
        options: HttpOptions,
        secret: Secret,
        put: Callable[[list[Completion] | Exception], None],
    ) -> None:
        self._options, self._secret, self._put = options, secret, put
        self._loop = _new_loop()
        self._stop = asyncio.Event()
        self._is_open = threading.Event()
        self._unopened: Exception | None = None
        self._client = Client(options, secret)
        self._waiting = Waiting(servers=len(options.base_urls))
        self._endpoints: list[Endpoint] = []
        self._sender: Sender | None = None
        self._defuser: Defuser | None = None
        self._replies: Replies | None = None
        self._metrics: Metrics | None = None
        self._thinking: Thinking | None = None
        self._thread = threading.Thread(target=self._run, name="judgefast-http", daemon=True)
        self._thread.start()
        self._is_open.wait()
        if self._unopened is not None:
            self._thread.join(_JOIN_SECONDS)
            message = f"connections cannot be prepared: {self._unopened}"
            raise EngineError(message, hint=TLS_HINT) from self._unopened

    def detect(self, named: str | None) -> Found:
        """Ask the servers what they are; waits for them."""
        return self._result(detect(self._client, self._options, self._secret, named))

    def begin(self, found: Found, expected: int | None) -> None:
        """Be ready for requests; so many are expected."""
        self._result(self._begin(found, expected))

    def list_size(self, abilities: Abilities) -> int:
        """Prompts in one request, where answers are short."""
        return self._options.list_size if abilities.lists or abilities.way == "sglang" else 1

    def is_streamed(self, abilities: Abilities) -> bool:
        """Whether long answers are asked for in lists, each taken when it ends."""
        wanted = {"auto": {"answers"}, "on": {"answers", "tokens"}, "off": set[str]()}
        return abilities.stream in wanted[self._options.stream]

    @property
    def room(self) -> int:
        """Requests that keep every server busy, and a little more that waits at hand."""
        size = sum(endpoint.window.size for endpoint in self._endpoints)
        return size + size // 2 + min(size, self._options.list_size)

    def admit(self, jobs: list[Job]) -> None:
        """Queue requests."""
        self._loop.call_soon_threadsafe(self._admit, jobs)

    def cancel(self, request_ids: set[bytes]) -> None:
        """Give up on requests."""
        assert self._sender is not None  # begun
        self._loop.call_soon_threadsafe(self._sender.cancel, request_ids)

    def counters(self) -> dict[str, int]:
        """What happened since the start; of the servers where they say so, waits for them."""
        return self._of_servers() | {
            "resent": self._sender.resending.count if self._sender else 0,
            "defused": self._defuser.count if self._defuser else 0,
            "bounded": self._replies.bounded if self._replies else 0,
            "unproven_lengths": self._sender.unproven if self._sender else 0,
            "hedged": self._sender.hedges.doubled if self._sender else 0,
            "went_away": sum(endpoint.went_away for endpoint in self._endpoints),
        }

    def _of_servers(self) -> dict[str, int]:
        if self._metrics is None or self._loop.is_closed():
            return {}
        asked = asyncio.run_coroutine_threadsafe(self._metrics.since(), self._loop)
        try:
            found = asked.result(_METRICS_SECONDS)
        except TimeoutError:
            return {}
        return {} if found is None else {f"server_{k}": v for k, v in found._asdict().items()}

    def close(self) -> None:
        """Drop everything; safe to call twice."""
        if self._loop.is_closed():
            return
        try:
            self._loop.call_soon_threadsafe(self._stop.set)
        except RuntimeError:  # it has ended meanwhile
            return
        self._thread.join(_JOIN_SECONDS)

    def _result(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _begin(self, found: Found, expected: int | None) -> None:
        options, now = self._options, time.monotonic()
        abilities = found.abilities
        for place, root in enumerate(options.base_urls):
            window = Window(
                start=options.start_concurrency,
                most=options.concurrency,
                step=options.list_size,
                now=now,
            )
            self._endpoints.append(Endpoint(place, root, window, now=now))
        self._defuser = Defuser(found.control_texts) if abilities.way == "chat" else None
        reasoning = found.model.reasoning if abilities.thinking else None
        self._thinking = None if reasoning is None else Thinking(reasoning)
        tokenizer = found.model.tokenizer
        self._replies = Replies(abilities, tokenizer=tokenizer, thinking=self._thinking)
        self._sender = Sender(
            client=self._client,
            endpoints=self._endpoints,
            waiting=self._waiting,
            bodies=Bodies(
                abilities,
                vocabulary=found.vocabulary,
                defuser=self._defuser,
                reasoning=reasoning,
            ),
            replies=self._replies,
            options=options,
            secret=self._secret,
            examiner=found.examiner,
            lists=Lists(
                self.list_size(abilities),
                is_streamed=self.is_streamed(abilities),
                expected=expected,
            ),
            context_tokens=found.model.context_tokens,
            put=self._put,
        )
        for endpoint in self._endpoints:
            if endpoint.root in found.away:
                self._sender.lost_sight_of(endpoint)
        self._metrics = Metrics(self._client, options.base_urls)
        await self._metrics.begin()

    def _admit(self, jobs: list[Job]) -> None:
        assert self._sender is not None  # begun
        if self._thinking is not None:
            for job in jobs:
                self._thinking.begin(job)
        self._sender.admit(jobs)

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
                try:
                    await asyncio.wait_for(self._sender.close(), _CLOSE_SECONDS)
                except TimeoutError:
                    return


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - not on Windows
    except ModuleNotFoundError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
