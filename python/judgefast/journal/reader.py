"""Reading the journal: what is whole is used, what is not is said."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from judgefast.files import DAMAGED, set_aside, temporaries
from judgefast.journal.launches import NAME_DIGITS, is_elsewhere
from judgefast.journal.segments import (
    SEGMENT_ROWS,
    DamagedSegmentError,
    Lines,
    Segment,
    close_segment,
    closed_batches,
    line_batches,
    list_segments,
    read_lines,
    sidecar_of,
    verify_closed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

ALIVE_SECONDS = 600
"""A segment of another machine's launch is taken for alive so long after its last line."""


class JournalReader:
    """The completions of every launch, in an order that does not depend on when they are read.

    `notes` says in words what was left out or set aside, now or by an earlier writer, each thing
    once.
    """

    def __init__(self, folder: Path, launches: Path, own_launch: str | None) -> None:
        self._folder = folder
        self._launches = launches
        self._own_launch = own_launch
        self._verified: set[Segment] = set()
        self.notes = [
            f"{_place(path)} was set aside as damaged: what it held is not counted, "
            "and is asked again"
            for path in sorted(folder.glob(f"*{DAMAGED}"))
        ]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """All completions, by launch, segment and row; changes nothing on the disk."""
        for segment in list_segments(self._folder):
            yield from self._segment_batches(segment, columns)

    def text(self, launch: str, row: int) -> str | None:
        """Text of the completion at a place in a launch; None if it is not there any more."""
        segment = Segment(launch, row // SEGMENT_ROWS)
        for batch in self._segment_batches(segment, ("row", "text")):
            found = np.flatnonzero(batch.column("row").to_numpy() == row)
            if len(found):
                text: str = batch.column("text")[int(found[0])].as_py()
                return text
        return None

    def repair(self) -> None:
        """Close what dead launches left open, set damaged segments aside. For the writer alone."""
        for path in (*temporaries(self._folder), *temporaries(self._launches)):
            if not self._is_alive(path, path.name[:NAME_DIGITS]):
                path.unlink(missing_ok=True)
        for segment in list_segments(self._folder):
            opened, closed = segment.opened(self._folder), segment.closed(self._folder)
            if closed.exists():
                if self._is_sound(segment, aside=True):
                    opened.unlink(missing_ok=True)
                    continue
                set_aside(closed)
                sidecar_of(closed).unlink(missing_ok=True)
            if opened.exists():
                self._close(segment, opened)

    def _segment_batches(
        self, segment: Segment, columns: Sequence[str] | None
    ) -> Iterator[pa.RecordBatch]:
        opened, closed = segment.opened(self._folder), segment.closed(self._folder)
        lines = None if closed.exists() else self._read_open(segment)
        if closed.exists():  # asked again: its writer may have closed it since it was listed
            if self._is_sound(segment, aside=False):
                yield from closed_batches(closed, columns)
                return
            lines = lines or self._read_open(segment)
        if lines is not None:
            for batch in line_batches(opened, lines, segment):
                yield batch if columns is None else batch.select(list(columns))

    def _read_open(self, segment: Segment) -> Lines | None:
        """Lines of an open segment; None if it is gone or damaged."""
        opened = segment.opened(self._folder)
        try:
            lines = read_lines(opened)
        except FileNotFoundError:
            return None
        except DamagedSegmentError as error:
            self._note(f"{_place(opened)} is damaged and left out: {error}")
            return None
        if lines.torn_bytes and segment.launch != self._own_launch:
            self._note(_torn(opened, lines.last_line, lines.torn_bytes, "left out"))
        return lines

    def _is_sound(self, segment: Segment, *, aside: bool) -> bool:
        if segment in self._verified:
            return True
        closed = segment.closed(self._folder)
        try:
            verify_closed(closed)
        except DamagedSegmentError as error:
            done = "set aside" if aside else "left out"
            self._note(f"{_place(closed)} is damaged and {done}: {error}")
            return False
        self._verified.add(segment)
        return True

    def _close(self, segment: Segment, opened: Path) -> None:
        if self._is_alive(opened, segment.launch):
            self._note(f"{_place(opened)} is read, not closed: another machine writes to it")
            return
        try:
            lines = read_lines(opened)
        except DamagedSegmentError as error:
            self._note(f"{_place(opened)} is damaged and set aside: {error}")
            set_aside(opened)
            return
        if lines.torn_bytes:
            self._note(_torn(opened, lines.last_line, lines.torn_bytes, "cut off"))
        close_segment(self._folder, segment, lines)

    def _is_alive(self, path: Path, launch: str) -> bool:
        """Whether another machine's launch has written to a file of it a short while ago."""
        if not is_elsewhere(self._launches, launch):
            return False
        try:
            return time.time() - path.stat().st_mtime < ALIVE_SECONDS
        except FileNotFoundError:
            return False

    def _note(self, words: str) -> None:
        if words not in self.notes:
            self.notes.append(words)


def _place(path: Path) -> str:
    return f"`{path.parent.name}/{path.name}`"


def _torn(path: Path, lines: int, torn_bytes: int, done: str) -> str:
    return f"{_place(path)}: {torn_bytes:,} bytes after line {lines:,} are no whole line: {done}"
