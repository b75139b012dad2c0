"""The verdict of every judgment of a plan, filled as completions come in, in any order."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.codes import CHOICE_NONE, Status
from judgefast.journal.answers import (
    CANCELLED,
    FINAL,
    AnswerIndex,
    Came,
    State,
    came_live,
    came_of,
)
from judgefast.verdicts.columns import VerdictColumns
from judgefast.verdicts.read import empty, read_labels, read_texts
from judgefast.verdicts.said import Said, SaidInBatch, SaidLive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from judgefast.engines.base import Completion
    from judgefast.prompts.verdict_format import VerdictFormat

COLUMNS = (
    "request_id",
    "attempt",
    "launch",
    "row",
    "finish_reason",
    "error_kind",
    "text",
    "answers",
    "replaced_surrogates",
)
"""Columns of `completions` that a verdict is made from."""


class VerdictTable:
    """Verdicts by row of the plan. A completion that is superseded leaves no trace in it."""

    def __init__(
        self,
        request_ids: NDArray[np.uint8] | AnswerIndex,
        verdict_format: VerdictFormat,
        *,
        planned: NDArray[np.uint8],
    ) -> None:
        """Start with nothing read.

        Args:
            request_ids: Shape (n, 16), each id once; or the index of a table that fills this one.
            verdict_format: How texts are read.
            planned: `Status` of what will never be asked (too long, not needed), else 0. (n,).

        """
        self.answers = (
            request_ids if isinstance(request_ids, AnswerIndex) else AnswerIndex(request_ids)
        )
        self._format = verdict_format
        self._planned = planned
        self._others: list[VerdictTable] = []
        # Probabilities take more room than all else, and most runs read none; nor do most formats
        # have both scores and strengths.
        self._columns = _unwritten(len(planned))
        self._changing = threading.Lock()
        self._live_rows = 0
        self.replaced_surrogates = np.zeros(len(planned), np.int32)
        """Lone surrogates of the completion that counts, by row of the plan."""

    def beside(self, verdict_format: VerdictFormat) -> VerdictTable:
        """Return a table of the same completions by another format, filled as this one is."""
        other = VerdictTable(self.answers, verdict_format, planned=self._planned)
        other.replaced_surrogates = self.replaced_surrogates
        self._others.append(other)
        return other

    def add(self, batch: pa.RecordBatch) -> NDArray[np.int64]:
        """Read completions (`COLUMNS` of them).

        Returns:
            Row of the plan of each, -1 where it has none.

        """
        with self._changing:
            return self._add(came_of(batch), lambda chosen: SaidInBatch(batch, chosen))

    def add_live(self, completions: Sequence[Completion], launch: str) -> NDArray[np.uint8]:
        """Read what this launch has just got, in the order in which it is journaled.

        Returns:
            `Status` of each.

        """
        with self._changing:
            came = came_live(completions, launch, self._live_rows)
            self._live_rows += len(completions)
            rows = self._add(came, lambda chosen: SaidLive(completions, chosen))
            status = self._columns.status[rows]
        failed = (came.outcomes != FINAL) & (came.outcomes != CANCELLED)
        np.copyto(status, came.outcomes, where=failed)
        return status

    def _add(self, came: Came, said_of: Callable[[NDArray[np.int64]], Said]) -> NDArray[np.int64]:
        rows, counted = self.answers.take(came)
        chosen = np.flatnonzero(counted)
        if not len(chosen):
            return rows
        said = said_of(chosen)
        replaced = said.replaced_surrogates[chosen]
        if (replaced | self.replaced_surrogates[rows[chosen]]).any():
            self.replaced_surrogates[rows[chosen]] = replaced
        for table in (self, *self._others):
            table.read(said, rows)
        return rows

    def read(self, said: Said, rows: NDArray[np.int64]) -> None:
        """Read what completions say; `rows` are those of the plan, shared by all tables."""
        chosen, labels = said.chosen, len(self._format.labels)
        probabilities, has_labels = said.logprobs(labels)
        by_label, by_text = chosen[has_labels[chosen]], chosen[~has_labels[chosen]]
        if len(by_label):
            self._make_room(labels)
            self._put(rows[by_label], read_labels(self._format, probabilities[by_label]))
        is_refused = said.refused[by_text]
        refused, read = by_text[is_refused], by_text[~is_refused]
        if len(refused):
            self._put(rows[refused], empty(len(refused), labels, Status.REFUSED))
        if len(read):
            verdicts = read_texts(self._format, said.texts(read), said.cut[read])
            self._put(rows[read], verdicts)

    def verdicts(self) -> VerdictColumns:
        """Verdicts as far as they are known, with the reason where there is none."""
        shares = self._columns.p_labels
        if np.isnan(shares).all():  # perhaps those that were read are superseded: no trace
            shares = shares[:, :0]
        return self._columns._replace(status=self.status(), p_labels=shares)

    def status(self) -> NDArray[np.uint8]:
        """`Status` of every judgment, as in :meth:`verdicts`."""
        status = self._columns.status.copy()
        state = self.answers.state
        failed = np.flatnonzero(state == State.FAILED)
        status[failed] = self.answers.failure_of(failed)
        unasked = (state != State.ANSWERED) & (self._planned != Status.PARSED)
        np.copyto(status, self._planned, where=unasked)
        return status

    def snapshot(self) -> VerdictColumns:
        """`verdicts()` as they are now, for another thread; `span` and `repaired` go on to change.

        Waits for a batch that is being added, and the next one waits for it.
        """
        with self._changing:
            now = self.verdicts()
            return now._replace(
                choice=now.choice.copy(),
                score=_copy(now.score),
                strength=_copy(now.strength),
                p_labels=now.p_labels.copy(),
                label_mass=_copy(now.label_mass),
            )

    def _put(self, rows: NDArray[np.int64], verdicts: VerdictColumns) -> None:
        for name in reversed(verdicts._fields):
            if name == "p_labels" and not self._columns.p_labels.shape[1]:
                continue
            new = getattr(verdicts, name)
            if not getattr(self._columns, name).flags.writeable:
                if np.isnan(new).all():
                    continue
                column = np.full(len(self._columns.status), np.nan, new.dtype)
                self._columns = self._columns._replace(**{name: column})
            getattr(self._columns, name)[rows] = new

    def _make_room(self, labels: int) -> None:
        """Hold probabilities from now on; none were read so far."""
        n, held = self._columns.p_labels.shape
        if held < labels:
            room = np.full((n, labels), np.nan, np.float32)
            self._columns = self._columns._replace(p_labels=room)


def _unwritten(n: int) -> VerdictColumns:
    """Columns of `n` judgments that were not read; those of floats take no room yet."""
    nan, nan32 = np.float64(np.nan), np.float32(np.nan)
    return VerdictColumns(
        status=np.full(n, Status.INTERRUPTED, np.uint8),
        choice=np.full(n, CHOICE_NONE, np.uint8),
        score=np.broadcast_to(nan, n),
        strength=np.broadcast_to(nan, n),
        p_labels=np.zeros((n, 0), np.float32),
        label_mass=np.broadcast_to(nan32, n),
        span=np.zeros((n, 2), np.uint32),
        repaired=np.zeros(n, np.uint8),
    )


def _copy(column: NDArray[Any]) -> NDArray[Any]:
    """A column of its own; one that nobody can write to is that already."""
    return column.copy() if column.flags.writeable else column
