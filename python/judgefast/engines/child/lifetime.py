"""How a process of ours ends with the one that started it."""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Have the kernel kill this process once process `parent` ends; ignore Ctrl-C meanwhile.

    Ctrl-C goes to the whole group: what it means is for the parent to say. Where the kernel has no
    such signal (only Linux has) the closed pipe must do.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform.startswith("linux"):
        import ctypes  # noqa: PLC0415 - Linux only

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(0)


def python_command(module: str, *arguments: str) -> list[str]:
    """Command that runs a module of ours with this Python, whatever lies in the current folder."""
    return [sys.executable, "-P", "-m", module, *arguments]


def python_environment() -> dict[str, str]:
    """Environment in which that command finds what this process finds."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
