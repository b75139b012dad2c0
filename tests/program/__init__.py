"""`judgefast` for tests that start it often: forked from a process that has imported it already.

A command imports 700 modules, which takes ten times as long as what most tests ask of it. Tests of
signals and of streams that fail start an interpreter of their own.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import judgefast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Forked", "program"]

_HERE = Path(__file__).resolve().parent


def program() -> list[str]:
    """The words in front of a command's own, in place of `python -m judgefast`."""
    return [sys.executable, "-IS", str(_HERE / "client.py"), str(_server())]


class Forked:
    """A module that runs as a program, in a session of its own, without a client before it."""

    def __init__(self, words: Sequence[str], folder: Path, variables: Mapping[str, str]) -> None:
        self._said = TemporaryDirectory(prefix="judgefast-tests-")
        self._out, self._err = (Path(self._said.name) / name for name in ("out", "err"))
        self._server = socket.socket(socket.AF_UNIX)
        self._server.connect(str(_server()))
        asked = {"words": words, "folder": str(folder), "variables": dict(variables)}
        body = json.dumps(asked).encode()
        size = len(body).to_bytes(8, "big")
        with (
            Path(os.devnull).open() as none,
            self._out.open("wb") as out,
            self._err.open("wb") as err,
        ):
            socket.send_fds(self._server, [size], [none.fileno(), out.fileno(), err.fileno()])
        self._server.sendall(body)
        self.pid = self._next()

    def has_ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return bool(select.select([self._server], [], [], 0)[0])

    def kill(self) -> None:
        """End all its processes at once, if they have not ended."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def end(self) -> tuple[int, str, str]:
        """Wait for its end: status, stdout, stderr."""
        with self._said, self._server:
            return self._next(), self._out.read_text("utf-8"), self._err.read_text("utf-8")

    def _next(self) -> int:
        return int.from_bytes(self._server.recv(8, socket.MSG_WAITALL), "big", signed=True)


@cache
def _server() -> Path:
    """The address of the process that forks; it ends with the tests."""
    folder = TemporaryDirectory(prefix="judgefast-tests-")
    address = Path(folder.name) / "program"
    paths = [str(Path(judgefast.__file__).parents[1]), str(_HERE.parents[1])]
    server = subprocess.Popen(
        [sys.executable, "-m", f"{__name__}.server", str(address)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )

    def end() -> None:
        server.communicate()
        folder.cleanup()

    atexit.register(end)
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    return address
