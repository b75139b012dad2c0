"""One pass over what decision servers said in a run: what a report needs of it, in columns.

A run may hold millions of questions. Answers are gathered by the orders in which a question was
put, and held against each other a batch at a time, so that what stays of a question is a few bytes.
"""

from __future__ import annotations

from array import array
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judgefast.engines.decisions.asked import read_kept
from judgefast.pipeline.paid import Paid
from judgefast.stats.option_orders import PutRows, put_questions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.engines.decisions.asked import Kept, Put
    from judgefast.pipeline.results import Reading

    Orders = tuple[tuple[int, ...], ...]
    """Of the options of a question, each time that it was put and answered."""

_COLUMNS = ("launch", "row", "text", "prompt_tokens", "finish_reason", "error_kind")
_LINES = 1 << 14
"""Completions whose texts are held at a time."""


class KeptRows(NamedTuple):
    """What is kept of a run."""

    rows: PutRows
    models: dict[str, int]
    """Completions that count by the model that answered, as the server calls it; most first."""
    confidence: float | None
    """Mean of the server's own, where it has one."""
    paid: Paid
    """Of all attempts."""


def kept_rows_of(reading: Reading) -> KeptRows | None:
    """Read what is kept of a run; None where its completions keep no such thing."""
    if not is_kept(reading):
        return None
    answers, item = reading.table.answers, reading.plan.columns.item
    gathered, paid = _Gathered(), Paid()
    for whole in reading.directory.completions(_COLUMNS):
        counted = answers.counted_for(whole)
        for start in range(0, whole.num_rows, _LINES):
            batch = whole.slice(start, _LINES)
            columns: list[Any] = [batch.column(name).to_pylist() for name in _COLUMNS[2:]]
            rows = counted[start : start + _LINES]
            of_item = np.where(rows >= 0, item[rows], 0).tolist()
            for row, of, text, *more in zip(rows.tolist(), of_item, *columns, strict=True):
                kept = read_kept(text) if text else None
                paid.add(kept, *more)
                if kept is not None and row >= 0 and (kept.model or kept.questions):
                    gathered.add(kept, of)
            gathered.condense()
    return KeptRows(
        gathered.rows(),
        dict(gathered.models.most_common()),
        gathered.confidence / gathered.confident if gathered.confident else None,
        paid,
    )


def is_kept(reading: Reading) -> bool:
    """Whether completions of a run may hold such a thing: their texts are no words of a judge."""
    return bool(reading.directory.manifest.options.get("labels_only"))


def is_whole(put: Put) -> bool:
    """Whether it says of each option where it stood: a text of another engine may look alike."""
    return _is_order(put.order) and len(put.p) in {0, len(put.order)}


@lru_cache(maxsize=1 << 10)
def _is_order(order: tuple[int, ...]) -> bool:
    return sorted(order) == [*range(len(order))]


class _Batch:
    """Questions that were put in the same orders and are not held against each other yet."""

    __slots__ = ("item", "p")

    def __init__(self) -> None:
        self.item, self.p = array("I"), array("d")


class _Gathered:
    """What the counted completions have said so far."""

    def __init__(self) -> None:
        self.models: Counter[str] = Counter()
        self.confidence, self.confident = 0.0, 0
        self._times: Counter[int] = Counter()
        self._batches: dict[Orders, _Batch] = {}
        self._columns: tuple[list[NDArray[Any]], ...] = tuple(
            [np.zeros(0, kind)] for kind in (np.uint32, np.float32, np.float32, np.float32)
        )

    def add(self, kept: Kept, item: int) -> None:
        """Take in a completion about an item."""
        self.models[kept.model] += 1
        for puts in kept.questions:
            answered: list[tuple[int, ...]] = []
            p: list[float] = []
            for put in puts:
                if put.p and is_whole(put):
                    answered.append(put.order)
                    p += put.p
                    if put.confidence is not None:
                        self.confidence += put.confidence
                        self.confident += 1
            if answered:
                orders = tuple(answered)
                batch = self._batches.get(orders)
                if batch is None:
                    batch = self._batches[orders] = _Batch()
                batch.item.append(item)
                batch.p.extend(p)

    def condense(self) -> None:
        """Hold against each other what has come since, and keep what comes of it."""
        for orders, batch in self._batches.items():
            self._times[len(orders)] += len(batch.item)
            many = {len(order) for order in orders}
            if len(set(orders)) > 1 and len(many) == 1:
                p = np.frombuffer(batch.p).reshape(-1, len(orders), many.pop())
                found = [each.astype(np.float32) for each in put_questions(orders, p)]
                block = (np.array(batch.item, np.uint32), *found)
                for column, part in zip(self._columns, block, strict=True):
                    column.append(part)
        self._batches = {}

    def rows(self) -> PutRows:
        """Everything, once: what was gathered is let go of."""
        columns = []
        for parts in self._columns:
            columns.append(np.concatenate(parts))
            parts.clear()
        times = np.zeros(max(self._times, default=0) + 1, np.int64)
        for often, questions in self._times.items():
            times[often] = questions
        item, flipped, bias, gain = columns
        return PutRows(item, flipped, bias, gain, times)
