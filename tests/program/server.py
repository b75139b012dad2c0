"""Has imported what commands import, and forks a process for each that is asked for.

Usage: python -m tests.program.server SOCKET; it ends when its stdin is closed.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import select
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import judgefast.cli

MODULES = [
    *(f"judgefast.cli.{module.name}" for module in iter_modules(judgefast.cli.__path__)),
    *("judgefast.pipeline.panel", "judgefast.pipeline.run", "judgefast.pipeline.results"),
    *("judgefast.engines.replay", "pyarrow.parquet", "scipy.special", "tests.crash.things"),
]


def main(address: str) -> None:
    """Serve until stdin is closed; in a process of a command, run that module."""
    for name in MODULES:
        import_module(name)
    with suppress(ImportError):  # Arrow imports it wherever it is
        import_module("pandas")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        gc.freeze()  # else each process, as it ends, would go through all that is imported
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while listening in select.select([listening, sys.stdin], [], [])[0]:
            connection, _ = listening.accept()
            if os.fork() == 0:
                break
            connection.close()
        else:
            return
    runpy.run_module(_watch(connection), run_name="__main__", alter_sys=True)


def _watch(connection: socket.socket) -> str:
    """Fork the process that is asked for, in which alone this returns: the module to run.

    Tells its id and how it has ended, and kills all that it has started when nobody asks any more.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size, streams, _, _ = socket.recv_fds(connection, 8, 3)
    asked = json.loads(connection.recv(int.from_bytes(size, "big"), socket.MSG_WAITALL))
    ended, held = os.pipe()
    child = os.fork()
    if child == 0:
        connection.close()
        return _become(asked, streams)
    for each in (held, *streams):
        os.close(each)
    connection.sendall(child.to_bytes(8, "big"))
    while ended not in select.select([connection, ended], [], [])[0]:
        number = connection.recv(1)
        if not number:
            os.killpg(child, signal.SIGKILL)
            break
        os.kill(child, number[0])
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(OSError):  # nobody asks any more
        connection.sendall(status.to_bytes(8, "big", signed=True))
    os._exit(0)


def _become(asked: dict[str, Any], streams: list[int]) -> str:
    """Take over the words, the folder, the variables and the streams of whoever asked."""
    os.setsid()
    for place, each in enumerate(streams):
        os.dup2(each, place)
        os.close(each)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["variables"])
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [asked["folder"], *filter(None, given)]
    module: str
    module, *sys.argv[1:] = asked["words"]
    return module


if __name__ == "__main__":
    main(sys.argv[1])
