"""Which completion counts for each request of the plan, and what is still to be asked."""

from __future__ import annotations

from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judgefast import _native
from judgefast.batches.columns import NONE
from judgefast.batches.sharing import Sharing
from judgefast.codes import Status
from judgefast.errors import ColumnError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from judgefast.engines.base import Completion

    Rows = NDArray[np.int64]

COLUMNS = ("request_id", "attempt", "launch", "row", "finish_reason", "error_kind")
"""Columns of `completions` that :meth:`AnswerIndex.add` reads."""

ID_BYTES = 16
_NO_LAUNCH = -1
_CODE_MASK = 255
_PLACE_BITS = 40
"""Below the number of a launch: completions that it may have."""

FINAL = 0
"""`Came.outcomes` of an answer."""

CANCELLED = 255
"""`Came.outcomes` of what was cancelled."""

_FOR_GOOD = (Status.TOO_LONG, Status.UNSUPPORTED, Status.INVALID)
"""Failures that another attempt does not change."""

_ENDS = {"error": Status.ENGINE_ERROR.value, "cancelled": CANCELLED}
"""Finish reasons of what is no answer; an error without a kind is the engine's."""


class State(IntEnum):
    """What the journal knows of a request."""

    UNASKED = 0
    """Nothing came back, or it was cancelled."""
    ANSWERED = 1
    """An answer is final, whatever can be read from it."""
    FAILED = 2
    """Every attempt so far ended in an error or a time-out."""


class Came(NamedTuple):
    """Completions as columns of length n: what decides which of them count."""

    request_ids: NDArray[np.uint8]
    """Shape (n, 16)."""
    attempts: NDArray[np.int32]
    outcomes: NDArray[np.uint8]
    """`FINAL`, `CANCELLED`, or the `Status` of an error."""
    launches: list[str]
    """Names."""
    launch_codes: NDArray[np.int32]
    """Place of each completion's launch among the names."""
    places: NDArray[np.int64]
    """Place of each in its launch."""


class _Held(NamedTuple):
    """What is known of each request, at the row of the plan that asks for it."""

    attempts: NDArray[np.int32]
    failures: NDArray[np.int32]
    """Highest attempt that failed, times 256, and the `Status` of it: the same in whatever order
    they come."""
    final_attempts: NDArray[np.int32]
    launches: NDArray[np.int32]
    places: NDArray[np.int64]


class AnswerIndex:
    """Completions joined to the requests of the plan, batch by batch, in any order.

    A request is known by the row of the plan that asks for it: with a request for every judgment
    that is each row. Columns are as long as the plan, and say nothing at other rows.

    If several completions answer one request, the highest attempt that is final counts, then the
    smallest (launch, row); the others are superseded. Errors, time-outs and cancelled requests are
    not final, hence never take the place of an answer.
    """

    def __init__(self, request_ids: NDArray[np.uint8], asked_by: NDArray[np.uint32] = NONE) -> None:
        """Index a plan.

        Args:
            request_ids: Shape (n, 16): the request that answers each judgment.
            asked_by: The row that asks for it; empty where each asks for its own.

        Raises:
            ColumnError: An id is that of two requests, or not that of the row that asks for it.

        """
        self.sharing = Sharing(asked_by)
        """Which judgments a request answers."""
        self._index = _native.RequestIndex(np.ascontiguousarray(request_ids), asked_by)
        num = len(request_ids)
        self._launches: list[str] = []
        self._ranks = np.zeros(0, np.int32)
        self._launch = np.full(num, _NO_LAUNCH, np.int32)
        self._row = np.zeros(num, np.int64)
        self.attempts = np.zeros(num, np.int32)
        """Highest attempt that came back, cancelled ones apart; 0 for none."""
        self.final_attempt = np.zeros(num, np.int32)
        """Attempt of the completion that counts; 0 for none."""
        self._failures = np.zeros(num, np.int32)
        self._held = _Held(
            self.attempts, self._failures, self.final_attempt, self._launch, self._row
        )
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
    def num_answered(self) -> int:
        """Judgments whose request has an answer, whatever can be read from it."""
        return int(np.count_nonzero(self.sharing.spread(self.final_attempt)))

    @property
    def num_saved(self) -> int:
        """Judgments that another's request answers."""
        rows = len(self._row)
        return rows - int(np.count_nonzero(self.sharing.own(rows)))

    @property
    def failure(self) -> NDArray[np.uint8]:
        """`Status` code of the highest failed attempt at each request; 0 for none."""
        return self.failure_of(slice(None))

    def failure_of(self, rows: NDArray[np.integer] | slice) -> NDArray[np.uint8]:
        """`failure` at some rows."""
        return (self._failures[rows] & _CODE_MASK).astype(np.uint8)

    @property
    def state(self) -> NDArray[np.uint8]:
        """A `State` for each request."""
        states = np.full(len(self._row), State.UNASKED, np.uint8)
        states[self._failures > 0] = State.FAILED
        states[self.final_attempt > 0] = State.ANSWERED
        return states

    def let_go_of_ids(self) -> None:
        """Take in no more completions: what they are found by takes as much room as the rest."""
        self._index = _native.RequestIndex(np.zeros((0, 16), np.uint8), NONE)

    def rows(self, request_ids: pa.Array[Any]) -> Rows:
        """Rows of the plan that ask for these, -1 where it has no such request."""
        return self._index.rows(id_bytes(request_ids))

    def rows_of(self, request_ids: Sequence[bytes]) -> Rows:
        """As `rows`, of a few ids as the engine has them: there may be a call for each answer."""
        joined = np.frombuffer(b"".join(request_ids), np.uint8)
        return self._index.rows(joined.reshape(-1, ID_BYTES))

    def missing(self, max_attempts: int, retry: NDArray[np.bool_] | None = None) -> Rows:
        """Requests to ask, in the order of the plan.

        Those without an answer and with fewer than `max_attempts` attempts; what is too long for
        the engine, or not what it can be asked, is failed for good. Those of judgments in `retry`
        are asked whatever they have.
        """
        is_open = (self.final_attempt == 0) & (self.attempts < max_attempts)
        failed = np.flatnonzero(self._failures)
        is_open[failed[np.isin(self.failure_of(failed), _FOR_GOOD)]] = False
        is_open &= self.sharing.own(len(is_open))
        if retry is not None:
            is_open[self.sharing.requests_of(np.flatnonzero(retry))] = True
        return np.flatnonzero(is_open)

    def add(self, batch: pa.RecordBatch) -> Rows:
        """Take in completions (`COLUMNS` of them), each once.

        Returns:
            The row of the plan that asks for each, -1 where it has none.

        """
        return self.take(came_of(batch))[0]

    def take(self, came: Came) -> tuple[Rows, NDArray[np.bool_]]:
        """Take in completions, each once.

        Returns:
            The row of the plan that asks for each, -1 where it has none; and which of them count
            now.

        """
        rows = self._index.rows(came.request_ids)
        launches = self._numbers(came.launches)[came.launch_codes]
        done, failed, cancelled, unknown = _native.take_in(
            self._held, came, rows, launches, self._ranks
        )
        self.num_final += done
        self.num_failed += failed
        self.num_cancelled += cancelled
        self.num_unknown += unknown
        return rows, self._counted(rows, launches, came.places)

    def counts(self, batch: pa.RecordBatch, rows: Rows | None = None) -> NDArray[np.bool_]:
        """Which of these completions, all of them added before, are the ones that count.

        Args:
            batch: Completions (`request_id`, `launch` and `row` of them).
            rows: What `add` has returned of them, where it is known.

        """
        rows = self.rows(batch.column("request_id")) if rows is None else rows
        names, codes = _coded(batch, "launch")
        return self._counted(rows, self._numbers(names)[codes], batch.column("row").to_numpy())

    def place(self, row: int) -> tuple[str, int] | None:
        """Launch, and place in it, of the completion that counts for a judgment; None without."""
        [row] = self.sharing.requests_of(np.array([row])).tolist()
        if not self.final_attempt[row]:
            return None
        return self._launches[self._launch[row]], int(self._row[row])

    def counted_for(self, batch: pa.RecordBatch) -> Rows:
        """Rows of the plan whose request each completion answers, -1 where it does not count.

        By `launch` and `row` of the completions alone: ids may have been let go of.
        """
        names, codes = _coded(batch, "launch")
        known = {name: number for number, name in enumerate(self._launches)}
        launches = np.array([known.get(name, _NO_LAUNCH) for name in names], np.int64)[codes]
        wanted = (launches << _PLACE_BITS) + batch.column("row").to_numpy()
        asking, places = self._by_place
        if not len(asking):
            return np.full(len(wanted), -1, np.int64)
        at = np.minimum(np.searchsorted(places, wanted), len(places) - 1)
        return np.where(places[at] == wanted, asking[at], -1)

    @cached_property
    def _by_place(self) -> tuple[Rows, Rows]:
        """Rows with a completion that counts, and where it stands, ascending by that."""
        rows = np.flatnonzero(self.final_attempt > 0)
        places = (self._launch[rows].astype(np.int64) << _PLACE_BITS) + self._row[rows]
        order = np.argsort(places)
        return rows[order], places[order]

    def by_launch(self) -> dict[str, int]:
        """Judgments by the launch whose completion counts."""
        launches = self.sharing.spread(self._launch)
        launches = launches[self.sharing.spread(self.final_attempt) > 0]
        numbers = np.bincount(launches, minlength=len(self._launches)).tolist()
        return dict(zip(self._launches, numbers, strict=True))

    def _counted(
        self, rows: Rows, launches: NDArray[np.int32], places: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        if not len(self._row):
            return np.zeros(len(rows), np.bool_)
        same = (self._launch[rows] == launches) & (self._row[rows] == places)
        counted: NDArray[np.bool_] = same & (rows >= 0)
        return counted

    def _numbers(self, names: Sequence[str]) -> NDArray[np.int32]:
        """Numbers of launches; those that are new get the next ones."""
        new = [name for name in dict.fromkeys(names) if name not in self._launches]
        if new:
            self._launches += new
            # Place of each launch among their sorted names.
            ranks = np.empty(len(self._launches), np.int32)
            ranks[sorted(range(len(ranks)), key=self._launches.__getitem__)] = np.arange(len(ranks))
            self._ranks = ranks
        return np.array([self._launches.index(name) for name in names], np.int32)


def came_of(batch: pa.RecordBatch) -> Came:
    """What decides of completions in a batch (`COLUMNS` of them)."""
    names, codes = _coded(batch, "launch")
    return Came(
        request_ids=id_bytes(batch.column("request_id")),
        attempts=batch.column("attempt").to_numpy(),
        outcomes=_outcomes(batch),
        launches=names,
        launch_codes=codes,
        places=batch.column("row").to_numpy(),
    )


def came_live(completions: Sequence[Completion], launch: str, first_place: int) -> Came:
    """What decides of completions that one launch has just got.

    Raises:
        ColumnError: An id of a request has not 16 bytes.

    """
    num = len(completions)
    ids = [each.request_id for each in completions]
    for row, request_id in enumerate(ids):
        if len(request_id) != ID_BYTES:
            message = f"row {row} of `request_id` holds {len(request_id)} bytes; allowed: 16 bytes"
            raise ColumnError(message)
    ends = [_ENDS.get(each.finish_reason, FINAL) for each in completions]
    for row, each in enumerate(completions) if _ENDS["error"] in ends else ():
        if each.finish_reason == "error" and each.error_kind is not None:
            ends[row] = Status[each.error_kind.upper()].value
    return Came(
        request_ids=np.frombuffer(b"".join(ids), np.uint8).reshape(num, ID_BYTES),
        attempts=np.array([each.attempt for each in completions], np.int32),
        outcomes=np.array(ends, np.uint8),
        launches=[launch],
        launch_codes=np.zeros(num, np.int32),
        places=np.arange(first_place, first_place + num),
    )


def id_bytes(request_ids: pa.Array[Any]) -> NDArray[np.uint8]:
    """Fixed-size binary of 16 bytes as an array of shape (n, 16), without a copy."""
    data = np.frombuffer(memoryview(request_ids.buffers()[1] or b""), np.uint8)
    start = request_ids.offset * ID_BYTES
    return data[start : start + len(request_ids) * ID_BYTES].reshape(-1, ID_BYTES)


def _coded(batch: pa.RecordBatch, name: str) -> tuple[list[str], NDArray[np.int32]]:
    """Names of a dictionary column and the place of each row among them, -1 for null."""
    column: Any = batch.column(name)
    indices = column.indices
    codes = (indices.fill_null(-1) if indices.null_count else indices).to_numpy()
    return column.dictionary.to_pylist(), codes


def _outcomes(batch: pa.RecordBatch) -> NDArray[np.uint8]:
    names, codes = _coded(batch, "finish_reason")
    ends = [_ENDS.get(name, FINAL) for name in names]
    outcomes: NDArray[np.uint8] = np.array([*ends, FINAL], np.uint8)[codes]
    failed = np.flatnonzero(outcomes == _ENDS["error"])
    if len(failed):
        kinds, codes = _coded(batch, "error_kind")
        statuses = [Status[kind.upper()].value for kind in kinds]
        outcomes[failed] = np.array([*statuses, _ENDS["error"]], np.uint8)[codes[failed]]
    return outcomes
