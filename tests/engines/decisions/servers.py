"""Real decision servers for tests, each a process of its own that ends with the block."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from judgefast.engines.servers.address import held_address
from tests.engines.http.llama import serve_llama

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["serve_laya", "serve_llama", "serve_sparrow"]

BIN = Path(sys.executable).parent
_SECONDS = 30.0


@contextmanager
def serve_sparrow() -> Iterator[str]:
    """sparrow-decider's own server over its bundled models: numbers that are not trivial."""
    with _served([str(BIN / "sparrow-decider"), "serve", "--host", "127.0.0.1"], {}) as url:
        yield url


@contextmanager
def serve_laya(**settings: str) -> Iterator[str]:
    """laya-serve over its fake backend: every answer is even, and its errors have their own shape.

    Args:
        settings: Of the server, as its environment has them.

    """
    told = {f"LAYA_SERVE_{name.upper()}": value for name, value in settings.items()}
    command = [str(BIN / "laya-serve"), "--host", "127.0.0.1"]
    with _served(command, {"LAYA_SERVE_BACKEND": "fake"} | told) as url:
        yield url


@contextmanager
def _served(command: list[str], environment: dict[str, str]) -> Iterator[str]:
    with held_address("127.0.0.1", 0) as address:
        process = subprocess.Popen(
            [*command, "--port", str(address.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | environment,
        )
        try:
            _wait(address.port, process)
            yield f"http://127.0.0.1:{address.port}"
        finally:
            process.kill()
            process.communicate()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    message = f"port {port} does not come up (status {process.poll()})"
    raise RuntimeError(message)
