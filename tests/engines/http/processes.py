"""Test servers as processes of their own, started and ended by a test."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Self


class _Gate:
    """Stops a process, and lets it go on: a server that hangs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def clear(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def set(self) -> None:
        self._process.send_signal(signal.SIGCONT)


class PlainServer:
    """`plain_server.py`; use it as a context manager."""

    def __init__(self, *, port: int = 0, context: int = 8192) -> None:
        script = Path(__file__).with_name("plain_server.py")
        self._command = [sys.executable, str(script), "--port", str(port), "--context", str(context)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())
        self.gate = _Gate(self._process)
        return self

    def __exit__(self, *args: object) -> None:
        self.kill()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it at once, as a machine that fails does."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()
