"""Token ids of texts, kept between runs in a folder that was named for it.

One folder a tokenizer in it, and in that files that are written once: whole or not there, each by a
name that no other writer has. What is read is not believed: the index of a file has a digest, the
ids of each text a checksum, and none may be a control id. What fails is left out, and said.
"""

from __future__ import annotations

import mmap
import time
import zlib
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

import numpy as np

from judgefast.errors import ConfigError, RunDirectoryError
from judgefast.files import TEMPORARY, writing
from judgefast.prompts.tokenizer import Sealed

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from judgefast.prompts.tokenizer import PromptTokenizer

MAGIC = b"judgefast tokens 1\n".ljust(32, b"\0")
"""Head of a file. Behind it: sha256 of the index, numbers of texts and of ids (u64); the index,
which is the key of each text (16 bytes), where its ids start and at last end (i64), and their
CRC-32 (u32); then the ids (i32). All little-endian."""

SUFFIX = ".tokens"
MOST_BYTES = 4 << 30
"""Of all files of a folder, those of other tokenizers among them: the oldest go first."""

FILE_IDS = 1 << 24
"""Ids that are held before they are written."""

_HEAD = len(MAGIC) + 32 + 16
_KEY = 16
_OLD_SECONDS = 86_400.0
"""Half a file that is older belongs to a writer that has died."""


class _Index(NamedTuple):
    """Texts of all files, by the first half of their key in ascending order. Shape (n,) each."""

    first: NDArray[np.uint64]
    second: NDArray[np.uint64]
    file: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    check: NDArray[np.uint32]


def cache_of(folder: Path | None, tokenizer: PromptTokenizer | None) -> TokenCache | None:
    """Open the cache of a judge's texts; None where none is wanted.

    Raises:
        ConfigError: The engine takes no token ids, or the folder cannot be made.

    """
    if folder is None:
        return None
    if tokenizer is None:
        msg = "`token_cache` keeps token ids, but this engine takes none"
        raise ConfigError(msg, hint="leave --token-cache out")
    return TokenCache(folder, tokenizer)


class TokenCache:
    """Seals texts as a tokenizer does, and encodes none that another run has met.

    Args:
        folder: Made if it is missing.
        tokenizer: Encodes what is not there.

    Raises:
        ConfigError: The folder cannot be made.

    """

    def __init__(self, folder: Path, tokenizer: PromptTokenizer) -> None:
        self._tokenizer = tokenizer
        self._root = folder
        self._folder = folder / f"1-{tokenizer.sha256}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"the token cache `{folder}` cannot be made: {error.strerror}"
            raise ConfigError(msg, hint="name a folder of your own, or leave it out") from error
        self._new: dict[bytes, NDArray[np.int32]] = {}
        self._new_ids = 0
        self._failed = ""
        self.found = 0
        """Texts whose ids were there."""
        self.encoded = 0
        """Texts that were encoded."""
        self.damaged = 0
        """Files and texts that were not believed."""
        self._ids: list[NDArray[np.int32]] = []
        self._index = self._read_all()

    def seal(self, text: str) -> Sealed:
        """Encode a text of theirs, or remember how it was encoded.

        Raises:
            ModelError: As `PromptTokenizer.seal`.

        """
        key = sha256(text.encode("utf-8", "surrogatepass")).digest()[:_KEY]
        ids = self._new.get(key)
        if ids is None:
            ids = self._kept(key)
        if ids is not None:
            self.found += 1
            return Sealed(text, ids)
        sealed = self._tokenizer.seal(text)
        self.encoded += 1
        if sealed.text == text:  # another one lacks characters, which have to be counted
            self._new[key] = sealed.token_ids
            self._new_ids += len(sealed.token_ids)
            if self._new_ids >= FILE_IDS:
                self._write()
        return sealed

    def save(self) -> list[str]:
        """Write what is new; what a person should know of it."""
        if self._new:
            self._write()
            self._prune()
        there = f"of {self.found:,} texts were in `{self._root}`"
        words = [f"token ids {there}, those of {self.encoded:,} were not"]
        if self.damaged:
            words.append(f"{self.damaged:,} damaged parts of `{self._root}` were not used")
        return [*words, self._failed] if self._failed else words

    def _kept(self, key: bytes) -> NDArray[np.int32] | None:
        first, second = np.frombuffer(key, "<u8")
        index = self._index
        place = int(np.searchsorted(index.first, first))
        while place < len(index.first) and index.first[place] == first:
            if index.second[place] == second:
                held = self._ids[int(index.file[place])]
                ids = held[int(index.start[place]) : int(index.end[place])]
                if self._is_sound(ids, int(index.check[place])):
                    return ids
                self.damaged += 1
            place += 1
        return None

    def _is_sound(self, ids: NDArray[np.int32], check: int) -> bool:
        if zlib.crc32(ids.data) != check:
            return False
        # What wrote the folder may not be us: no text becomes a control token by way of it.
        is_known = not len(ids) or (ids.min() >= 0 and ids.max() < self._tokenizer.size)
        return bool(is_known) and not self._tokenizer.is_control(ids).any()

    def _write(self) -> None:
        keys = b"".join(self._new)
        sizes = [len(ids) for ids in self._new.values()]
        starts = np.cumsum([0, *sizes], dtype="<i8").tobytes()
        checks = np.array([zlib.crc32(ids.data) for ids in self._new.values()], "<u4").tobytes()
        index = keys + starts + checks
        head = MAGIC + sha256(index).digest() + np.array([len(sizes), sum(sizes)], "<u8").tobytes()
        path = self._folder / f"{time.time_ns():020d}-{uuid4().hex[:8]}{SUFFIX}"
        try:
            with writing(path) as temporary, temporary.open("wb") as file:
                file.write(head + index)
                file.writelines(ids.astype("<i4", copy=False).data for ids in self._new.values())
        except RunDirectoryError as error:  # the run goes on without
            self._failed = f"the token cache was not written: {error}"
        self._new, self._new_ids = {}, 0

    def _read_all(self) -> _Index:
        parts = []
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            try:
                part = self._read(path)
            except (OSError, ValueError):  # gone meanwhile, or not what was written
                part = None
            if part is None:
                self.damaged += 1
                path.unlink(missing_ok=True)
            else:
                parts.append(part)
        if not parts:
            none = np.zeros(0, np.uint64)
            return _Index(none, none, *(np.zeros(0, kind) for kind in ("i4", "i8", "i8", "u4")))
        joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
        order = np.argsort(joined[0], kind="stable")
        return _Index(*(column[order] for column in joined))

    def _read(self, path: Path) -> _Index | None:
        with path.open("rb") as file:
            held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        texts, ids = np.frombuffer(held, "<u8", 2, _HEAD - 16).tolist()
        size = texts * _KEY + 8 * (texts + 1) + 4 * texts
        whole = _HEAD + size + 4 * ids == len(held)
        if not whole or held[: len(MAGIC)] != MAGIC:
            return None
        if sha256(held[_HEAD : _HEAD + size]).digest() != held[len(MAGIC) : len(MAGIC) + 32]:
            return None
        keys = np.frombuffer(held, "<u8", 2 * texts, _HEAD).reshape(-1, 2)
        starts = np.frombuffer(held, "<i8", texts + 1, _HEAD + _KEY * texts)
        checks = np.frombuffer(held, "<u4", texts, _HEAD + _KEY * texts + 8 * (texts + 1))
        self._ids.append(np.frombuffer(held, "<i4", ids, _HEAD + size))
        number = np.full(texts, len(self._ids) - 1, np.int32)
        return _Index(keys[:, 0], keys[:, 1], number, starts[:-1], starts[1:], checks)

    def _prune(self) -> None:
        """Remove the oldest files of a folder that is too large, and what dead writers left."""
        now, left = time.time(), MOST_BYTES
        files = [(path, path.stat()) for path in self._root.glob(f"1-*/*{SUFFIX}")]
        for path, facts in sorted(files, key=lambda each: -each[1].st_mtime):
            left -= facts.st_size
            if left < 0:
                path.unlink(missing_ok=True)
        for path in self._root.glob(f"1-*/*{TEMPORARY}"):
            if now - path.stat().st_mtime > _OLD_SECONDS:
                path.unlink(missing_ok=True)
