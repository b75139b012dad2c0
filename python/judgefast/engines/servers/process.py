"""The server as a child: started, listened to, told to end, and gone with all that it started.

It leads a session of its own: Ctrl-C in a terminal reaches judgefast alone, which passes it on to
the leader, and the leader ends the others in its own order. What is left then is killed. If
judgefast itself is killed, a guard outside of the session does the same.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, cast

from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType
    from typing import BinaryIO

_SIGNALS: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Windows has no SIGHUP; `--print` must run there."""

_TAIL_LINES = 20
_LINE_BYTES = 1 << 16
_POLL_SECONDS = 0.1
_LAST_WORDS_SECONDS = 1.0

_GUARD = """
while kill -0 "$1" && ! grep -q '^State:.Z' "/proc/$1/status"; do sleep 1; done
kill -TERM "$2"
for second in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$2" && sleep 1; done
kill -9 "-$2"
"""
"""`$1` is judgefast, `$2` the server. `kill -9 -- -PID` is an error in some shells."""


class ServerProcess:
    """A server that runs while its `with` block does, and is given the signals that come in it.

    Args:
        command: Program and arguments.
        environment: Its whole environment.
        echo: Takes what it says, as it comes, in a thread of its own.

    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        echo: Callable[[bytes], None],
    ) -> None:
        self.grace_seconds = 10.0
        """From the first signal on, after which it is killed: while it loads it may not listen."""
        self._command = command
        self._environment = environment
        self._echo = echo
        self._tail: deque[bytes] = deque(maxlen=_TAIL_LINES)
        self._signalled: float | None = None
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Start it.

        Raises:
            ConfigError: There is no such program, or it is none.

        """
        # First of all: what we handle is back at its default in the child, what we ignore is not.
        self._handlers = {number: signal.signal(number, self._pass_on) for number in _SIGNALS}
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user's own program, no shell
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            self._restore_handlers()
            message = f"`{self._command[0]}` cannot be started: {error.strerror}"
            hint = "install vLLM anew, or put another first on PATH"
            raise ConfigError(message, hint=hint) from None
        self.pid = self._process.pid
        self._guard = subprocess.Popen(  # noqa: S603 - a constant script
            ["/bin/sh", "-c", _GUARD, "guard", str(os.getpid()), str(self.pid)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True, name="judgefast-server-log")
        self._reader.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Kill what is left of it, the guard last."""
        self._kill()
        self._process.wait()
        self._reader.join(_LAST_WORDS_SECONDS)
        with suppress(OSError):
            os.killpg(self._guard.pid, signal.SIGKILL)
        self._guard.wait()
        self._restore_handlers()

    @property
    def was_told(self) -> bool:
        """Whether a signal was passed on to it."""
        return self._signalled is not None

    @property
    def last_words(self) -> str:
        """Its last lines."""
        self._reader.join(_LAST_WORDS_SECONDS)
        return b"".join(self._tail).decode(errors="replace").rstrip("\n")

    def poll(self) -> int | None:
        """Its exit status, as a shell has it; None while it runs. Kills it when time is up."""
        if self._signalled is not None and time.monotonic() - self._signalled > self.grace_seconds:
            self._kill()
        status = self._process.poll()
        return status if status is None or status >= 0 else 128 - status

    def ended_within(self, seconds: float) -> bool:
        """Whether it has ended, or does before time is up."""
        until = time.monotonic() + seconds
        while self.poll() is None:
            if time.monotonic() > until:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def wait(self) -> int:
        """Wait for its end; returns the status of `poll`."""
        while (status := self.poll()) is None:
            time.sleep(_POLL_SECONDS)
        return status

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        """The first goes to the leader, which ends the others; the second kills them all."""
        del frame
        if self._signalled is not None:
            self._kill()
            return
        self._signalled = time.monotonic()
        with suppress(OSError, AttributeError):  # AttributeError: it is being started
            self._process.send_signal(number)

    def _restore_handlers(self) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def _kill(self) -> None:
        with suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)

    def _read(self) -> None:
        stream = cast("BinaryIO", self._process.stdout)
        with suppress(OSError, ValueError), stream:
            while line := stream.readline(_LINE_BYTES):
                self._tail.append(line)
                self._echo(line)
