"""`judgefast` for tests that start it often: forked from a process that has imported it already.

A command imports 700 modules, which takes ten times as long as what most tests ask of it. Tests of
signals, of streams that fail and of processes that are killed start an interpreter of their own.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import judgefast

__all__ = ["program"]

_HERE = Path(__file__).resolve().parent


@cache
def program() -> list[str]:
    """The words in front of a command's own, in place of `python -m judgefast`."""
    folder = tempfile.TemporaryDirectory(prefix="judgefast-tests-")
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
    return [sys.executable, "-IS", str(_HERE / "client.py"), str(address)]
