"""Where a server listens, and where it is asked."""

from __future__ import annotations

import errno
import re
import socket
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import msgspec

from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - names of theirs
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_LAST_PORT = 65535
_HOST = re.compile(r"[\w.-]*|[\da-fA-F:.]+(%\w+)?")


class Address(msgspec.Struct, frozen=True):
    """Host and port of a server."""

    host: str
    port: int

    @property
    def is_private(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in _LOOPBACK

    @property
    def asked(self) -> str:
        """Host that reaches it from this machine."""
        return _EVERYWHERE.get(self.host, self.host)

    @property
    def base_url(self) -> str:
        """As clients of OpenAI's interface want it."""
        host = f"[{self.asked}]" if ":" in self.asked else self.asked
        return f"http://{host}:{self.port}/v1"


def read_address(host: str, port: int) -> Address:
    """An address as it is written, on whatever machine it will be.

    Raises:
        ConfigError: The port is not allowed, or the host is no name and no address.

    """
    if not 0 <= port <= _LAST_PORT:
        message = f"--port is {port}; it must be from 0 to {_LAST_PORT}"
        raise ConfigError(message, hint="say --port 8000, or --port 0 for a free one")
    if not _HOST.fullmatch(host):
        message = f"--host is {host!r}, which is no name of a machine and no address"
        raise ConfigError(message, hint="say --host 127.0.0.1, or --host 0.0.0.0 for all of it")
    return Address(host, port)


@contextmanager
def held_address(host: str, port: int) -> Iterator[Address]:
    """An address that nobody listens on, kept for our server until the block ends.

    Port 0 becomes a free one. vLLM listens only after it has loaded its code, and what is let go of
    meanwhile is any other program's. So the port stays bound, for reuse: a server that says the
    same of its own socket, as vLLM does, may listen there, and the system gives the port to nobody
    who asks for any. Another `serve-judge` is told by a name. All of this is Linux's way.

    Raises:
        ConfigError: The port is taken or not allowed, or the host is not of this machine.

    """
    read_address(host, port)
    with ExitStack() as stack:
        try:
            family, kind, protocol, _, place = socket.getaddrinfo(
                host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            holding = stack.enter_context(socket.socket(family, kind, protocol))
            holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            holding.bind(place)
            address = Address(host, holding.getsockname()[1])
            if sys.platform == "linux":
                named = stack.enter_context(socket.socket(socket.AF_UNIX))
                named.bind(f"\0judgefast serves port {address.port}")
            else:
                holding.close()
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                message = f"port {port} of {host} is taken"
                hint = "end what listens there, or say --port 0 for a free one"
            else:
                message = f"cannot listen on port {port} of {host}: {error.strerror}"
                hint = "--host takes an address of this machine, --port one from 1024 on"
            raise ConfigError(message, hint=hint) from None
        yield address
