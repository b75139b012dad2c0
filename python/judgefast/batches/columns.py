"""The plan of a run as columns, one row a judgment.

Judgments of one comparison (item, pair of answers, aspect) are contiguous, the two orders of one
repeat side by side.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


PAIR = 2
"""Answers that a comparison shows."""

NONE = np.zeros(0, np.uint32)
"""A column of row numbers that says nothing."""
NONE.flags.writeable = False


class PlanColumns(NamedTuple):
    """What is asked. All of length n but `shown`, `shown_offsets` and what may be empty."""

    item: NDArray[np.uint32]
    """Index of the item in the order of `rows`."""
    first: NDArray[np.uint16]
    """Index into the item's answers of the one shown first."""
    second: NDArray[np.uint16]
    """Index of the one shown second; `NO_ANSWER` where one is shown."""
    shown: NDArray[np.uint16]
    """Indices of all answers shown, the rows joined."""
    shown_offsets: NDArray[np.int64]
    """Shape (n + 1,): row k shows `shown[shown_offsets[k]:shown_offsets[k + 1]]`. Empty, as `shown`
    is, in a plan that is only sent and where `first` and `second` say it all."""
    swapped: NDArray[np.uint8]
    """1 where the answers are shown from the last to the first."""
    repeat: NDArray[np.uint16]
    """From 0."""
    aspect: NDArray[np.uint16]
    """Index into the rubric's aspects."""
    request_id: NDArray[np.uint8]
    """Shape (n, 16): what is sent once, for each of the judgments that it answers."""
    key: NDArray[np.uint8]
    """Shape (n, 16): the judgment. The same array as `request_id` where each has its own."""
    prefix_group: NDArray[np.uint64]
    """Requests with one group share rubric and question. Empty in a plan that is only read."""
    sent: NDArray[np.uint32] = NONE
    """Place of each row in the order of sending. Empty where that is the order of the rows."""
    asked_by: NDArray[np.uint32] = NONE
    """The row whose request answers each one, itself where it has its own. Empty where all have."""

    def shown_in(self, row: int) -> tuple[int, ...]:
        """Indices of the answers that one judgment shows, by position."""
        return self.shown_lists(row, row + 1)[0]

    def shown_lists(self, start: int = 0, end: int | None = None) -> list[tuple[int, ...]]:
        """Indices of the answers that each judgment of a stretch shows, by position."""
        if not len(self.shown_offsets):
            columns = (self.first[start:end].tolist(), self.second[start:end].tolist())
            return list(zip(*columns, strict=True))
        edges = self.shown_offsets[start : len(self.item) + 1 if end is None else end + 1]
        shown = self.shown[edges[0] : edges[-1]].tolist()
        places = (edges - edges[0]).tolist()
        return [tuple(shown[a:b]) for a, b in pairwise(places)]

    def items_of(self, rows: NDArray[np.integer]) -> NDArray[np.uint32]:
        """Item of each of some rows, ascending; no copy where that is all of them."""
        return self.item if len(rows) == len(self.item) else self.item[rows]

    def take(self, rows: NDArray[np.int64]) -> PlanColumns:
        """Some of the judgments; their ids, and how they are sent, are left out."""
        lengths = np.diff(self.shown_offsets)[rows]
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
        starts = np.repeat(self.shown_offsets[rows] - offsets[:-1], lengths)
        columns = {
            name: getattr(self, name)[rows]
            for name in ("item", "first", "second", "swapped", "repeat", "aspect")
        }
        return no_plan()._replace(
            **columns,
            shown=self.shown[starts + np.arange(offsets[-1])],
            shown_offsets=offsets,
        )

    def to_send(self) -> PlanColumns:
        """Return the plan without what `first` and `second` say as well, where they say it all."""
        if len(self.shown) != PAIR * len(self.item) or (np.diff(self.shown_offsets) != PAIR).any():
            return self
        pairs = self.shown.reshape(-1, PAIR)
        if (pairs[:, 0] != self.first).any() or (pairs[:, 1] != self.second).any():
            return self
        return self._replace(shown=self.shown[:0].copy(), shown_offsets=np.zeros(0, np.int64))

    def whole(self) -> PlanColumns:
        """Return the plan with all its columns, as `to_send` got it."""
        if len(self.shown_offsets):
            return self
        return self._replace(
            shown=np.stack([self.first, self.second], axis=1).ravel(),
            shown_offsets=np.arange(len(self.item) + 1, dtype=np.int64) * PAIR,
        )


def no_plan() -> PlanColumns:
    """Columns of a plan that asks nothing."""
    codes, ids = np.zeros(0, np.uint16), np.zeros((0, 16), np.uint8)
    return PlanColumns(
        first=codes,
        second=codes,
        shown=codes,
        repeat=codes,
        item=np.zeros(0, np.uint32),
        shown_offsets=np.zeros(1, np.int64),
        swapped=np.zeros(0, np.uint8),
        aspect=codes,
        request_id=ids,
        key=ids,
        prefix_group=np.zeros(0, np.uint64),
    )


def concat(plans: Sequence[PlanColumns]) -> PlanColumns:
    """Join the plans of batches, in the order given, into one.

    Args:
        plans: At least one.

    """
    if len(plans) == 1:
        return plans[0]
    columns = {
        name: np.concatenate([getattr(plan, name) for plan in plans])
        for name in PlanColumns._fields
        if name not in {"shown_offsets", "key", "sent", "asked_by"}
    }
    lengths = np.concatenate([np.diff(plan.shown_offsets) for plan in plans])
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])
    is_shared = any(plan.key is not plan.request_id for plan in plans)
    key = np.concatenate([plan.key for plan in plans]) if is_shared else columns["request_id"]
    rows = np.cumsum([0, *(len(plan.item) for plan in plans)]).tolist()
    return PlanColumns(
        **columns,
        shown_offsets=offsets,
        key=key,
        sent=_row_numbers([plan.sent for plan in plans], rows),
        asked_by=_row_numbers([plan.asked_by for plan in plans], rows),
    )


def own_rows(start: int, end: int) -> NDArray[np.uint32]:
    """What an empty column of row numbers stands for."""
    return np.arange(start, end, dtype=np.uint32)


def _row_numbers(columns: Sequence[NDArray[np.uint32]], starts: list[int]) -> NDArray[np.uint32]:
    """Join columns of row numbers; each counts from its own start, and may be empty."""
    if not any(map(len, columns)):
        return NONE
    parts = [
        column + np.uint32(start) if len(column) else own_rows(start, end)
        for column, (start, end) in zip(columns, pairwise(starts), strict=True)
    ]
    return np.concatenate(parts)


class Filled:
    """Columns by name, of a length that is known, filled in turn: no part is held beside them."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._columns: dict[str, NDArray[Any]] = {}
        self._ends: dict[str, int] = {}

    def add(self, name: str, part: NDArray[Any]) -> None:
        """Append to a column; it begins with the first part."""
        if name not in self._columns:
            self._columns[name] = np.empty((self._rows, *part.shape[1:]), part.dtype)
            self._ends[name] = 0
        start, end = self._ends[name], self._ends[name] + len(part)
        self._columns[name][start:end] = part
        self._ends[name] = end

    def so_far(self, name: str) -> NDArray[Any]:
        """What a column holds already; it must have begun."""
        return self._columns[name][: self._ends[name]]

    def get(self, name: str) -> NDArray[Any] | None:
        """A column; None where a part had none of it."""
        return self._columns[name] if self._ends.get(name) == self._rows else None
