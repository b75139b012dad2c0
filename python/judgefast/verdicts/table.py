"""The verdict of every judgment of a plan, filled as completions come in, in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.codes import CHOICE_NONE, Status
from judgefast.journal.answers import AnswerIndex, State
from judgefast.journal.columns import to_batch
from judgefast.verdicts.columns import VerdictColumns
from judgefast.verdicts.read import empty, read_labels, read_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        rows = self.answers.add(batch)
        chosen = np.flatnonzero(self.answers.counts(batch, rows))
        if not len(chosen):
            return rows
        replaced = batch.column("replaced_surrogates").to_numpy()[chosen]
        if (replaced | self.replaced_surrogates[rows[chosen]]).any():
            self.replaced_surrogates[rows[chosen]] = replaced
        said = _Said(batch, chosen)
        for table in (self, *self._others):
            table.read(said, rows)
        return rows

    def read(self, said: _Said, rows: NDArray[np.int64]) -> None:
        """Read what a batch says; `rows` are those of the plan, shared by all tables."""
        batch, chosen = said.batch, said.chosen
        probabilities, has_labels = _logprobs(batch.column("answers"), len(self._format.labels))
        by_label, by_text = chosen[has_labels[chosen]], chosen[~has_labels[chosen]]
        if len(by_label):
            self._make_room(len(self._format.labels))
            verdicts = read_labels(self._format, probabilities[by_label])
            self._put(rows[by_label], verdicts)
        if len(by_text):
            finish = batch.column("finish_reason")
            verdicts = read_texts(self._format, said.texts(by_text), _is(finish, "length")[by_text])
            self._put(rows[by_text], verdicts)
            refused = by_text[_is(finish, "refused")[by_text] == 1]
            nothing = empty(len(refused), len(self._format.labels), Status.REFUSED)
            self._put(rows[refused], nothing)

    def add_live(self, completions: Sequence[Completion], launch: str) -> NDArray[np.uint8]:
        """Read what this launch has just got, in the order in which it is journaled.

        Returns:
            `Status` of each.

        """
        batch = to_batch(completions, launch=launch, first_row=self._live_rows, names=COLUMNS)
        self._live_rows += len(completions)
        status = self._columns.status[self.add(batch)]
        for index, completion in enumerate(completions):
            if completion.finish_reason == "error":
                status[index] = Status[(completion.error_kind or "engine_error").upper()]
        return status

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

    def _put(self, rows: NDArray[np.int64], verdicts: VerdictColumns) -> None:
        # The status last: a thread that reads the table meanwhile finds what it says of a row.
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


class _Said:
    """The completions of a batch that count, their texts taken out of Arrow once."""

    def __init__(self, batch: pa.RecordBatch, chosen: NDArray[np.int64]) -> None:
        self.batch, self.chosen = batch, chosen
        self._taken: tuple[NDArray[np.int64], list[str]] | None = None

    def texts(self, places: NDArray[np.int64]) -> list[str]:
        if self._taken is None or not np.array_equal(self._taken[0], places):
            self._taken = places, self.batch.column("text").take(places).to_pylist()
        return self._taken[1]


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


def _is(finish_reason: pa.Array[Any], name: str) -> NDArray[np.uint8]:
    names = finish_reason.dictionary.to_pylist()
    codes = finish_reason.indices.to_numpy()
    found: NDArray[np.uint8] = np.array([each == name for each in names], np.uint8)[codes]
    return found


def _logprobs(answers: pa.Array[Any], labels: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Label log-probabilities of the first question, and where there are any.

    Shapes (n, labels) and (n,). A row of another length than `labels` stays NaN: it is malformed.
    """
    table = np.full((len(answers), labels), np.nan)
    has_labels = np.zeros(len(answers), np.bool_)
    if not labels or not len(answers.flatten()):
        return table, has_labels
    for index, reads in enumerate(answers.to_pylist()):
        for read in reads:
            if read["question"] == 0 and read["logprobs"]:
                has_labels[index] = True
                if len(read["logprobs"]) == labels:
                    table[index] = read["logprobs"]
    return table, has_labels
