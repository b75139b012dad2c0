"""Rows and a plan that take the place of a run's, all at once: the run grows, its journal stays.

Everything is written beside the run first. A marker then says that it is whole; from there on the
moves are made again by whoever opens the directory next, should this process die among them.
"""

from __future__ import annotations

import shutil
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast._native import RequestIndex
from judgefast.batches.columns import NONE
from judgefast.errors import RunDirectoryError
from judgefast.files import sync_folder, write_whole
from judgefast.journal.answers import AnswerIndex, id_bytes
from judgefast.journal.lock import WriteLock
from judgefast.journal.manifest import NAME, Manifest, write_manifest
from judgefast.journal.plan import PlanStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    from numpy.typing import NDArray

    from judgefast.journal.run_directory import RunDirectory

FOLDER = ".extension"
_READY = "ready"
_MOVED = ("rows", "plan")


class Extension:
    """A larger plan for a run, in the making. It is written like the plan of a new run."""

    def __init__(self, directory: RunDirectory) -> None:
        self._directory = directory
        self.path: Path = directory.path / FOLDER
        """Folder for the new `rows/`."""
        shutil.rmtree(self.path, ignore_errors=True)
        (self.path / "plan").mkdir(parents=True)
        self._plan = PlanStore(self.path / "plan", directory.launch)

    def write_plan(self, requests: pa.Table, asks: pa.Table) -> None:
        """Append a part of the new plan."""
        self._plan.write(requests, asks)

    def seal_plan(self, counts: dict[str, int], digest: str | None = None) -> None:
        """Say that the new plan is whole."""
        self._plan.seal(counts, digest)

    def asked_before(self, request_ids: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which of these are requests of the plan that is there: each must stay one."""
        return self._before.rows(request_ids) >= 0

    @cached_property
    def _before(self) -> RequestIndex:
        return requests_of(self._directory)

    def commit(self, manifest: Manifest) -> None:
        """Put rows, plan and manifest in place of the old ones.

        Raises:
            RunDirectoryError: The new plan lacks a request of the old one.

        """
        new = AnswerIndex(_ids(self._plan.batches("requests", ["request_id"])))
        missing = 0
        for batch in self._directory.plan_requests(["request_id"]):
            missing += int((new.rows(batch.column(0)) < 0).sum())
        if missing:
            msg = (
                f"the new plan lacks {missing:,} requests of the plan of `{self._directory.path}`: "
                "rows were changed or taken away"
            )
            raise RunDirectoryError(
                msg, hint="only appended rows, orders, repeats, pairs extend a run"
            )
        write_manifest(self.path, manifest)
        write_whole(self.path / _READY, b"")
        _put_in_place(self._directory.path)

    def discard(self) -> None:
        """Remove what was written, unless it is whole; then the next start puts it in place."""
        if not (self.path / _READY).exists():
            shutil.rmtree(self.path, ignore_errors=True)


def requests_of(directory: RunDirectory) -> RequestIndex:
    """Requests of the plan of a run, to look others up in."""
    return RequestIndex(_ids(directory.plan_requests(["request_id"])), NONE)


def settle(path: Path) -> None:
    """Complete an extension that was whole, or remove one that was not.

    Raises:
        RunDirectoryError: Another process writes to the run.

    """
    if (path / FOLDER).exists():
        lock = WriteLock(path)
        try:
            finish_extension(path)
        finally:
            lock.release()


def finish_extension(path: Path) -> None:
    """Do what `settle` does for one who holds the write lock."""
    work = path / FOLDER
    if (work / _READY).exists():
        _put_in_place(path)
    else:
        shutil.rmtree(work, ignore_errors=True)


def refuse_halfway(path: Path) -> None:
    """Refuse to read a run whose rows may be the new ones and its plan the old one.

    Raises:
        RunDirectoryError: An extension is being put in place, or was when its process was killed.

    """
    if (path / FOLDER / _READY).exists():
        message = f"`{path}` is halfway through an extension"
        raise RunDirectoryError(message, hint=f"complete it with `judgefast resume {path}`")


def _put_in_place(path: Path) -> None:
    work = path / FOLDER
    for name in _MOVED:
        if (work / name).exists():
            # Removing takes long, moving does not: a reader hardly ever finds nothing there.
            if (path / name).exists():
                _move(path / name, work / f"old-{name}")
            _move(work / name, path / name)
    if (work / NAME).exists():
        (work / NAME).replace(path / NAME)
    sync_folder(path)
    (work / _READY).unlink()
    shutil.rmtree(work, ignore_errors=True)


def _move(source: Path, target: Path) -> None:
    source.rename(target)


def _ids(batches: Iterator[pa.RecordBatch]) -> NDArray[np.uint8]:
    parts: list[Any] = [id_bytes(batch.column(0)) for batch in batches]
    return np.concatenate([np.empty((0, 16), np.uint8), *parts])
