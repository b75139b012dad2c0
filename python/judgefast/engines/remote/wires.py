"""Connections of our own: one request at a time on each, told of by a call instead of a task.

HTTP/1.1 is read by httptools. A session of aiohttp makes some thirty objects and six turns of the
event loop for a request; here it is two writes and one call, and one timer sees to all that wait.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import httptools
from multidict import CIMultiDict

from judgefast.engines.remote.causes import cause_of
from judgefast.engines.remote.packed import unpacked
from judgefast.engines.remote.unusable import NoReplyError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping, Sequence

    from yarl import URL

IDLE_SECONDS = 30.0
"""How long a connection without work is kept."""

_TICK = 0.002
"""Timers are exact to so many seconds."""
_HEAD_BYTES = 1 << 16
_CODING = b"content-encoding"
_FIRST_FINAL = 200
"""Statuses below it announce another reply."""


class Reply(NamedTuple):
    """What a server said."""

    status: int
    fields: Sequence[tuple[bytes, bytes]]
    """Names and values of its head, as they came."""
    body: bytes

    @property
    def headers(self) -> Mapping[str, str]:
        """Values by name, in any case."""
        return CIMultiDict(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in self.fields
        )

    @property
    def words(self) -> str:
        """The beginning of the body, for a person."""
        return self.body[:2000].decode("utf-8", "replace")


class Exchange:
    """A request on its way."""

    __slots__ = ("body", "done", "most", "part", "server", "until", "work")

    def __init__(  # noqa: PLR0913, PLR0917 - a request and who takes what comes of it
        self,
        server: Server,
        body: bytes,
        most: int,
        done: Callable[[Reply | NoReplyError], None],
        until: float,
        part: Callable[[bytes], None] | None,
    ) -> None:
        self.server, self.body, self.most, self.until = server, body, most, until
        self.part = part
        """Takes a stream of events as it comes; what is no such stream is handed over whole."""
        self.done: Callable[[Reply | NoReplyError], None] | None = done
        self.work: Wire | asyncio.Task[None] | None = None

    def end(self, found: Reply | NoReplyError) -> None:
        """Hand over what came, if anybody waits for it."""
        done = self._leave()
        if done is not None:
            done(found)

    def cancel(self) -> None:
        """Give it up; nothing is called any more."""
        work = self.work
        if self._leave() is not None and work is not None:
            work.cancel()

    def _leave(self) -> Callable[[Reply | NoReplyError], None] | None:
        done, self.done, self.work = self.done, None, None
        self.server.flying.pop(self, None)
        return done


class Server:
    """An address, and the connections to it.

    Args:
        url: Where requests go.
        headers: Of each of them.
        clean: Takes out of a reply what is secret.
        tls: How certificates are checked.
        connect_seconds: Longest wait for a connection.
        seconds: Longest wait for an answer.

    """

    def __init__(  # noqa: PLR0913 - what goes to it and how, by keyword
        self,
        url: URL,
        headers: Mapping[str, str],
        *,
        clean: Callable[[bytes], bytes],
        tls: ssl.SSLContext | None,
        connect_seconds: float,
        seconds: float,
    ) -> None:
        self.place, self.clean = url.authority, clean
        self._at = (url.raw_host or "", url.port or 0)
        self._tls = tls if url.scheme == "https" else None
        self._connect_seconds, self._seconds = connect_seconds, seconds
        given = {"Host": url.raw_authority, **headers}
        lines = [f"POST {url.raw_path_qs} HTTP/1.1", *(f"{k}: {v}" for k, v in given.items())]
        self._head = ("\r\n".join(lines) + "\r\nContent-Length: ").encode() + b"%d\r\n\r\n"
        self._idle: deque[Wire] = deque()
        self.flying: dict[Exchange, None] = {}
        """In the order of their ends."""
        self._timer: asyncio.TimerHandle | None = None

    def send(
        self,
        body: bytes,
        most: int,
        done: Callable[[Reply | NoReplyError], None],
        part: Callable[[bytes], None] | None = None,
    ) -> Exchange:
        """Send JSON; `done` is called later with what came of it, unless it is given up."""
        now = time.monotonic()
        exchange = Exchange(self, body, most, done, now + self._seconds, part)
        self.flying[exchange] = None
        loop = asyncio.get_running_loop()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds + _TICK, self._look_at_clock)
        while self._idle:
            wire = self._idle.pop()
            if wire.is_open and now - wire.idle_since < IDLE_SECONDS:
                wire.send(exchange)
                return exchange
            wire.cancel()
        exchange.work = loop.create_task(self._connect(exchange))
        return exchange

    def head(self, size: int) -> bytes:
        """What goes before a body of so many bytes."""
        return self._head % size

    def take_back(self, wire: Wire) -> None:
        """Keep a connection that has nothing to do, and drop those that had nothing for long."""
        wire.idle_since = time.monotonic()
        self._idle.append(wire)
        while self._idle[0].idle_since < wire.idle_since - IDLE_SECONDS:
            self._idle.popleft().cancel()

    async def close(self) -> None:
        """End all that is on its way."""
        if self._timer is not None:
            self._timer.cancel()
        works = [exchange.work for exchange in self.flying]
        for exchange in list(self.flying):
            exchange.cancel()
        while self._idle:
            self._idle.pop().cancel()
        tasks = [work for work in works if isinstance(work, asyncio.Task)]
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connect(self, exchange: Exchange) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, wire = await loop.create_connection(lambda: Wire(self), *self._at, ssl=self._tls)
        except (OSError, ValueError) as error:  # a time-out is an OSError too
            is_late = isinstance(error, TimeoutError) and error.errno is None
            words = f"none within {self._connect_seconds:g} seconds" if is_late else cause_of(error)
            message = f"no connection to {self.place}: {words}"
            loop.call_soon(exchange.end, NoReplyError(message, was_sent=False))
            return
        if exchange.done is None:
            self.take_back(wire)
        else:
            wire.send(exchange)

    def _look_at_clock(self) -> None:
        """End what has waited for too long, and come back when the next one would."""
        self._timer = None
        now = time.monotonic()
        while self.flying:
            exchange = next(iter(self.flying))
            if exchange.until > now:
                wait = exchange.until - now + _TICK
                self._timer = asyncio.get_running_loop().call_later(wait, self._look_at_clock)
                return
            message = f"no answer from {self.place} within {self._seconds:g} seconds"
            done = exchange.done
            exchange.cancel()
            if done is not None:
                done(NoReplyError(message, was_sent=True, is_timeout=True))


class Wire(asyncio.Protocol):
    """One connection. Its methods without a docstring are called by the loop and by the parser."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._exchange: Exchange | None = None
        self._parser = httptools.HttpResponseParser(self)
        self.idle_since = 0.0
        self.is_open = False
        self._begin()

    def _begin(self) -> None:
        self._status = 0
        self._fields: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []
        self._size = 0
        self._problem = self._coding = ""
        self._is_whole = self._is_kept = self._has_head = self._is_stream = False

    def send(self, exchange: Exchange) -> None:
        """Send a request; nothing else is on its way here."""
        self._exchange, exchange.work = exchange, self
        self._begin()
        self._transport.writelines((self._server.head(len(exchange.body)), exchange.body))

    def cancel(self) -> None:
        """Close, whatever is on its way."""
        self._exchange = None
        self.is_open = False
        self._transport.abort()

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401, D102 - see the class
        self._transport = transport
        self.is_open = True

    def data_received(self, data: bytes) -> None:  # noqa: D102 - see the class
        if self._exchange is None:  # nobody has asked
            self.cancel()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._problem = self._problem or str(error) or type(error).__name__
        if self._is_stream and self._parts:
            self._pass_on()
            if self._exchange is None:  # given up by whoever took it
                return
        if self._problem:
            self._fail(self._problem)
        elif self._is_whole:
            self._hand_over()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102 - see the class
        self.is_open = False
        if self._exchange is None:
            return
        names = {name.lower() for name, _ in self._fields}
        is_to_the_end = not names & {b"content-length", b"transfer-encoding"}
        if exc is None and self._has_head and is_to_the_end:
            self._hand_over()
        else:
            self._fail(str(exc or "") or "the connection was closed")

    def on_header(self, name: bytes, value: bytes) -> None:  # noqa: D102 - see the class
        self._fields.append((name, value))
        self._size += len(name) + len(value)
        if len(name) == len(_CODING) and name.lower() == _CODING:
            self._coding = value.decode("latin-1")
        if self._size > _HEAD_BYTES:
            self._problem = f"a head of more than {_HEAD_BYTES:,} bytes"

    def on_headers_complete(self) -> None:  # noqa: D102 - see the class
        self._size = 0
        self._has_head = True
        self._status = self._parser.get_status_code()
        exchange = self._exchange
        if exchange is not None and exchange.part is not None and self._status == _FIRST_FINAL:
            self._is_stream = is_stream(self._fields) and not self._coding

    def on_body(self, body: bytes) -> None:  # noqa: D102 - see the class
        self._parts.append(body)
        self._size += len(body)
        if self._exchange is not None and self._size > self._exchange.most:
            self._problem = f"a reply of more than {self._exchange.most:,} bytes"
            self._parts.clear()

    def on_message_complete(self) -> None:  # noqa: D102 - see the class
        if self._status < _FIRST_FINAL:
            self._begin()
        elif self._is_whole:
            self._problem = "two replies to one request"
        else:
            self._is_whole, self._is_kept = True, self._parser.should_keep_alive()

    def _pass_on(self) -> None:
        """Hand on what has come of a stream; not from within the parser, for it may be given up."""
        data = b"".join(self._parts)
        self._parts.clear()
        assert self._exchange is not None  # asked by the caller
        assert self._exchange.part is not None  # or it would be no stream
        self._exchange.part(data)

    def _hand_over(self) -> None:
        exchange = self._exchange
        assert exchange is not None  # asked by the callers
        body = b"".join(self._parts)
        if self._coding:
            try:
                body = unpacked(body, self._coding, exchange.most)
            except ValueError as error:
                self._fail(str(error))
                return
        self._exchange = None
        reply = Reply(self._status, self._fields, self._server.clean(body))
        if self._is_kept and self.is_open and not self._transport.get_write_buffer_size():
            self._server.take_back(self)
        else:
            self.cancel()
        exchange.end(reply)

    def _fail(self, words: str) -> None:
        exchange = self._exchange
        self.cancel()
        if exchange is not None:
            message = f"no whole answer from {self._server.place}: {words}"
            exchange.end(NoReplyError(message, was_sent=True))


def is_stream(fields: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether a head announces server-sent events."""
    kinds = [value for name, value in fields if name.lower() == b"content-type"]
    return any(b"text/event-stream" in kind.lower() for kind in kinds)
