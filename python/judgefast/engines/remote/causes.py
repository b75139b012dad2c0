"""Why nothing came, in words that hold no name of a library's own."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Awaitable

_SECONDS = 2.0


def cause_of(error: BaseException) -> str:
    """An error of a connection in words.

    >>> cause_of(ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 9)"))
    'Connection refused'
    """
    inner = getattr(error, "os_error", None)  # aiohttp puts the address before it
    if isinstance(inner, BaseException):
        return cause_of(inner)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate verify failed: {error.verify_message}"
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror | ssl.SSLError):
        number = error.errno or 0
        if number > 0:
            return os.strerror(number)
    words = getattr(error, "strerror", None) or str(error)
    return str(words).strip() or type(error).__name__


async def other_scheme(root: str) -> str:
    """What to write instead, where a server speaks http and was asked by https, or the reverse.

    Nothing of ours is sent, the key least of all. Empty where that is not the reason.
    """
    parts = urlsplit(root)
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    work: Awaitable[bool] = (
        _speaks_http(parts.hostname, port) if is_tls else _speaks_tls(parts.hostname, port)
    )
    try:
        is_so = await asyncio.wait_for(work, _SECONDS)
    except (OSError, asyncio.IncompleteReadError):  # a time-out is one, too
        return ""
    scheme, other = ("https", "http") if is_tls else ("http", "https")
    return f"it speaks {other}, not {scheme}: write {other}{root[len(scheme) :]}" if is_so else ""


async def _speaks_http(host: str | None, port: int) -> bool:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return await reader.readexactly(5) == b"HTTP/"
    finally:
        writer.close()


async def _speaks_tls(host: str | None, port: int) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent: that it greets is all that is asked
    _, writer = await asyncio.open_connection(host, port, ssl=context)
    writer.close()
    return True
