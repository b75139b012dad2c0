"""One writer at a time, whatever becomes of it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from judgefast.errors import RunDirectoryError
from judgefast.journal import lock
from judgefast.journal.lock import WriteLock
from judgefast.journal.run_directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLDER = Path(__file__).with_name("holder.py")


@contextmanager
def holder(run: Path, how: str = "stay") -> Iterator[tuple[subprocess.Popen[bytes], bytes]]:
    """A process that writes to `run`, and the line it says once it does."""
    command = [sys.executable, str(HOLDER), str(run), how]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline()
        finally:
            process.kill()


def test_a_second_writer_is_refused_with_the_process_id_of_the_first(run: Path) -> None:
    with holder(run) as (process, _):
        with pytest.raises(RunDirectoryError) as refusal:
            RunDirectory.open(run, write=True)
        assert f"is being written by process {process.pid}, started 20" in str(refusal.value)
        assert refusal.value.hint == "wait for it, stop it, or choose another folder"
        with RunDirectory.open(run, write=False) as reader:
            assert list(reader.completions()) == []


def test_the_lock_is_free_after_kill_9(run: Path) -> None:
    with holder(run) as (process, _):
        process.kill()
        process.wait()
        with RunDirectory.open(run, write=True):
            pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_that_outlives_the_writer_does_not_keep_the_lock(run: Path) -> None:
    with holder(run, "fork") as (process, said):
        child = int(said)
        try:
            process.kill()
            process.wait()
            with RunDirectory.open(run, write=True):
                pass
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_second_writer_in_the_same_process_is_refused_too(run: Path) -> None:
    with RunDirectory.open(run, write=True), pytest.raises(RunDirectoryError, match="written by"):
        RunDirectory.open(run, write=True)
    with RunDirectory.open(run, write=True):
        pass


def test_a_file_system_without_locks_is_not_taken_for_another_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lock, "_try_lock", refuse)
    with pytest.raises(RunDirectoryError, match=r"cannot lock `.*`: No locks available") as caught:
        WriteLock(tmp_path)
    assert caught.value.hint == "choose a folder on a file system that has locks"
