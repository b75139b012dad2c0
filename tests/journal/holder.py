"""Opens a run for writing and stays; with `fork`, leaves a child that outlives it."""

from __future__ import annotations

import os
import sys
import time

from judgefast.journal.run_directory import RunDirectory


def main(path: str, how: str) -> None:
    """Hold `path`, say which process will outlive this one, and wait."""
    run = RunDirectory.open(path, write=True)
    if how != "fork" or os.fork() == 0:
        os.write(1, f"{os.getpid()}\n".encode())
    time.sleep(60)
    run.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
