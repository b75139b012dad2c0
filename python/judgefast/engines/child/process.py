"""The engine process as its owner sees it: started, written to, listened to, killed."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import msgspec

from judgefast.engines.child import frames
from judgefast.engines.child.lifetime import python_command, python_environment

if TYPE_CHECKING:
    from typing import BinaryIO

    from judgefast.engines.child.messages import Dialect

_TAIL_BYTES = 4096
_WAIT_SECONDS = 5.0
_LAST_WORDS_SECONDS = 1.0


class Heard(msgspec.Struct, frozen=True):
    """What came from a process: a message, or None when it has ended."""

    generation: int
    message: msgspec.Struct | None


class EngineProcess:
    """One process. Start it in a thread that lives as long as it should: it ends with that thread.

    Three threads serve it: one writes, so that a process in a long step holds nobody up; one reads
    into `inbox`; and one waits for its end, since a stray process that it left behind may hold its
    pipes open.
    """

    def __init__(
        self,
        generation: int,
        inbox: queue.SimpleQueue[object],
        dialect: Dialect,
        load: msgspec.Struct,
    ) -> None:
        self.generation = generation
        self._inbox = inbox
        self._dialect = dialect
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the process is reaped
        self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
            python_command(dialect.module, str(os.getpid())),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=python_environment(),
            start_new_session=dialect.own_session,
        )
        self._how = ""
        self._outgoing: queue.SimpleQueue[msgspec.Struct | None] = queue.SimpleQueue()
        self._outgoing.put(load)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        for work in (self._write, self._watch):
            threading.Thread(target=work, daemon=True).start()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    def send(self, message: msgspec.Struct) -> None:
        """Queue a message for it; never waits."""
        self._outgoing.put(message)

    def kill(self) -> None:
        """End it at once."""
        with suppress(OSError):
            if self._dialect.own_session:
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def reap(self) -> str:
        """Kill it if need be, free what it held; returns how it ended, in words."""
        if self._said.closed:
            return self._how
        self.kill()
        self._outgoing.put(None)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_WAIT_SECONDS)
        code = self._process.returncode
        self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, self._said.tell() - _TAIL_BYTES))
        lines = [line.strip() for line in self._said.read().decode(errors="replace").splitlines()]
        self._said.close()
        how = f"exit status {code}" if code is None or code >= 0 else f"signal {-code}"
        last = next((line for line in reversed(lines) if line), "")
        self._how = f"{how}; it said: {last}" if last else how
        return self._how

    def _write(self) -> None:
        stream = cast("BinaryIO", self._process.stdin)
        with suppress(OSError, ValueError):  # it ended; the reader tells
            while (message := self._outgoing.get()) is not None:
                frames.write(stream, message)
        with suppress(OSError):
            stream.close()

    def _read(self) -> None:
        stream = cast("BinaryIO", self._process.stdout)
        with suppress(OSError, ValueError, msgspec.DecodeError):
            while (payload := frames.read(stream)) is not None:
                self._inbox.put(Heard(self.generation, self._dialect.decode(payload)))
        with suppress(OSError):
            stream.close()

    def _watch(self) -> None:
        self._process.wait()
        self._reader.join(_LAST_WORDS_SECONDS)
        self._inbox.put(Heard(self.generation, None))
