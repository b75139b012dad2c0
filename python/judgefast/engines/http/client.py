"""One exchange with a server: bytes out, bytes in, or why not. Connections are kept and shared."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from judgefast.engines.http.unusable import NoReplyError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgefast.engines.http.options import HttpOptions, Secret

IDLE_SECONDS = 30.0
"""How long a connection without work is kept."""

_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_ONE_GIGABYTE = 1 << 30


class Reply(NamedTuple):
    """What a server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def words(self) -> str:
        """The beginning of the body, for a person."""
        return self.body[:2000].decode("utf-8", "replace")


class Client:
    """Keeps connections to all servers. Belongs to one event loop."""

    def __init__(self, options: HttpOptions, secret: Secret) -> None:
        self._options = options
        self._secret = secret
        self._session: aiohttp.ClientSession | None = None
        self._targets: dict[str, tuple[URL, str | None]] = {}

    async def __aenter__(self) -> Self:
        """Open for use."""
        is_tls = any(url.startswith("https:") for url in self._options.base_urls)
        connector = aiohttp.TCPConnector(
            limit=0,
            ssl=ssl.create_default_context() if is_tls else True,
            keepalive_timeout=IDLE_SECONDS,
            ttl_dns_cache=60,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._secret.headers | _JSON,
            timeout=aiohttp.ClientTimeout(
                total=self._options.timeout_seconds, sock_connect=self._options.connect_seconds
            ),
            read_bufsize=1 << 18,
        )
        return self

    async def __aexit__(self, *args: object) -> None:
        """Close every connection."""
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
        return await self._exchange("POST", url, body, most, self._options.timeout_seconds)

    async def get(self, url: str, *, seconds: float) -> Reply:
        """Ask for something.

        Raises:
            NoReplyError: No whole reply came in time.

        """
        return await self._exchange("GET", url, None, 1 << 24, seconds)

    async def _exchange(
        self, method: str, url: str, body: bytes | None, most: int, seconds: float
    ) -> Reply:
        assert self._session is not None  # used within `async with`
        target = self._targets.get(url)
        if target is None:
            target = self._targets[url] = (URL(url), _proxy_of(url))
        more: dict[str, Any] = {} if target[1] is None else {"proxy": target[1]}
        if body is None:
            more["timeout"] = aiohttp.ClientTimeout(total=seconds)
        place = target[0].authority
        try:
            async with self._session.request(
                method, target[0], data=body, allow_redirects=False, **more
            ) as response:
                raw = await _whole(response, most)
                return Reply(response.status, response.headers, raw)
        except TimeoutError:
            message = f"no answer from {place} within {seconds:g} seconds"
            raise NoReplyError(message, was_sent=True) from None
        except aiohttp.ClientConnectorError as error:
            message = f"no connection to {place}: {_cause(error)}"
            raise NoReplyError(message, was_sent=False) from None
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError, ValueError) as error:
            message = f"no whole answer from {place}: {_cause(error)}"
            raise NoReplyError(message, was_sent=True) from None


async def _whole(response: aiohttp.ClientResponse, most: int) -> bytes:
    if response.content_length is not None and response.content_length <= most:
        raw: bytes = await response.read()
        return raw
    parts, size = [], 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > most:
            response.close()
            message = f"a reply of more than {most:,} bytes"
            raise ValueError(message)
    return b"".join(parts)


def _cause(error: BaseException) -> str:
    words = str(error).strip()
    return words or type(error).__name__


def _proxy_of(url: str) -> str | None:
    """The proxy that the environment names for an address."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return None if proxy_bypass(host) else getproxies().get(parts.scheme)
