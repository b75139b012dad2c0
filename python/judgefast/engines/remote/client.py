"""One exchange with a server: bytes out, bytes in, or why not. Connections are kept and shared.

What a run is made of goes by connections of our own; proxies, and the few questions that are asked
of a server by GET, are left to aiohttp.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from judgefast import __version__
from judgefast.engines.remote.causes import cause_of
from judgefast.engines.remote.packed import unpacked
from judgefast.engines.remote.unusable import NoReplyError
from judgefast.engines.remote.wires import IDLE_SECONDS, Reply, Server, is_stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.engines.remote.options import RemoteOptions, Secret

_SAID = {
    "User-Agent": f"judgefast/{__version__}",
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Accept-Encoding": "identity",
}
"""Of every request; some hosts refuse those of nobody."""
_ONE_GIGABYTE = 1 << 30
_OK = 200


class OnItsWay(Protocol):
    """What was sent and is not answered."""

    def cancel(self) -> object:
        """Give it up."""


class Client:
    """Keeps connections to all servers. Belongs to one event loop."""

    def __init__(self, options: RemoteOptions, secret: Secret) -> None:
        self._options = options
        self._secret = secret
        self._session: aiohttp.ClientSession | None = None
        self._targets: dict[str, tuple[URL, str | None]] = {}
        self._servers: dict[str, Server | None] = {}
        self._tls: ssl.SSLContext | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Open for use, where it is not."""
        if self._session is None:
            await self.open()
        return self

    async def open(self) -> None:
        """Make what all connections share.

        Raises:
            OSError: A file that the environment names for TLS cannot be used.

        """
        is_tls = any(url.startswith("https:") for url in self._options.base_urls)
        self._tls = ssl.create_default_context() if is_tls else None
        connector = aiohttp.TCPConnector(
            limit=0,
            ssl=self._tls or True,
            keepalive_timeout=IDLE_SECONDS,
            ttl_dns_cache=60,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._secret.headers | _SAID,
            timeout=aiohttp.ClientTimeout(
                total=self._options.timeout_seconds, sock_connect=self._options.connect_seconds
            ),
            read_bufsize=1 << 18,
            auto_decompress=False,
        )

    async def __aexit__(self, *args: object) -> None:
        """Close every connection."""
        for server in self._servers.values():
            if server is not None:
                await server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, body: bytes, *, most: int = _ONE_GIGABYTE) -> Reply:
        """Send JSON.

        Args:
            url: Where to.
            body: What.
            most: Bytes that a reply may have.

        Raises:
            NoReplyError: No whole reply came, or one that is longer.

        """
        found: asyncio.Future[Reply | NoReplyError] = asyncio.get_running_loop().create_future()
        sent = self.send(url, body, most=most, done=found.set_result)
        try:
            reply = await found
        finally:
            sent.cancel()
        if isinstance(reply, NoReplyError):
            raise reply
        return reply

    def send(
        self,
        url: str,
        body: bytes,
        *,
        most: int,
        done: Callable[[Reply | NoReplyError], None],
        part: Callable[[bytes], None] | None = None,
    ) -> OnItsWay:
        """Send JSON and go on.

        Args:
            url: Where to.
            body: What.
            most: Bytes that a reply may have.
            done: Called later, once, with what came of it; never where it was given up.
            part: Called before with what comes of a stream of events, which `done` is not told of.

        """
        if url not in self._servers:
            self._servers[url] = self._server(url)
        server = self._servers[url]
        if server is not None:
            return server.send(body, most, done, part)
        task = asyncio.get_running_loop().create_task(self._relay(url, body, most, done, part))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _server(self, url: str) -> Server | None:
        """Connections of our own; None where a proxy is between, which aiohttp talks to."""
        if _proxy_of(url) is not None:
            return None
        return Server(
            URL(url),
            self._secret.headers | _SAID,
            clean=self._secret.clean,
            tls=self._tls,
            connect_seconds=self._options.connect_seconds,
            seconds=self._options.timeout_seconds,
        )

    async def _relay(
        self,
        url: str,
        body: bytes,
        most: int,
        done: Callable[[Reply | NoReplyError], None],
        part: Callable[[bytes], None] | None,
    ) -> None:
        found: Reply | NoReplyError
        seconds = self._options.timeout_seconds
        try:
            found = await self._exchange("POST", url, body, most, seconds, part)
        except NoReplyError as error:
            found = error
        asyncio.get_running_loop().call_soon(done, found)

    async def get(self, url: str, *, seconds: float) -> Reply:
        """Ask for something.

        Raises:
            NoReplyError: No whole reply came in time.

        """
        return await self._exchange("GET", url, None, 1 << 24, seconds)

    async def _exchange(  # noqa: PLR0913, PLR0917 - a request, and how it is read
        self,
        method: str,
        url: str,
        body: bytes | None,
        most: int,
        seconds: float,
        part: Callable[[bytes], None] | None = None,
    ) -> Reply:
        assert self._session is not None  # used within `async with`
        target = self._targets.get(url)
        if target is None:
            target = self._targets[url] = (URL(url), _proxy_of(url))
        more: dict[str, Any] = {} if target[1] is None else {"proxy": target[1]}
        if body is None:
            more["timeout"] = aiohttp.ClientTimeout(
                total=seconds, sock_connect=self._options.connect_seconds
            )
        place = target[0].authority
        try:
            async with self._session.request(
                method, target[0], data=body, allow_redirects=False, **more
            ) as response:
                is_part = response.status == _OK and is_stream(response.raw_headers)
                raw = await _whole(response, most, part if is_part else None)
                raw = unpacked(raw, response.headers.get("Content-Encoding", ""), most)
                return Reply(response.status, response.raw_headers, self._secret.clean(raw))
        except aiohttp.ConnectionTimeoutError:
            message = (
                f"no connection to {place}: none within {self._options.connect_seconds:g} seconds"
            )
            raise NoReplyError(message, was_sent=False) from None
        except TimeoutError:
            message = f"no answer from {place} within {seconds:g} seconds"
            raise NoReplyError(message, was_sent=True, is_timeout=True) from None
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError) as error:
            message = f"no connection to {place}: {cause_of(error)}"
            raise NoReplyError(message, was_sent=False) from None
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError, ValueError) as error:
            message = f"no whole answer from {place}: {cause_of(error)}"
            raise NoReplyError(message, was_sent=True) from None


async def _whole(
    response: aiohttp.ClientResponse, most: int, pass_on: Callable[[bytes], None] | None
) -> bytes:
    length = response.content_length
    if pass_on is None and length is not None and length <= most:
        raw: bytes = await response.read()
        return raw
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        (pass_on or parts.append)(part)
        size += len(part)
        if size > most:
            response.close()
            message = f"a reply of more than {most:,} bytes"
            raise ValueError(message)
    return b"".join(parts)


def _proxy_of(url: str) -> str | None:
    """The proxy that the environment names for an address."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return None if proxy_bypass(host) else getproxies().get(parts.scheme)
