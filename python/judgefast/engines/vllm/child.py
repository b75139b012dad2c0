"""The process of a replica: loads the model, then works off messages from its standard input.

It leads a session of its own, so that Ctrl-C in a terminal does not reach vLLM's processes before
the engine has said what it means, and so that they can all be killed at once. A guard outside of
the session does that if the engine is killed itself: vLLM's processes do not end with their parent.

Usage: python -m judgefast.engines.vllm.child PARENT
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from judgefast.engines.child import frames
from judgefast.engines.child.lifetime import end_with
from judgefast.engines.child.messages import Cancel, Lost
from judgefast.engines.vllm import wire
from judgefast.engines.vllm.warming import read_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from judgefast.engines.vllm.loop import Loop

    Send = Callable[[wire.FromChild], None]

_GUARD = """
while kill -0 "$1" && ! grep -q '^State:.Z' "/proc/$1/status"; do sleep 1; done
kill -9 "-$1"
"""
"""`kill -9 -- -PID` is an error in some shells."""


def main() -> None:
    """Serve until the parent closes our input, or dies."""
    end_with(int(sys.argv[1]))
    # Whatever others print or read must not get between the frames.
    output = os.fdopen(os.dup(1), "wb")
    source = os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    guard_session()
    messages: queue.SimpleQueue[wire.ToChild] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(source, messages), daemon=True).start()
    try:
        _serve(messages, lambda message: frames.write(output, message))
    except BrokenPipeError:
        pass  # the parent is gone
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        frames.write(output, Lost(words_of(error)))
    os._exit(1)  # vLLM's processes go with the session


def guard_session() -> None:
    """Have a shell outside of our session kill all of it once we are gone.

    It looks, once a second, whether we are there: a pipe would stay open in vLLM's own processes. A
    dead process that nobody waits for, as in many containers, is not there.
    """
    if os.getsid(0) != os.getpid():
        return  # started by hand, in somebody's terminal
    subprocess.Popen(  # noqa: S603 - a constant script
        ["/bin/sh", "-c", _GUARD, "guard", str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def words_of(error: BaseException) -> str:
    """Kind of an error and the last line that it says anything in.

    Pydantic, which checks vLLM's arguments, names it a line before it says what is wrong.
    """
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and lines[-1].startswith("For further information visit"):
        lines = [": ".join(lines[-3:-1])]
    return f"{type(error).__name__}: {lines[-1]}" if lines else type(error).__name__


def _listen(source: BinaryIO, messages: queue.SimpleQueue[wire.ToChild]) -> None:
    """Hand on what comes in; end the process with its input."""
    while (payload := frames.read(source)) is not None:
        messages.put(wire.to_child.decode(payload))
    os._exit(0)


def _serve(messages: queue.SimpleQueue[wire.ToChild], send: Send) -> None:
    clock = Clock()
    first = messages.get()
    if isinstance(first, wire.Warm | wire.Load) and first.devices is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = first.devices
    if isinstance(first, wire.Warm):
        read_once(first.weights)
    from judgefast.engines.vllm.launch import facts_of, import_vllm, launch  # noqa: PLC0415 - imports vLLM
    from judgefast.engines.vllm.loop import Loop  # noqa: PLC0415 - as above

    import_vllm()
    clock.lap("import")
    load = messages.get() if isinstance(first, wire.Warm) else first
    clock.lap("waiting")
    if not isinstance(load, wire.Load):
        words = "the first message must say what to load"
        raise TypeError(words)
    engine = launch(load.arguments)
    loop = Loop(engine, send)
    facts = facts_of(engine)
    clock.lap("start")
    send(wire.Ready(pid=os.getpid(), load_seconds=clock.total, startup=clock.seconds, facts=facts))
    while True:
        if loop.idle:
            _obey(loop, messages.get())
        while True:
            try:
                message = messages.get_nowait()
            except queue.Empty:
                break
            _obey(loop, message)
        loop.turn()


class Clock:
    """What time since the start of the process was spent on."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = self._began = time.monotonic()

    def lap(self, name: str) -> None:
        """Say what the time since the last call was spent on."""
        now = time.monotonic()
        self.seconds[name], self._last = now - self._last, now

    @property
    def total(self) -> float:
        """Seconds of all laps."""
        return self._last - self._began


def _obey(loop: Loop, message: wire.ToChild) -> None:
    if isinstance(message, wire.Work):
        loop.add(message)
    elif isinstance(message, Cancel):
        loop.cancel(message.numbers)


if __name__ == "__main__":
    main()
