"""How long the answers of a run are: sums of its journal, read batch by batch and held nowhere."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow.compute as pc

from judgefast.costs.ranges import Range
from judgefast.costs.workload import Answers

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from judgefast.journal.run_directory import RunDirectory

_SURE = 0.975
"""Quantile of Student's t on each side of a mean that was measured."""
_OF_ONE = Range(0.5, 1.0, 2.0)
"""Mean by that of one item alone, which shows nothing of how items differ."""
_COLUMNS = ("finish_reason", "completion_tokens", "reasoning_tokens")


class Lengths(NamedTuple):
    """Sums over answers whose tokens were counted."""

    answers: int
    uncounted: int
    """Answers beside these whose engine did not count."""
    items: float
    """That they are of. Answers to one item are alike: they say less than as many items would."""
    total: float
    """Tokens."""
    squares: float
    most: int
    thinking: float
    """Tokens of thinking, which are in the others."""

    @property
    def mean(self) -> float:
        """Tokens of an answer."""
        return self.total / self.answers

    @property
    def deviation(self) -> float:
        """Standard deviation of single answers."""
        return sqrt(max(0.0, self.squares / self.answers - self.mean**2))

    def expected(self, because: str) -> Answers:
        """How long other answers of the judge will be, on average.

        The error is that of a mean over items, as if all answers to one item were equally long.
        """
        from scipy.special import stdtrit  # noqa: PLC0415 - only who measures needs it

        mean = self.mean
        if self.items > 1:
            error = float(stdtrit(self.items - 1, _SURE)) * self.deviation / sqrt(self.items - 1)
            ends = Range(mean - error, mean, mean + error)
        else:
            ends = _OF_ONE.times(mean)
        return Answers(
            mean=Range(*(max(1.0, end) for end in (ends.low, ends.likely, ends.high))),
            spread=self.deviation / mean if mean else 0.0,
            most=self.most,
            thinking=Range.exactly(self.thinking / self.answers),
            basis="measured",
            because=because,
        )


def lengths_of(directory: RunDirectory) -> Lengths | None:
    """Sum up the answers of a run; None where there is none whose tokens were counted."""
    answers = uncounted = most = 0
    total = squares = thinking = 0.0
    for batch in directory.completions(_COLUMNS):
        is_answer = pc.not_equal(batch.column("finish_reason"), "error")
        answered = batch.filter(is_answer)
        tokens = numbers(answered, "completion_tokens")
        counted = ~np.isnan(tokens)
        uncounted += int(len(tokens) - counted.sum())
        tokens = tokens[counted]
        if not len(tokens):
            continue
        answers += len(tokens)
        total += float(tokens.sum())
        squares += float(np.square(tokens).sum())
        most = max(most, int(tokens.max()))
        thinking += float(np.nan_to_num(numbers(answered, "reasoning_tokens"))[counted].sum())
    if not answers:
        return None
    items = answers * _items_of_a_request(directory)
    return Lengths(answers, uncounted, items, total, squares, most, thinking)


def numbers(batch: pa.RecordBatch, name: str) -> NDArray[np.float64]:
    """A column of numbers, NaN where one is null."""
    found = batch.column(name).to_numpy(zero_copy_only=False)
    return np.asarray(found, np.float64)


def _items_of_a_request(directory: RunDirectory) -> float:
    """Items of the plan by its requests, at most 1; those of an item are behind each other."""
    requests = items = 0
    last: str | None = None
    for batch in directory.plan_requests(["item_id"]):
        ids = batch.column("item_id")
        if not len(ids):
            continue
        requests += len(ids)
        items += int(pc.sum(pc.not_equal(ids[1:], ids[:-1])).as_py() or 0)
        items += ids[0].as_py() != last
        last = ids[-1].as_py()
    return min(1.0, items / requests) if requests else 1.0
