"""Which completion counts for each request of the plan, and what is still to be asked."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast import _native
from judgefast.codes import Status

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Rows = NDArray[np.int64]

COLUMNS = ("request_id", "attempt", "launch", "row", "finish_reason", "error_kind")
"""Columns of `completions` that :meth:`AnswerIndex.add` reads."""

_NO_LAUNCH = -1
_CODE_MASK = 255


class State(IntEnum):
    """What the journal knows of a request."""

    UNASKED = 0
    """Nothing came back, or it was cancelled."""
    ANSWERED = 1
    """An answer is final, whatever can be read from it."""
    FAILED = 2
    """Every attempt so far ended in an error or a time-out."""


class AnswerIndex:
    """Completions joined to the rows of the plan, batch by batch, in any order.

    If several completions answer one request, the highest attempt that is final counts, then the
    smallest (launch, row); the others are superseded. Errors, time-outs and cancelled requests are
    not final, hence never take the place of an answer.
    """

    def __init__(self, request_ids: NDArray[np.uint8]) -> None:
        """Index a plan.

        Args:
            request_ids: Shape (requests, 16), each id once.

        Raises:
            ColumnError: An id comes twice.

        """
        self._index = _native.RequestIndex(np.ascontiguousarray(request_ids))
        num = len(request_ids)
        self._launches: list[str] = []
        self._launch = np.full(num, _NO_LAUNCH, np.int32)
        self._row = np.zeros(num, np.int64)
        self.attempts = np.zeros(num, np.int32)
        """Highest attempt that came back, cancelled ones apart; 0 for none."""
        self.final_attempt = np.zeros(num, np.int32)
        """Attempt of the completion that counts; 0 for none."""
        self._failures = np.zeros(num, np.int32)
        self.num_final = 0
        self.num_failed = 0
        self.num_cancelled = 0
        self.num_unknown = 0
        """Completions of requests that the plan does not have."""

    @property
    def num_superseded(self) -> int:
        """Final completions that do not count, because another of the same request does."""
        return self.num_final - int(np.count_nonzero(self.final_attempt))

    @property
    def failure(self) -> NDArray[np.uint8]:
        """`Status` code of the highest failed attempt at each row of the plan; 0 for none."""
        return self.failure_of(slice(None))

    def failure_of(self, rows: Rows | slice) -> NDArray[np.uint8]:
        """`failure` at some rows."""
        return (self._failures[rows] & _CODE_MASK).astype(np.uint8)

    @property
    def state(self) -> NDArray[np.uint8]:
        """A `State` for each row of the plan."""
        states = np.full(len(self._row), State.UNASKED, np.uint8)
        states[self._failures > 0] = State.FAILED
        states[self.final_attempt > 0] = State.ANSWERED
        return states

    def let_go_of_ids(self) -> None:
        """Take in no more completions: what they are found by takes as much room as the rest."""
        self._index = _native.RequestIndex(np.zeros((0, 16), np.uint8))

    def rows(self, request_ids: pa.Array[Any]) -> Rows:
        """Rows of the plan, -1 where it has no such request."""
        return self._index.rows(id_bytes(request_ids))

    def missing(self, max_attempts: int, retry: NDArray[np.bool_] | None = None) -> Rows:
        """Rows of the plan to ask, in its order.

        Those without an answer and with fewer than `max_attempts` attempts; too long for the
        engine is failed for good. Rows of `retry` are asked whatever they have.
        """
        is_open = (self.final_attempt == 0) & (self.attempts < max_attempts)
        failed = np.flatnonzero(self._failures)
        is_open[failed[self.failure_of(failed) == Status.TOO_LONG]] = False
        if retry is not None:
            is_open |= retry
        return np.flatnonzero(is_open)

    def add(self, batch: pa.RecordBatch) -> Rows:
        """Take in completions (`COLUMNS` of them), each once.

        Returns:
            The row of the plan of each, -1 where it has none.

        """
        rows = self.rows(batch.column("request_id"))
        is_known = rows >= 0
        is_cancelled = _equals(batch, "finish_reason", "cancelled")
        is_error = _equals(batch, "finish_reason", "error")
        is_final = ~is_cancelled & ~is_error
        attempts = batch.column("attempt").to_numpy()
        self.num_unknown += int(np.count_nonzero(~is_known))
        self.num_cancelled += int(np.count_nonzero(is_known & is_cancelled))
        failed = is_known & is_error
        self.num_failed += int(np.count_nonzero(failed))
        # The highest attempt wins, then the highest code: the same in whatever order they come.
        failures = attempts * (_CODE_MASK + 1) + _failure_codes(batch)
        np.maximum.at(self._failures, rows[failed], failures[failed])
        came_back = is_known & ~is_cancelled
        np.maximum.at(self.attempts, rows[came_back], attempts[came_back])
        launches = self._launch_numbers(batch)
        places = batch.column("row").to_numpy()
        chosen = np.flatnonzero(is_known & is_final)
        self.num_final += len(chosen)
        self._add_final(rows[chosen], attempts[chosen], launches[chosen], places[chosen])
        return rows

    def counts(self, batch: pa.RecordBatch, rows: Rows | None = None) -> NDArray[np.bool_]:
        """Which of these completions, all of them added before, are the ones that count.

        Args:
            batch: Completions (`request_id`, `launch` and `row` of them).
            rows: What `add` has returned of them, where it is known.

        """
        if not len(self._row):
            return np.zeros(len(batch), np.bool_)
        rows = self.rows(batch.column("request_id")) if rows is None else rows
        launches = self._launch_numbers(batch)
        same = (self._launch[rows] == launches) & (
            self._row[rows] == batch.column("row").to_numpy()
        )
        counted: NDArray[np.bool_] = (rows >= 0) & same
        return counted

    def place(self, row: int) -> tuple[str, int] | None:
        """Launch, and place in it, of the completion that counts; None where there is none."""
        if not self.final_attempt[row]:
            return None
        return self._launches[self._launch[row]], int(self._row[row])

    def by_launch(self) -> dict[str, int]:
        """Completions that count, by launch."""
        launches = self._launch[self.final_attempt > 0]
        numbers = np.bincount(launches, minlength=len(self._launches)).tolist()
        return dict(zip(self._launches, numbers, strict=True))

    def _add_final(
        self, rows: Rows, attempts: NDArray[np.int32], launches: NDArray[np.int32], places: Rows
    ) -> None:
        ranks = self._launch_ranks()
        order = np.lexsort((places, ranks[launches], -attempts.astype(np.int64), rows))
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = rows[order][1:] != rows[order][:-1]
        best = order[is_first]
        rows, attempts = rows[best], attempts[best]
        launches, places = launches[best], places[best]
        rank, held_rank = ranks[launches], ranks[self._launch[rows]]
        held_attempt, held_place = self.final_attempt[rows], self._row[rows]
        is_better = (attempts > held_attempt) | (
            (attempts == held_attempt)
            & ((rank < held_rank) | ((rank == held_rank) & (places < held_place)))
        )
        rows = rows[is_better]
        self.final_attempt[rows] = attempts[is_better]
        self._launch[rows] = launches[is_better]
        self._row[rows] = places[is_better]

    def _launch_numbers(self, batch: pa.RecordBatch) -> NDArray[np.int32]:
        names, codes = _coded(batch, "launch")
        for name in names:
            if name not in self._launches:
                self._launches.append(name)
        numbers = np.array([self._launches.index(name) for name in names], np.int32)
        return numbers[codes]

    def _launch_ranks(self) -> NDArray[np.int32]:
        """Place of each launch among their sorted names; of none, behind all (index -1)."""
        ranks = np.full(len(self._launches) + 1, len(self._launches), np.int32)
        ranks[sorted(range(len(self._launches)), key=self._launches.__getitem__)] = np.arange(
            len(self._launches), dtype=np.int32
        )
        return ranks


def id_bytes(request_ids: pa.Array[Any]) -> NDArray[np.uint8]:
    """Fixed-size binary of 16 bytes as an array of shape (n, 16), without a copy."""
    data = np.frombuffer(memoryview(request_ids.buffers()[1] or b""), np.uint8)
    start = request_ids.offset * 16
    return data[start : start + len(request_ids) * 16].reshape(-1, 16)


def _coded(batch: pa.RecordBatch, name: str) -> tuple[list[str], NDArray[np.int32]]:
    """Names of a dictionary column and the place of each row among them, -1 for null."""
    column: Any = batch.column(name)
    codes = column.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return column.dictionary.to_pylist(), codes.astype(np.int32)


def _equals(batch: pa.RecordBatch, column: str, name: str) -> NDArray[np.bool_]:
    names, codes = _coded(batch, column)
    return np.isin(codes, [code for code, other in enumerate(names) if other == name])


def _failure_codes(batch: pa.RecordBatch) -> NDArray[np.int32]:
    """`Status` of each error; one without a kind is the engine's."""
    names, codes = _coded(batch, "error_kind")
    statuses = [Status[name.upper()].value for name in names]
    return np.array([*statuses, Status.ENGINE_ERROR.value], np.int32)[codes]
