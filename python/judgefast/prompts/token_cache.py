"""Token ids of texts, kept between runs in a folder that was named for it.

One folder a tokenizer in it, and in that files that are written once: whole or not there, each by a
name that no other writer has (`token_files`). What is read is not believed: the index of a file has
a digest, the ids of each text a checksum, and none may be a control id. What fails is left out, and
said; it is removed only where it was read and is not what was written.
"""

from __future__ import annotations

import zlib
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.errors import ConfigError, RunDirectoryError
from judgefast.prompts import token_files
from judgefast.prompts.token_files import DamagedFileError, Texts
from judgefast.prompts.tokenizer import Sealed

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from judgefast.prompts.tokenizer import PromptTokenizer

FILE_IDS = 1 << 24
"""Ids that are held before they are written."""


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
        self._unread: list[str] = []
        """Why files could not be read; they stay."""
        self.found = 0
        """Texts whose ids were there."""
        self.encoded = 0
        """Texts that were encoded."""
        self.damaged = 0
        """Files and texts that were not believed."""
        self._parts: dict[Path, Texts] = {}
        """What is in the files, by their paths."""
        self._ids: list[NDArray[np.int32]] = []
        self._index = self._read_all()

    def seal(self, text: str) -> Sealed:
        """Encode a text of theirs, or remember how it was encoded.

        Raises:
            ModelError: As `PromptTokenizer.seal`.

        """
        key = sha256(text.encode("utf-8", "surrogatepass")).digest()[: token_files.KEY]
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
            token_files.prune(self._root)
        there = f"of {self.found:,} texts were in `{self._root}`"
        words = [f"token ids {there}, those of {self.encoded:,} were not"]
        if self.damaged:
            words.append(f"{self.damaged:,} damaged parts of `{self._root}` were not used")
        if self._unread:
            number, why = len(self._unread), self._unread[0]
            words.append(f"{number:,} files of `{self._root}` could not be read: {why}")
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
        held = list(self._new.values())
        ends = np.cumsum([len(ids) for ids in held], dtype=np.int64)
        new = Texts(
            np.frombuffer(b"".join(self._new), "<u8").reshape(-1, 2),
            np.concatenate([np.zeros(1, np.int64), ends[:-1]]),
            ends,
            np.array([zlib.crc32(ids.data) for ids in held], np.uint32),
            np.concatenate(held),
        )
        try:
            token_files.write(self._folder, new, self._is_sound)
        except RunDirectoryError as error:  # the run goes on without
            self._failed = f"the token cache was not written: {error}"
        else:
            self._unread = []
            self._index = self._read_all()
        self._new, self._new_ids = {}, 0

    def _read_all(self) -> _Index:
        try:
            files = token_files.listed(self._folder)
            parts, failed = token_files.read_all(files, self._parts)
        except OSError as error:
            parts, failed = list(self._parts.items()), [(self._folder, error)]
        self._parts = dict(parts)
        for path, why in failed:
            if isinstance(why, DamagedFileError):
                self.damaged += 1
                token_files.remove(path)
            elif not isinstance(why, FileNotFoundError):  # another run has merged or pruned it
                self._unread.append(str(why))
        if not parts:
            none = np.zeros(0, np.uint64)
            return _Index(none, none, *(np.zeros(0, kind) for kind in ("i4", "i8", "i8", "u4")))
        each = [texts for _, texts in parts]
        self._ids = [texts.ids for texts in each]
        first, second = np.concatenate([texts.keys for texts in each]).T
        order = np.argsort(first, kind="stable")
        return _Index(
            first[order],
            second[order],
            np.repeat(np.arange(len(each), dtype=np.int32), [len(one.keys) for one in each])[order],
            *(
                np.concatenate([getattr(texts, name) for texts in each])[order]
                for name in ("starts", "ends", "checks")
            ),
        )
