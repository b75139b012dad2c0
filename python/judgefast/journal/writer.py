"""The thread that owns a launch's part of the journal: lines, syncing, Parquet."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from judgefast.errors import RunDirectoryError
from judgefast.journal.open_segment import OpenSegment
from judgefast.journal.segments import (
    SEGMENT_BYTES,
    SEGMENT_ROWS,
    DamagedSegmentError,
    Segment,
    close_segment,
    read_lines,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgefast.engines.base import Completion

SYNC_ROWS = 500
"""At most so many lines are written and not yet synced."""

SYNC_SECONDS = 1.0
"""No line stays written and not synced for longer."""

WAITING_ROWS = 8_192
"""No more completions than these wait for the thread when `append` returns."""


class JournalWriter:
    """Appends completions to the journal of one launch.

    `append` hands over and returns; a thread writes. A completion is acknowledged when it is among
    the first `written`: its line then survives `kill -9`. Those among the first `synced` survive a
    power cut. What was handed over and is not acknowledged dies with the process: whoever sends
    nothing more before `append` has returned loses at most `WAITING_ROWS` and what is in flight.
    Any method raises what went wrong in the thread, once the thread has stopped for it.
    """

    def __init__(self, folder: Path, launch: str) -> None:
        self._folder = folder
        self._launch = launch
        self._number = 0
        self._segment: OpenSegment | None = None
        self._changed = threading.Condition()
        self._waiting: list[Completion] = []
        self._given = self._written = self._synced = 0
        self._flush_to = 0
        self._sync_due = 0.0
        self._is_closing = self._keeps_open = False
        self._error: BaseException | None = None
        self._is_error_told = False
        self._thread = threading.Thread(target=self._run, name="judgefast-journal", daemon=True)
        self._thread.start()

    @property
    def written(self) -> int:
        """Completions of this launch, in the order given, whose lines are written."""
        return self._written

    @property
    def synced(self) -> int:
        """Completions of this launch, in the order given, that are on the disk."""
        return self._synced

    def append(self, completions: Sequence[Completion]) -> None:
        """Hand over completions; returns when at most 8,192 wait for the thread, these among them.

        Raises:
            RunDirectoryError: The disk is full or fails, or the journal is closed.

        """
        with self._changed:
            self._raise_error()
            if self._is_closing:
                message = f"the journal in `{self._folder}` is closed"
                raise RunDirectoryError(message)
            self._waiting.extend(completions)
            self._given += len(completions)
            self._changed.notify_all()
            while self._given - self._written > WAITING_ROWS and self._error is None:
                self._changed.wait()
            self._raise_error()

    def flush(self) -> None:
        """Wait until everything given is on the disk.

        Raises:
            RunDirectoryError: The disk is full or fails.

        """
        with self._changed:
            target = self._flush_to = self._given
            self._changed.notify_all()
            while self._synced < target and self._error is None:
                self._changed.wait()
            self._raise_error()

    def close(self, *, to_parquet: bool = True) -> None:
        """Write and sync everything given and end the thread. Safe to call twice.

        Args:
            to_parquet: Turn the open segment into Parquet; else the next writer does.

        Raises:
            RunDirectoryError: The disk is full or fails, and no call has said so yet.

        """
        with self._changed:
            self._is_closing = True
            self._keeps_open = not to_parquet
            self._changed.notify_all()
        self._thread.join()
        if not self._is_error_told:
            self._raise_error()

    def _raise_error(self) -> None:
        if self._error is None:
            return
        self._is_error_told = True
        if not isinstance(self._error, OSError):
            raise self._error
        path = self._error.filename or Segment(self._launch, self._number).opened(self._folder)
        lost = self._given - self._synced
        message = (
            f"cannot write `{path}`: {self._error.strerror or self._error}; "
            f"{self._synced:,} completions of this start are kept, {lost:,} are not"
        )
        hint = "make room on the disk, then start the same command again: it asks for the rest"
        raise RunDirectoryError(message, hint=hint) from self._error

    def _run(self) -> None:
        try:
            while self._write_group():
                pass
            self._end_segment(to_parquet=not self._keeps_open)
        except BaseException as error:  # noqa: BLE001 - raised in the caller, who would wait for ever
            with contextlib.suppress(OSError):
                self._sync()
            with self._changed:
                self._error = error
                self._changed.notify_all()
            if self._segment is not None:
                self._segment.close()

    def _write_group(self) -> bool:
        """Write what is waiting and sync when it is time; false when there will be no more."""
        with self._changed:
            while not (self._waiting or self._is_closing or self._flush_to > self._synced):
                remaining = None
                if self._written > self._synced:
                    remaining = self._sync_due - time.monotonic()
                    if remaining <= 0:
                        break
                self._changed.wait(remaining)
            group, self._waiting = self._waiting, []
            goes_on = not self._is_closing
        start = 0
        while start < len(group):
            start += self._write_some(group, start)
        if self._flush_to > self._synced or not goes_on or time.monotonic() >= self._sync_due:
            self._sync()
        return goes_on

    def _write_some(self, group: list[Completion], start: int) -> int:
        """Write the next lines of a group: up to a sync, or to the end of the segment."""
        if self._segment is None:
            self._segment = OpenSegment(Segment(self._launch, self._number).opened(self._folder))
        segment = self._segment
        room = min(SEGMENT_ROWS - segment.rows, SYNC_ROWS - (self._written - self._synced))
        lines = group[start : start + room]
        if self._written == self._synced:
            self._sync_due = time.monotonic() + SYNC_SECONDS
        before = segment.rows
        try:
            segment.write(lines)
        finally:
            with self._changed:
                self._written += segment.rows - before
                self._changed.notify_all()
        if self._written - self._synced >= SYNC_ROWS:
            self._sync()
        if segment.rows >= SEGMENT_ROWS or segment.size >= SEGMENT_BYTES:
            self._end_segment(to_parquet=True)
        return len(lines)

    def _sync(self) -> None:
        if self._segment is not None and self._written > self._synced:
            self._segment.sync()
            with self._changed:
                self._synced = self._written
                self._changed.notify_all()

    def _end_segment(self, *, to_parquet: bool) -> None:
        if self._segment is None:
            return
        self._sync()
        self._segment.close()
        self._segment = None
        if to_parquet:
            segment = Segment(self._launch, self._number)
            path = segment.opened(self._folder)
            try:
                close_segment(self._folder, segment, read_lines(path))
            except DamagedSegmentError as error:
                message = f"`{path}` is damaged: {error}"
                hint = "check the disk, then start the same command again: it sets the file aside"
                raise RunDirectoryError(message, hint=hint) from error
        self._number += 1
