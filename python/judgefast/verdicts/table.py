"""The verdict of every judgment of a plan, filled as completions come in, in any order."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.batches.columns import NONE
from judgefast.codes import CHOICE_NONE, Status
from judgefast.engines.decisions.asked import lacks_mass
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
from judgefast.verdicts.read import MASS_SLACK, empty, read_labels, read_texts
from judgefast.verdicts.said import Said, SaidInBatch, SaidLive

if TYPE_CHECKING:
    from collections.abc import Callable

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
    """Verdicts by row of the plan. A completion that is superseded leaves no trace in it.

    A completion is read into each of the judgments that its request answers.
    """

    def __init__(  # noqa: PLR0913 - columns of a plan, by keyword
        self,
        request_ids: NDArray[np.uint8] | AnswerIndex,
        formats: VerdictFormat | Sequence[VerdictFormat],
        *,
        planned: NDArray[np.uint8],
        asked_by: NDArray[np.uint32] = NONE,
        aspect: NDArray[np.uint16] | None = None,
        questions: NDArray[np.uint16] | None = None,
        labels_only: bool = False,
        label_mass: bool = True,
    ) -> None:
        """Start with nothing read.

        Args:
            request_ids: Shape (n, 16); or the index of a table that fills this one.
            formats: How texts are read: one for all, or one for each aspect.
            planned: `Status` of what will never be asked (too long, not needed), else 0. (n,).
            asked_by: As of the plan; part of an index that is given.
            aspect: Index of each judgment's format, where there are several. (n,).
            questions: Place of each judgment among its request's questions; None: all are the
                first. (n,).
            labels_only: No text is ever read for a verdict: the judge writes none, and what a
                completion holds is not its words. Where labels are missing it is malformed.
            label_mass: Whether the sum of label probabilities is known to say something.

        """
        self.answers = (
            request_ids
            if isinstance(request_ids, AnswerIndex)
            else AnswerIndex(request_ids, asked_by)
        )
        self._formats = tuple(formats) if isinstance(formats, Sequence) else (formats,)
        self._most_labels = max(len(each.labels) for each in self._formats)
        self._aspects = aspect
        self._is_one = all(each == self._formats[0] for each in self._formats)
        self._questions = questions
        self._labels_only = labels_only
        self._label_mass = label_mass
        self._planned = planned
        self._others: list[VerdictTable] = []
        # Probabilities take more room than all else, and most runs read none; nor do most formats
        # have both scores and strengths.
        self._columns = _unwritten(len(planned))
        self._changing = threading.Lock()
        self._live_rows = 0
        self.replaced_surrogates = np.zeros(len(planned), np.int32)
        """Lone surrogates of the completion that counts, at the row that asks for it."""

    def beside(self, formats: VerdictFormat | Sequence[VerdictFormat]) -> VerdictTable:
        """Return a table of the same completions by other formats, filled as this one is."""
        other = VerdictTable(
            self.answers,
            formats,
            planned=self._planned,
            aspect=self._aspects,
            questions=self._questions,
            labels_only=self._labels_only,
            label_mass=self._label_mass,
        )
        other.replaced_surrogates = self.replaced_surrogates
        self._others.append(other)
        return other

    def add(self, batch: pa.RecordBatch) -> NDArray[np.int64]:
        """Read completions (`COLUMNS` of them).

        Returns:
            The row of the plan that asks for each, -1 where it has none.

        """
        with self._changing:
            return self._add(came_of(batch), lambda chosen: SaidInBatch(batch, chosen))

    def add_live(
        self, completions: Sequence[Completion], launch: str
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Read what this launch has just got, in the order in which it is journaled.

        Returns:
            `Status` of each judgment that they answer, and the place of its completion.

        """
        with self._changing:
            came = came_live(completions, launch, self._live_rows)
            self._live_rows += len(completions)
            rows = self._add(came, lambda chosen: SaidLive(completions, chosen))
            places, judgments = self.answers.sharing.judgments_of(rows)
            status = self._columns.status[judgments]
        failed = (came.outcomes != FINAL) & (came.outcomes != CANCELLED)
        np.copyto(status, came.outcomes[places], where=failed[places])
        return status, places

    def _add(self, came: Came, said_of: Callable[[NDArray[np.int64]], Said]) -> NDArray[np.int64]:
        rows, counted = self.answers.take(came)
        chosen = np.flatnonzero(counted)
        if not len(chosen):
            return rows
        said = said_of(chosen)
        replaced = said.replaced_surrogates[chosen]
        if (replaced | self.replaced_surrogates[rows[chosen]]).any():
            self.replaced_surrogates[rows[chosen]] = replaced
        places, judgments = self.answers.sharing.judgments_of(rows[chosen])
        for table in (self, *self._others):
            table.read(said, chosen[places], judgments)
        return rows

    def read(self, said: Said, places: NDArray[np.int64], judgments: NDArray[np.int64]) -> None:
        """Read what completions say, each judgment by its own format.

        Args:
            said: Completions.
            places: Of those that are read, one for each judgment.
            judgments: Rows of the plan.

        """
        if self._questions is None and (self._is_one or self._aspects is None):
            self._read(said, places, judgments, self._formats[0], 0)
            return
        none = np.zeros(len(judgments), np.uint16)
        aspects = none if self._aspects is None or self._is_one else self._aspects[judgments]
        questions = none if self._questions is None else self._questions[judgments]
        for aspect, question in np.unique(np.stack([aspects, questions], axis=1), axis=0).tolist():
            is_it = (aspects == aspect) & (questions == question)
            self._read(said, places[is_it], judgments[is_it], self._formats[aspect], question)

    def _read(
        self,
        said: Said,
        places: NDArray[np.int64],
        judgments: NDArray[np.int64],
        verdict_format: VerdictFormat,
        question: int,
    ) -> None:
        labels = len(verdict_format.labels)
        probabilities, has_labels, declined = said.logprobs(labels, question)
        by_label = has_labels[places]
        if by_label.any():
            self._make_room()
            read = read_labels(verdict_format, probabilities[places[by_label]])
            if not self._label_mass:
                read.label_mass[:] = np.nan
            elif self._labels_only:
                _forget_untold(read.label_mass, said, places[by_label], question)
            self._put(judgments[by_label], read)
        places, judgments = places[~by_label], judgments[~by_label]
        refused = declined[places]
        if refused.any():
            nothing = empty(int(refused.sum()), labels, Status.REFUSED)
            self._put(judgments[refused], nothing)
        places, judgments = places[~refused], judgments[~refused]
        if self._labels_only:
            self._put(judgments, empty(len(judgments), labels, Status.MALFORMED))
        elif len(places):
            verdicts = read_texts(verdict_format, said.texts(places), said.cut[places])
            self._put(judgments, verdicts)

    def verdicts(self) -> VerdictColumns:
        """Verdicts as far as they are known, with the reason where there is none."""
        shares = self._columns.p_labels
        if np.isnan(shares).all():  # perhaps those that were read are superseded: no trace
            shares = shares[:, :0]
        return self._columns._replace(status=self.status(), p_labels=shares)

    def status(self) -> NDArray[np.uint8]:
        """`Status` of every judgment, as in :meth:`verdicts`."""
        status = self._columns.status.copy()
        sharing = self.answers.sharing
        state = sharing.spread(self.answers.state)
        failed = np.flatnonzero(state == State.FAILED)
        status[failed] = self.answers.failure_of(sharing.requests_of(failed))
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
            column = getattr(self._columns, name)
            if name == "p_labels":  # those of a shorter scale are the first of the row
                column[rows, : new.shape[1]] = new
            else:
                column[rows] = new

    def _make_room(self) -> None:
        """Hold probabilities from now on, of each judgment as many as the longest scale has."""
        if not self._columns.p_labels.shape[1]:
            room = np.full((len(self._planned), self._most_labels), np.nan, np.float32)
            self._columns = self._columns._replace(p_labels=room)


def _forget_untold(
    mass: NDArray[np.float32], said: Said, places: NDArray[np.int64], question: int
) -> None:
    """Know no mass where a server that tells it of its answers has not told it of this one.

    Its probabilities come divided by their sum, so that only a mass of 1 may be none.
    """
    likely = np.flatnonzero(mass > 1 - MASS_SLACK)
    for place, text in zip(likely.tolist(), said.texts(places[likely]), strict=True):
        if lacks_mass(text, question):
            mass[place] = np.nan


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
