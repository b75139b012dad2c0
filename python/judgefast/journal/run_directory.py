"""The run directory: all that is kept of a run, and who may write to it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec
import numpy as np

from judgefast.errors import RunDirectoryError
from judgefast.files import disk_errors, sync_folder
from judgefast.journal.answers import COLUMNS, AnswerIndex, id_bytes
from judgefast.journal.extension import refuse_halfway
from judgefast.journal.launches import LaunchRecord, new_launch, read_launches
from judgefast.journal.lock import WriteLock
from judgefast.journal.manifest import Manifest, read_manifest, write_manifest
from judgefast.journal.plan import Kind, PlanStore
from judgefast.journal.reader import JournalReader
from judgefast.journal.unfinished import refuse_foreign
from judgefast.journal.writer import JournalWriter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    import pyarrow as pa


FOLDERS = ("rows", "plan", "journal", "launches", "derived")


class RunDirectory:
    """A run on the disk: manifest, rows, plan, journal and launches.

    A reader sees what is whole and changes nothing. A writer holds the lock, is a launch of its
    own, and has repaired the journal and the plan before it gets to see them; `notes` says how.
    """

    def __init__(self, path: Path, manifest: Manifest, lock: WriteLock | None) -> None:
        """Use :meth:`create` or :meth:`open`."""
        self.path = path
        self.manifest = manifest
        self.launch: str | None = None if lock is None else new_launch()
        """Name of this start, 32 hex digits; None for a reader."""
        self._lock = lock
        self._writer: JournalWriter | None = None
        self._record: LaunchRecord | None = None
        if lock is not None and self.launch is not None:
            for name in FOLDERS:
                (path / name).mkdir(exist_ok=True)
            with disk_errors(path):  # files in a folder are lost in a power cut if its name is
                sync_folder(path)
                sync_folder(path.resolve().parent)
            self._record = LaunchRecord(path / "launches", self.launch)
        self._plan = PlanStore(self.plan_folder, self.launch)
        self._reader = JournalReader(path / "journal", path / "launches", self.launch)
        if lock is not None:
            self._repair()

    @classmethod
    def create(cls, path: str | Path, manifest: Manifest, *, lock: WriteLock | None = None) -> Self:
        """Make a run directory and open it for writing.

        The folder may exist: empty, or with the snapshot `rows/` alone, which can be written
        before the manifest that describes it. A caller that holds its `lock` hands it over.

        Raises:
            RunDirectoryError: It holds a run, or something else, or another process writes to it.

        """
        path = Path(path)
        refuse_foreign(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            message = f"cannot make `{path}`: {error.strerror}"
            hint = "name a folder that you may write to"
            raise RunDirectoryError(message, hint=hint) from error
        held = lock or WriteLock(path)
        try:
            refuse_foreign(path)
            write_manifest(path, manifest)
            return cls(path, manifest, held)
        except BaseException:  # raised again: no lock of ours stays
            if lock is None:
                held.release()
            raise

    @classmethod
    def open(cls, path: str | Path, *, write: bool, lock: WriteLock | None = None) -> Self:
        """Open a run directory; for writing, as a new launch.

        A caller that holds the lock of the directory hands it over.

        Raises:
            RunDirectoryError: It is none, is of an unknown format, another process writes to it, or
                for reading: it is halfway through an extension.

        """
        path = Path(path)
        manifest = read_manifest(path)
        if not write:
            refuse_halfway(path)
            return cls(path, manifest, None)
        held = lock or WriteLock(path)
        try:
            return cls(path, read_manifest(path), held)
        except BaseException:  # raised again: no lock of ours stays
            if lock is None:
                held.release()
            raise

    @property
    def plan_folder(self) -> Path:
        """Requests and asks."""
        return self.path / "plan"

    @property
    def notes(self) -> list[str]:
        """What was cut, set aside or left out of the journal so far, in words."""
        return self._reader.notes

    @property
    def journal(self) -> JournalWriter:
        """Where completions go; its thread starts at the first use.

        Raises:
            RunDirectoryError: The directory is open for reading.

        """
        launch = self._writing_launch()
        if self._writer is None:
            self._writer = JournalWriter(self.path / "journal", launch)
        return self._writer

    def reload(self) -> None:
        """Look at manifest and plan again: others were put in their place."""
        self.manifest = read_manifest(self.path)
        self._plan = PlanStore(self.plan_folder, self.launch)

    def record_estimate(self, estimate: dict[str, Any]) -> None:
        """Keep in the manifest what is foretold of the run; see `judgefast.journal.forecast`."""
        self._writing_launch()
        manifest = msgspec.structs.replace(self.manifest, estimate=estimate)
        write_manifest(self.path, manifest)
        self.manifest = manifest

    def record_launch(self, facts: dict[str, Any]) -> None:
        """Add facts to the record of this launch: machine, engine, versions, settings in force."""
        self._launch_record().add(facts)

    def finish_launch(self, **facts: object) -> None:
        """Say in the record of this launch that it ended, and what is known by then."""
        self._launch_record().finish(facts)

    def launches(self) -> list[dict[str, Any]]:
        """The records of all launches, the first one first."""
        return read_launches(self.path / "launches")

    def write_plan(self, requests: pa.Table, asks: pa.Table) -> None:
        """Append a part of the plan; it counts once :meth:`seal_plan` is called."""
        self._writing_launch()
        self._plan.write(requests, asks)

    def seal_plan(self, counts: dict[str, int], digest: str | None = None) -> None:
        """Say that the plan is whole. `counts` are kept beside it (:attr:`plan_counts`).

        `digest` is that of the order of sending.
        """
        self._writing_launch()
        self._plan.seal(counts, digest)

    def plan_complete(self) -> bool:
        """Whether the plan is whole; if not, planning was cut short and must be done again."""
        return self._plan.is_complete

    def asked_before(self, request_ids: object) -> None:
        """Nothing: the plan of a new run takes the place of none."""

    @property
    def plan_counts(self) -> dict[str, int]:
        """What :meth:`seal_plan` was given; empty before."""
        return self._plan.counts

    def plan_requests(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Rows of `requests`, in written order.

        Raises:
            RunDirectoryError: A file of the plan is missing or damaged.

        """
        return self._plan.batches("requests", columns)

    def plan_asks(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Rows of `asks`, in written order.

        Raises:
            RunDirectoryError: A file of the plan is missing or damaged.

        """
        return self._plan.batches("asks", columns)

    def plan_rows(self, kind: Kind = "requests") -> int:
        """Requests of the plan, or judgments.

        Raises:
            RunDirectoryError: A file of the plan is missing or damaged.

        """
        return self._plan.rows(kind)

    def plan_parts(
        self, requests: Sequence[str], asks: Sequence[str], shared: Sequence[str] = ()
    ) -> Iterator[tuple[pa.Table, pa.Table]]:
        """Some columns of `requests` and `asks`, part by part, in written order.

        Columns `shared` of `asks` only where a request answers several judgments.

        Raises:
            RunDirectoryError: A file of the plan is missing or damaged.

        """
        return self._plan.parts(requests, asks, shared)

    def completions(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Rows of `completions` by launch, segment and line; what is damaged is in `notes`.

        What this launch has appended is seen once it is written: call `journal.flush()` before.
        """
        return self._reader.batches(columns)

    def text_at(self, launch: str, row: int) -> str | None:
        """Text of the completion at a place in a launch; one segment is read for it."""
        return self._reader.text(launch, row)

    def final_attempts(self) -> AnswerIndex:
        """Join the journal to the plan: what counts for each request, and what is missing."""
        ids = [id_bytes(batch.column(0)) for batch in self.plan_requests(["request_id"])]
        index = AnswerIndex(np.concatenate([np.empty((0, 16), np.uint8), *ids]))
        for batch in self.completions(COLUMNS):
            index.add(batch)
        return index

    def close(self, *, to_parquet: bool = True) -> None:
        """End writing and free the lock. Safe to call twice.

        Args:
            to_parquet: Close the open segment into Parquet; without, the end comes sooner and the
                next writer does it.

        Raises:
            RunDirectoryError: What was appended last could not be written.

        """
        try:
            if self._writer is not None:
                self._writer.close(to_parquet=to_parquet)
        finally:
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def __enter__(self) -> Self:
        """Enter a block at whose end the directory is closed."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the directory."""
        self.close()

    def _repair(self) -> None:
        self._reader.repair()
        removed = self._plan.discard_unsealed()
        if removed:
            parts = "1 part" if removed == 1 else f"{removed:,} parts"
            self.notes.append(f"`plan`: planning had been cut short; {parts} removed")

    def _writing_launch(self) -> str:
        if self._lock is None or self.launch is None:
            message = f"`{self.path}` is not open for writing"
            raise RunDirectoryError(message)
        return self.launch

    def _launch_record(self) -> LaunchRecord:
        self._writing_launch()
        if self._record is None:
            message = f"`{self.path}` has no launch of this process"
            raise RunDirectoryError(message)
        return self._record
