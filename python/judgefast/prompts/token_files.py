"""Files of kept token ids: each written once, whole or not there, and small ones merged.

What is written takes up the files that are not much larger, so that those of a folder grow by a
factor and stay few. Nothing is removed before what holds it is on the disk under its name, and
nothing because it could not be read.
"""

from __future__ import annotations

import mmap
import os
import time
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import numpy as np

from judgefast.errors import RunDirectoryError
from judgefast.files import TEMPORARY, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Listed = tuple[Path, os.stat_result]
    Failure = OSError | ValueError

MAGIC = b"judgefast tokens 1\n".ljust(32, b"\0")
"""Head of a file. Behind it: sha256 of the index, numbers of texts and of ids (u64); the index,
which is the key of each text (16 bytes), where its ids start and at last end (i64), and their
CRC-32 (u32); then the ids (i32). All little-endian."""

SUFFIX = ".tokens"
KEY = 16
"""Bytes of a key."""

MOST_BYTES = 4 << 30
"""Of all files of a folder, those of other tokenizers among them: the oldest go first."""

MERGED_BYTES = 512 << 20
"""No file becomes larger by merging: what is too old goes by the file."""

MAPPED_BYTES = 1 << 20
"""A smaller file is read and closed: a map keeps a descriptor."""

MAPPED_FILES = 32
"""Most that are mapped at a time; one writer leaves about 25 in a full folder."""

FOLDERS = "1-" + "[0-9a-f]" * 64
"""Names of our folders, by the digest of a tokenizer: nothing of others is touched."""

_HEAD = len(MAGIC) + 32 + 16
_OLD_SECONDS = 86_400.0
"""Half a file that is older belongs to a writer that has died."""


class DamagedFileError(ValueError):
    """A file is not what was written."""


class Texts(NamedTuple):
    """The ids of n texts."""

    keys: NDArray[np.uint64]
    """Shape (n, 2)."""
    starts: NDArray[np.int64]
    """Shape (n,), as `ends` and `checks`: where the ids of each lie, and their CRC-32."""
    ends: NDArray[np.int64]
    checks: NDArray[np.uint32]
    ids: NDArray[np.int32]
    """Of all texts."""


def listed(folder: Path, suffix: str = SUFFIX) -> list[Listed]:
    """Files of a folder, the smallest first; without those that go while it is looked at.

    Raises:
        OSError: It cannot be looked at.

    """
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(suffix):
                with suppress(OSError):
                    found.append((Path(entry.path), entry.stat()))
    return sorted(found, key=lambda each: (each[1].st_size, each[0]))


def read(path: Path) -> Texts:
    """Read a file, or map it where it is not small.

    Raises:
        DamagedFileError: It is not what was written.
        OSError: It cannot be read, which says nothing of what it holds.

    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        is_mapped = size >= MAPPED_BYTES
        held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if is_mapped else file.read()
    if len(held) < _HEAD or held[: len(MAGIC)] != MAGIC:
        raise DamagedFileError
    texts, ids = np.frombuffer(held, "<u8", 2, _HEAD - 16).tolist()
    index = texts * KEY + 8 * (texts + 1) + 4 * texts
    if _HEAD + index + 4 * ids != len(held):
        raise DamagedFileError
    if sha256(held[_HEAD : _HEAD + index]).digest() != held[len(MAGIC) : len(MAGIC) + 32]:
        raise DamagedFileError
    starts = np.frombuffer(held, "<i8", texts + 1, _HEAD + KEY * texts)
    if starts[0] != 0 or starts[-1] != ids or (np.diff(starts) < 0).any():
        raise DamagedFileError
    return Texts(
        np.frombuffer(held, "<u8", 2 * texts, _HEAD).reshape(-1, 2),
        starts[:-1],
        starts[1:],
        np.frombuffer(held, "<u4", texts, _HEAD + KEY * texts + 8 * (texts + 1)),
        np.frombuffer(held, "<i4", ids, _HEAD + index),
    )


def read_all(
    files: Sequence[Listed], known: Mapping[Path, Texts] | None = None
) -> tuple[list[tuple[Path, Texts]], list[tuple[Path, Failure]]]:
    """Read files, the largest ones first; no more of them are mapped than may be.

    Args:
        files: As `listed` gives them.
        known: What was read before. A file never changes: it is not opened again.

    Returns:
        What was read, and why the others were not.

    """
    parts: list[tuple[Path, Texts]] = []
    failed: list[tuple[Path, Failure]] = []
    mapped = 0
    for path, facts in reversed(files):
        if facts.st_size >= MAPPED_BYTES:
            mapped += 1
            if mapped > MAPPED_FILES:
                failed.append((path, OSError(f"no more than {MAPPED_FILES} large ones are opened")))
                continue
        try:
            parts.append((path, known[path] if known and path in known else read(path)))
        except (OSError, DamagedFileError) as error:
            failed.append((path, error))
    return parts, failed


def write(folder: Path, new: Texts, is_sound: Callable[[NDArray[np.int32], int], bool]) -> None:
    """Write texts, and with them those of the files that are not much larger.

    Args:
        folder: Where the files of a tokenizer are.
        new: What was encoded.
        is_sound: Whether ids that were kept fit their checksum and may be used. Others are left
            out.

    Raises:
        RunDirectoryError: There is no room, or no leave, for the new texts alone.

    """
    try:
        files = listed(folder)
    except OSError:  # what cannot be looked at is not merged
        files = []
    files = files[: to_merge(_size_of(new), [facts.st_size for _, facts in files])]
    parts, _ = read_all(files)
    if parts:
        with suppress(RunDirectoryError):  # no room for both: then the new ones alone
            _write(folder, [new, *(_sound(part, is_sound) for _, part in parts)])
            for path, _ in parts:
                remove(path)
            return
    _write(folder, [new])


def to_merge(new: int, sizes: Sequence[int]) -> int:
    """How many of the smallest files are taken up by a new one.

    Those that are left are each more than twice as large as all smaller ones together, up to
    `MERGED_BYTES`: they are few, and a text is written anew about as often as they are many.

    Args:
        new: Bytes of the new file.
        sizes: Bytes of the others, in ascending order.

    """
    count = 0
    for place, size in enumerate(sizes, 1):
        if new + size > MERGED_BYTES:
            break
        if size <= 2 * new:
            count = place
        new += size
    return count


def prune(root: Path) -> None:
    """Remove the oldest files of a folder that is too large, and what dead writers left.

    Another run may do the same at the same time: what is gone is gone.
    """
    files: list[Listed] = []
    with suppress(OSError):
        for folder in root.glob(FOLDERS):
            with suppress(OSError):
                files += listed(folder)
                for path, facts in listed(folder, SUFFIX + TEMPORARY):
                    if time.time() - facts.st_mtime > _OLD_SECONDS:
                        remove(path)
    left = MOST_BYTES
    for path, facts in sorted(files, key=lambda each: -each[1].st_mtime):
        left -= facts.st_size
        if left < 0:
            remove(path)


def remove(path: Path) -> None:
    """Remove a file, where it is there and that is allowed."""
    with suppress(OSError):
        path.unlink()


def _sound(texts: Texts, is_sound: Callable[[NDArray[np.int32], int], bool]) -> Texts:
    """Those texts of a file that may be used."""
    each = zip(texts.starts.tolist(), texts.ends.tolist(), texts.checks.tolist(), strict=True)
    kept = np.array([is_sound(texts.ids[start:end], check) for start, end, check in each], bool)
    return texts._replace(
        keys=texts.keys[kept],
        starts=texts.starts[kept],
        ends=texts.ends[kept],
        checks=texts.checks[kept],
    )


def _size_of(texts: Texts) -> int:
    return _HEAD + len(texts.keys) * (KEY + 8 + 4) + 8 + 4 * len(texts.ids)


def _write(folder: Path, parts: Sequence[Texts]) -> None:
    """Write one file of parts; of a text that is in several, the first."""
    keys = np.concatenate([part.keys for part in parts])
    first = np.sort(np.unique(keys, axis=0, return_index=True)[1])
    lengths = np.concatenate([part.ends - part.starts for part in parts])[first]
    checks = np.concatenate([part.checks for part in parts])[first]
    ends = np.cumsum(lengths, dtype="<i8")
    index = keys[first].astype("<u8").tobytes() + bytes(8) + ends.tobytes()
    index += checks.astype("<u4").tobytes()
    counts = np.array([len(first), lengths.sum()], "<u8").tobytes()
    path = folder / f"{time.time_ns():020d}-{uuid4().hex[:8]}{SUFFIX}"
    with writing(path) as temporary, temporary.open("wb") as file:
        file.write(MAGIC + sha256(index).digest() + counts + index)
        base = 0
        for part in parts:
            places = first[(first >= base) & (first < base + len(part.keys))] - base
            base += len(part.keys)
            starts, stops = part.starts[places].tolist(), part.ends[places].tolist()
            ids = part.ids.astype("<i4", copy=False)
            file.writelines(ids[start:stop].data for start, stop in zip(starts, stops, strict=True))
