"""Our folder in the user's cache: where it is, digests once computed, one maker at a time."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from judgefast.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNK = 1 << 22
_HINT = "set JUDGEFAST_CACHE to a folder that you may write to"


class _KnownDigest(msgspec.Struct, frozen=True):
    size: int
    changed: int
    inode: int
    sha256: str


def cache_folder() -> Path:
    """Folder for models and what is made of them; it need not exist.

    `JUDGEFAST_CACHE`, else `judgefast` in `XDG_CACHE_HOME`, else `~/.cache/judgefast`.

    Raises:
        ModelError: None of them is known.

    """
    if own := os.environ.get("JUDGEFAST_CACHE"):
        return Path(own).absolute()
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base).absolute() / "judgefast"
    try:
        if os.environ.get("HOME") == "":
            message = "the environment variable HOME is empty, so there is no cache folder"
            raise ModelError(message, hint=_HINT)
        return Path.home() / ".cache" / "judgefast"
    except RuntimeError as error:
        message = "this user has no home folder, so there is no cache folder"
        raise ModelError(message, hint=_HINT) from error


def make_folder(path: Path) -> Path:
    """Create `path` and what is above it.

    Raises:
        ModelError: It cannot be written to.

    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error
    return path


def cannot_write(path: Path, error: OSError) -> ModelError:
    """Say that the cache cannot take what is to be kept there."""
    message = f"the cache folder `{path}` cannot be written: {error.strerror or error}"
    return ModelError(message, hint=f"make room on the disk, or {_HINT}")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in pieces. Hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, remembered as long as its size, time and inode stay. Hexadecimal.

    Raises:
        ModelError: It cannot be read.

    """
    try:
        facts = path.stat()
        name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]
        known = cache_folder() / "digests" / f"{name}.json"
        with suppress(OSError, msgspec.DecodeError):
            record = msgspec.json.decode(known.read_bytes(), type=_KnownDigest)
            seen = (record.size, record.changed, record.inode)
            if seen == (facts.st_size, facts.st_mtime_ns, facts.st_ino):
                return record.sha256
        digest = sha256_of(path)
    except OSError as error:
        message = f"`{path}` cannot be read: {error.strerror or error}"
        raise ModelError(message, hint="name a model file that you may read") from error
    record = _KnownDigest(facts.st_size, facts.st_mtime_ns, facts.st_ino, digest)
    with suppress(OSError, ModelError):  # a cache that cannot be written to costs time only
        write_whole(known, msgspec.json.encode(record))
    return digest


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees all of it or none."""
    make_folder(path.parent)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock file `path` meanwhile, so that processes make a thing one after another.

    The lock ends with the process that holds it. Where the platform has none, nothing is held:
    what is made is put into place by a rename, so the worst is that it is made twice.
    """
    try:
        import fcntl  # noqa: PLC0415 - not on every platform
    except ImportError:
        yield
        return
    make_folder(path.parent)
    try:
        file = path.open("a")
    except OSError as error:
        raise cannot_write(path.parent, error) from error
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
