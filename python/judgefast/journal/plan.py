"""The stored plan: every request and every ask, written before anything is sent."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from judgefast.errors import RunDirectoryError
from judgefast.files import (
    COPY_BACK,
    remove_temporaries,
    sha256_of,
    write_whole,
    writing,
)
from judgefast.formats import FORMAT, check_table, decode_json, mark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Kind = Literal["requests", "asks"]
SEAL = "plan.json"
_KINDS: tuple[Kind, ...] = ("requests", "asks")
_ROW_GROUP = 65_536


class Seal(msgspec.Struct, frozen=True):
    """`plan/plan.json`: the plan is whole, and these are its parts."""

    counts: dict[str, int]
    parts: tuple[str, ...]
    """`<ordinal>-<launch>` of each pair of files, in the order of the plan."""
    files: dict[str, str]
    """sha256 of each file, hex, by name."""
    sha256: str
    """Over the lines `<name> <value>` of `counts`, `<part>` of `parts`, `<name> <sha256>` of
    `files` and `digest <digest>`, in their order, each followed by a line feed."""
    digest: str | None = None
    """Of the order of sending; None in a plan of before."""
    format: int = FORMAT


class PlanStore:
    """The folder `plan/`. Parts that no seal names are those of planning that was cut short."""

    def __init__(self, folder: Path, launch: str | None) -> None:
        self._folder = folder
        self._launch = launch
        self._seal = self._read_seal()
        self._pending: list[str] = []
        self._files: dict[str, str] = {} if self._seal is None else dict(self._seal.files)
        self._verified: set[Path] = set()

    @property
    def is_complete(self) -> bool:
        """Whether the plan is whole: sealed, and nothing written since."""
        return self._seal is not None and not self._pending

    @property
    def counts(self) -> dict[str, int]:
        """What :meth:`seal` was told; empty without a seal."""
        return {} if self._seal is None else self._seal.counts

    def discard_unsealed(self) -> int:
        """Remove what planning that was cut short has left. For the writer alone.

        Returns:
            Number of parts removed.

        """
        remove_temporaries(self._folder)
        sealed = set(self._sealed())
        removed: set[str] = set()
        for path in self._folder.glob("*.parquet"):
            part = path.stem.partition("-")[2]
            if part not in sealed:
                path.unlink()
                removed.add(part)
        return len(removed)

    def write(self, requests: pa.Table, asks: pa.Table) -> None:
        """Append a part: both files are on the disk when this returns.

        Raises:
            RunDirectoryError: The disk is full or fails.

        """
        part = f"{len(self._sealed()) + len(self._pending):06}-{self._launch}"
        for kind, table in (("requests", requests), ("asks", asks)):
            path = self._folder / f"{kind}-{part}.parquet"
            with writing(path) as temporary:
                pq.write_table(
                    table.replace_schema_metadata(mark(kind)),
                    temporary,
                    compression="zstd",
                    row_group_size=_ROW_GROUP,
                    write_page_checksum=True,
                )
                self._files[path.name] = sha256_of(temporary)
            self._verified.add(path)
        self._pending.append(part)

    def seal(self, counts: dict[str, int], digest: str | None = None) -> None:
        """Say that the plan is whole: the sealed parts of before and all written since."""
        parts = (*self._sealed(), *self._pending)
        files = {
            name: self._files[name]
            for part in parts
            for name in (f"{kind}-{part}.parquet" for kind in _KINDS)
        }
        proof = _hash(counts, parts, files, digest)
        seal = Seal(counts=counts, parts=parts, files=files, sha256=proof, digest=digest)
        data = msgspec.json.format(msgspec.json.encode(seal), indent=2)
        write_whole(self._folder / SEAL, data + b"\n")
        self._seal = seal
        self._pending = []

    def batches(self, kind: Kind, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Rows in written order.

        Raises:
            RunDirectoryError: A file of the plan is missing, damaged or of an unknown format.

        """
        for part in (*self._sealed(), *self._pending):
            with self._opened(kind, part) as file:
                yield from file.iter_batches(columns=None if columns is None else list(columns))

    def rows(self, kind: Kind) -> int:
        """Rows of a table, as the files have them.

        Raises:
            RunDirectoryError: A file of the plan is missing or damaged.

        """
        total = 0
        for part in (*self._sealed(), *self._pending):
            with self._opened(kind, part) as file:
                total += file.metadata.num_rows
        return total

    def parts(
        self, requests: Sequence[str], asks: Sequence[str], shared: Sequence[str] = ()
    ) -> Iterator[tuple[pa.Table, pa.Table]]:
        """Some columns of both tables, part by part, in written order.

        Args:
            requests: Columns of `requests`.
            asks: Columns of `asks`.
            shared: More of them, for parts in which a request answers several judgments.

        Raises:
            RunDirectoryError: A file of the plan is missing or damaged.

        """
        for part in (*self._sealed(), *self._pending):
            with self._opened("requests", part) as file:
                asked = file.read(list(requests))
            with self._opened("asks", part) as file:
                is_shared = file.metadata.num_rows != len(asked)
                answered = file.read([*asks, *(shared if is_shared else ())])
            yield asked, answered

    @contextmanager
    def _opened(self, kind: Kind, part: str) -> Iterator[pq.ParquetFile]:
        path = self._folder / f"{kind}-{part}.parquet"
        try:
            self._verify(path)
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                check_table(path, file.metadata.metadata, kind)
                yield file
        except (OSError, pa.ArrowInvalid) as error:
            message = f"`{path}` of the plan cannot be read: {error}"
            raise RunDirectoryError(message, hint=COPY_BACK) from error

    def _verify(self, path: Path) -> None:
        """Check a file against the seal, the first time that it is read."""
        if path in self._verified:
            return
        expected = self._files.get(path.name, "")
        if sha256_of(path) != expected:
            message = f"its sha256 is not {expected[:8]}…, as it was when it was written"
            raise pa.ArrowInvalid(message)
        self._verified.add(path)

    def _sealed(self) -> tuple[str, ...]:
        return () if self._seal is None else self._seal.parts

    def _read_seal(self) -> Seal | None:
        path = self._folder / SEAL
        try:
            seal = decode_json(path, path.read_bytes(), Seal)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            message = f"`{path}` cannot be read: {error}"
            raise RunDirectoryError(message, hint=COPY_BACK) from error
        if seal.sha256 != _hash(seal.counts, seal.parts, seal.files, seal.digest):
            message = f"`{path}` is damaged: its sha256 does not fit what it says"
            raise RunDirectoryError(message, hint=COPY_BACK)
        return seal


def _hash(
    counts: dict[str, int], parts: tuple[str, ...], files: dict[str, str], digest: str | None
) -> str:
    lines = [f"{name} {count}" for name, count in counts.items()]
    lines += [*parts, *(f"{name} {hashed}" for name, hashed in files.items())]
    lines += [] if digest is None else [f"digest {digest}"]
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
