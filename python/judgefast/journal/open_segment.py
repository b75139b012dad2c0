"""The one file that a launch appends to."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import msgspec

from judgefast import _native
from judgefast.engines.surrogates import without_surrogates
from judgefast.errors import EngineError
from judgefast.files import sync_folder
from judgefast.formats import FORMAT
from judgefast.journal.columns import TABLE, Line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgefast.engines.base import Completion

# fdatasync also writes the new length, which is all of the metadata that reading needs.
_sync = getattr(os, "fdatasync", os.fsync)
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Line)
_HEAD = _native.frame_lines(msgspec.json.encode({"format": FORMAT, "table": TABLE}) + b"\n")


class OpenSegment:
    """A new segment file. Its size is at all times the end of a whole line, crashes apart."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self.path = path
        self.rows = 0
        self.size = 0
        self._descriptor = os.open(path, flags, 0o644)
        try:
            self._append(_HEAD)
            sync_folder(path.parent)
        except BaseException:  # raised again: no descriptor stays open
            self.close()
            raise

    def write(self, completions: Sequence[Completion]) -> None:
        """Write a line for each completion. Survives the death of the process.

        Raises:
            OSError: Disk full or broken. Whole lines stay and are in `rows`, a part of one is cut.
            EngineError: A completion is none; nothing of this call is written.

        """
        framed = _framed(completions)
        before = self.size
        try:
            self._append(framed)
        finally:
            self.rows += framed.count(b"\n", 0, self.size - before)

    def sync(self) -> None:
        """Wait until all lines are on the disk. Survives a power cut.

        Raises:
            OSError: Disk broken, or the file has no name any more: another machine took this launch
                for dead, closed its segment and removed it. What was synced before is kept there.

        """
        _sync(self._descriptor)
        if not os.fstat(self._descriptor).st_nlink:
            raise OSError(errno.ESTALE, "another start has closed and removed it", str(self.path))

    def close(self) -> None:
        """Close the file. It stays an open segment by its name."""
        os.close(self._descriptor)

    def _append(self, framed: bytes) -> None:
        """Write lines; of those that a full disk does not take, no part stays."""
        view = memoryview(framed)
        done = 0
        try:
            while done < len(view):
                done += os.write(self._descriptor, view[done:])
        except OSError:
            done = framed.rfind(b"\n", 0, done) + 1
            os.ftruncate(self._descriptor, self.size + done)
            raise
        finally:
            self.size += done


def _framed(completions: Sequence[Completion]) -> bytes:
    """Lines that can be read again, proven before they are written."""
    try:
        lines = _encoder.encode_lines(completions)
    except UnicodeEncodeError:
        lines = _encoder.encode_lines([without_surrogates(one) for one in completions])
    framed = _native.frame_completions(lines)
    if framed is not None:
        return framed
    try:  # the kernel reads no line that is written in an unusual way
        _decoder.decode_lines(lines)
    except msgspec.ValidationError:
        _refuse(completions)
        raise
    return _native.frame_lines(lines)


def _refuse(completions: Sequence[Completion]) -> None:
    """Name the completion that could be written but not be read again."""
    for completion in completions:
        try:
            _decoder.decode(_encoder.encode(completion))
        except msgspec.ValidationError as error:
            request = completion.request_id.hex()
            message = f"the engine gave request {request} what is no completion: {error}"
            hint = "report this to the author of the engine"
            raise EngineError(message, hint=hint) from error
