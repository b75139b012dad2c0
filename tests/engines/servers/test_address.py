"""Where a server of ours is to listen."""

from __future__ import annotations

import socket

import pytest

from judgefast.engines.servers.address import held_address
from judgefast.errors import ConfigError


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - what users may say
def test_a_port_is_kept_until_the_server_listens_on_it(host: str) -> None:
    with held_address(host, 0) as address:
        with socket.socket() as other, pytest.raises(OSError, match="in use"):
            other.bind((host, address.port))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", address.port))
        with socket.create_server((host, address.port)):  # which says that it may be used again
            socket.create_connection(("127.0.0.1", address.port)).close()
    with (
        held_address(host, 0) as address,
        pytest.raises(ConfigError, match=f"port {address.port} of {host} is taken"),
        held_address(host, address.port),
    ):
        pass
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((host, address.port))
