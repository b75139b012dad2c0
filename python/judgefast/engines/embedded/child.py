"""The engine process: loads the model, then works off messages from its standard input.

A damaged file or an unlucky grammar kills or hangs the process that runs the model, and a step
holds the interpreter lock; so this is a process that the engine can kill.

Usage: python -m judgefast.engines.embedded.child PARENT
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from typing import TYPE_CHECKING

from judgefast.engines.child import frames
from judgefast.engines.child.lifetime import end_with
from judgefast.engines.child.messages import Cancel, Lost
from judgefast.engines.embedded import wire
from judgefast.engines.embedded.native import load_openvino

if TYPE_CHECKING:
    from typing import BinaryIO

    from judgefast.engines.embedded.scheduler import Scheduler


def main() -> None:
    """Serve until the parent closes our input, or dies."""
    end_with(int(sys.argv[1]))
    # Whatever others print or read must not get between the frames.
    output = os.fdopen(os.dup(1), "wb")
    source = os.fdopen(os.dup(0), "rb")
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    messages: queue.SimpleQueue[wire.ToChild] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(source, messages), daemon=True).start()
    try:
        _serve(messages, lambda message: frames.write(output, message))
    except BrokenPipeError:
        os._exit(0)  # the parent is gone
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent must hear of it
        from judgefast.engines.embedded.pipeline import last_line  # noqa: PLC0415 - the rare case

        frames.write(output, Lost(last_line(error)))
        os._exit(1)  # native threads may keep a normal exit waiting


def _listen(source: BinaryIO, messages: queue.SimpleQueue[wire.ToChild]) -> None:
    """Hand on what comes in; end the process with its input. It gets its turn between steps."""
    while (payload := frames.read(source)) is not None:
        messages.put(wire.to_child.decode(payload))
    os._exit(0)


def _serve(messages: queue.SimpleQueue[wire.ToChild], send: wire.Send) -> None:
    load = messages.get()
    if not isinstance(load, wire.Load):
        words = "the first message must say what to load"
        raise TypeError(words)
    begin = time.monotonic()
    openvino, genai = load_openvino()
    from judgefast.engines.embedded.scheduler import Scheduler  # noqa: PLC0415 - heavy

    scheduler = Scheduler(load, send)
    ready = wire.Ready(
        pid=os.getpid(),
        load_seconds=time.monotonic() - begin,
        openvino=openvino.__version__,
        openvino_genai=genai.__version__,
        cores=os.cpu_count() or 1,
    )
    send(ready)
    while True:
        if scheduler.idle:
            scheduler.beat(at_once=True)
            _obey(scheduler, messages.get())
        while True:
            try:
                message = messages.get_nowait()
            except queue.Empty:
                break
            _obey(scheduler, message)
        scheduler.turn()


def _obey(scheduler: Scheduler, message: wire.ToChild) -> None:
    if isinstance(message, wire.Work):
        scheduler.put(message)
    elif isinstance(message, Cancel):
        scheduler.cancel(message.numbers)


if __name__ == "__main__":
    main()
