"""One writer for a run directory on a machine; a second one is told who the first is."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from judgefast.errors import RunDirectoryError

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    # Windows refuses to read a locked byte, so the lock lies far behind what the file says.
    _BYTE = 1 << 30

    def _try_lock(descriptor: int) -> None:
        os.lseek(descriptor, _BYTE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        os.lseek(descriptor, 0, os.SEEK_SET)
else:
    import fcntl

    def _try_lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_HELD = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES, errno.EDEADLK)
"""What systems say of a lock that another process holds."""


class WriteLock:
    """The lock of a run directory, held from construction to :meth:`release`.

    The system frees it when the process ends, however it ends. The file stays, but for a folder in
    which nothing was made: whoever gets the lock checks that its file still has its name.
    """

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            RunDirectoryError: Another process writes to `folder`, and the message has its id; or
                the folder may not be written.

        """
        self._descriptor = -1
        path = folder / "lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            message = f"cannot write `{path}`: {error.strerror}"
            hint = "name a folder that you may write to"
            raise RunDirectoryError(message, hint=hint) from error
        try:
            _try_lock(descriptor)
        except OSError as error:
            is_held = error.errno in _HELD
            holder = os.read(descriptor, 200).decode(errors="replace").strip() if is_held else ""
            os.close(descriptor)
            if not is_held:  # a network file system without locks
                message = f"cannot lock `{path}`: {error.strerror}"
                hint = "choose a folder on a file system that has locks"
                raise RunDirectoryError(message, hint=hint) from error
            message = f"`{folder}` is being written by {holder or 'another process'}"
            hint = "wait for it, stop it, or choose another folder"
            raise RunDirectoryError(message, hint=hint) from error
        if not _is_still(path, descriptor):
            os.close(descriptor)
            message = f"`{folder}` was just taken away by another process"
            raise RunDirectoryError(message, hint="start the same command again")
        self._path = path
        self._descriptor = descriptor
        os.ftruncate(descriptor, 0)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        os.write(descriptor, f"process {os.getpid()}, started {now}\n".encode())
        if hasattr(os, "register_at_fork"):
            # A forked engine process that outlives its parent must not keep the lock.
            os.register_at_fork(after_in_child=self._close)

    def release(self) -> None:
        """Let the next writer in. Safe to call twice."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
        self._close()

    def remove(self) -> None:
        """Take the file away and let go: the folder came to no run."""
        if self._descriptor >= 0:
            with suppress(PermissionError):  # Windows keeps a file that is open
                self._path.unlink(missing_ok=True)
        self._close()

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the locked file is the one of that name."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
