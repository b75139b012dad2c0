"""Does one thing again and again, each time in a process that dies one system call later.

`python -m tests.crash.dying THING FOLDER`: `FOLDER/base` is what the thing begins with; what the
n-th process left is in `FOLDER/<n>`, and one line for each says what it was about to do.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgefast.config import RunConfig
from judgefast.engines.base import Completion
from judgefast.journal import open_segment, writer
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline.run import run
from tests.crash.things import (
    ACKNOWLEDGED,
    FIRST,
    ITEMS,
    PLANNED,
    WAITING,
    engine_of,
    plan_part,
    rows_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = ("rename", "replace", "unlink", "rmdir", "mkdir", "fsync", "fdatasync", "write")
MOST = 400


def journal(folder: Path) -> None:
    """Repair what another launch left, fill segments, and say what is acknowledged."""
    writer.SEGMENT_ROWS = 4
    with RunDirectory.open(folder / "run", write=True) as directory:
        for start in range(FIRST, FIRST + 9, 3):
            directory.journal.append(
                [
                    Completion(
                        request_id=number.to_bytes(16, "little"),
                        attempt=1,
                        lane=0,
                        text=f"answer {number}",
                        finish_reason="stop",
                    )
                    for number in range(start, start + 3)
                ]
            )
            directory.journal.flush()
            (folder / ACKNOWLEDGED).write_text(str(start + 3))


def plan(folder: Path) -> None:
    """Plan again what was cut short."""
    with RunDirectory.open(folder / "run", write=True) as directory:
        for number in range(PLANNED):
            directory.write_plan(plan_part(number), plan_part(number))
        directory.seal_plan({"requests": PLANNED})


def whole(folder: Path) -> None:
    """Run from its start to its report."""
    _run(folder, ITEMS, extend=False)


def extend(folder: Path) -> None:
    """Let a run of three items grow to five."""
    _run(folder, 5, extend=True)


def _run(folder: Path, items: int, *, extend: bool) -> None:
    writer.WAITING_ROWS = WAITING
    config = RunConfig(rubric="pairwise", out=str(folder / "run"), extend=extend)
    run(config, data=rows_of(items), engine=engine_of(folder), show_progress=False)


THINGS: dict[str, Callable[[Path], None]] = {
    "journal": journal,
    "plan": plan,
    "whole": whole,
    "extend": extend,
}


class _Fate:
    """Counts system calls that change a disk, and kills the process before the last of them."""

    def __init__(self, calls: int) -> None:
        self._left = calls

    def take_over(self) -> None:
        for name in CALLS:
            setattr(os, name, self._counted(name, getattr(os, name)))
        open_segment._sync = os.fdatasync

    def _counted(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **options: Any) -> Any:
            self._one_less(name, args)
            if name == "write":
                if self._left == 1:  # half of it is written
                    call(args[0], bytes(args[1])[: len(args[1]) // 2])
                self._one_less("write the other half", args)
            return call(*args, **options)

        return counted

    def _one_less(self, name: str, args: tuple[Any, ...]) -> None:
        self._left -= 1
        if self._left == 0:
            sys.stdout.write(f"{name} {args[0] if name != 'write' else ''}\n")
            sys.stdout.flush()
            os.kill(os.getpid(), signal.SIGKILL)


def import_once(thing: str, folder: Path) -> None:
    """Import here, not in every process, what one process imports that does the thing."""
    work, names = folder / "undisturbed", folder / "modules"
    shutil.copytree(folder / "base", work)
    child = os.fork()
    if child == 0:
        THINGS[thing](work)
        names.write_text("\n".join(sorted(sys.modules.keys() - {"__main__"})))
        os._exit(0)
    os.waitpid(child, 0)
    for name in names.read_text().splitlines():
        with suppress(ImportError):  # the names that some packages give to parts of others
            import_module(name)


def main(thing: str, folder: Path) -> None:
    """Do `thing` until it is done without dying."""
    import_once(thing, folder)
    for number in range(1, MOST):
        work = folder / str(number)
        shutil.copytree(folder / "base", work)
        child = os.fork()
        if child == 0:
            _Fate(number).take_over()
            THINGS[thing](work)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status != signal.SIGKILL:
            sys.exit(os.waitstatus_to_exitcode(status))
    sys.exit(f"{thing} is not done after {MOST} calls")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
