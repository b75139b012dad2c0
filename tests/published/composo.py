"""Ensembles of scores on RewardBench 2 (Lail 2026, arXiv:2604.13717), and its own figures.

A judge scores each of four responses by itself, several times; the first response is the right one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judgefast.codes import FIXED_ONE
from judgefast.pipeline.estimates import resampling_of
from judgefast.stats.joint import measure_parts
from judgefast.stats.slices import Rows, Slicer, Statistic

from .replays import write_rubric

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from judgefast.pipeline.results import Reading
    from judgefast.stats.measurement import Measurement

RESPONSES = 4
COLLECTED = 8
"""Scores that the source has of each response."""


class BestOfFour(NamedTuple):
    """The source's metric: right only if the right response is strictly highest. Shape (n,)."""

    item: NDArray[np.intp]
    """Place in the run's items, which stand in another order than the source's rows."""
    read: NDArray[np.bool_]
    """Whether each of the four has a score; other questions are left out."""
    right: NDArray[np.bool_]
    tied: NDArray[np.bool_]
    """Whether several share the highest score, whichever they are."""


def recorded(rows: list[dict[str, Any]], judge: str, repeats: int) -> list[dict[str, Any]]:
    """The first `repeats` scores of each response; null where the source has none."""
    return [
        {
            "id": _name(row),
            "cluster": _name(row),
            "shown": [answer],
            "repeat": repeat,
            "score": row[judge][answer][repeat],
            "gold": "a",
        }
        for row in rows
        for answer in range(RESPONSES)
        for repeat in range(repeats)
    ]


def rubric(path: Path) -> Path:
    return write_rubric(path, "scalar", 'name = "json"\nfield = "score"', scale=(1, 10))


def best_of_four(reading: Reading, rows: list[dict[str, Any]]) -> BestOfFour:
    """Over the table of outcomes, whose value is the mean over what was read of an answer."""
    outcomes = reading.outcomes
    value = np.zeros((len(rows), RESPONSES), np.int64)
    read = np.zeros(value.shape, np.bool_)
    value[outcomes.item, outcomes.candidate] = outcomes.value
    read[outcomes.item, outcomes.candidate] = outcomes.weight > 0
    place = {name: item for item, name in enumerate(reading.items.item_id.to_pylist())}
    item = np.array([place[_name(row)] for row in rows])
    whole, value = read[item].all(axis=1), value[item]
    highest = (value == value.max(axis=1, keepdims=True)).sum(axis=1)
    right = (value[:, :1] > value[:, 1:]).all(axis=1)
    return BestOfFour(item, whole, right & whole, (highest > 1) & whole)


def published_interval(best: BestOfFour) -> tuple[float, float]:
    """The source's: 2,000 resamples of all questions, percentiles with linear interpolation."""
    draw = np.random.RandomState(42)
    n = len(best.read)
    shares = []
    for _ in range(2000):
        drawn = draw.randint(0, n, size=n)
        shares.append(best.right[drawn].sum() / best.read[drawn].sum())
    low, high = np.percentile(shares, [2.5, 97.5])
    return float(low), float(high)


def measured(reading: Reading, best: BestOfFour) -> Measurement:
    """The same share by our statistics, clustered by question."""
    n = len(best.read)
    rows = Rows(
        item=best.item.astype(np.uint32),
        aspect=np.zeros(n, np.uint16),
        value=best.right * np.int64(FIXED_ONE),
        weight=best.read.astype(np.uint8),
        group=np.zeros(n, np.int64),
        groups=[""],
    )
    parts = Slicer(reading.items, fields=(), aspects=()).parts(Statistic("best", rows))
    (found,) = measure_parts(parts, resampling_of(reading))
    return found


def usd(rows: list[dict[str, Any]], judge: str, repeats: int, rates: list[float]) -> float:
    """The source's cost of a question: input once, output in proportion to the scores asked for."""
    read, written = (sum(row[f"{judge}_tokens"][place] for row in rows) for place in (0, 1))
    return (read * rates[0] + written * rates[1] * repeats / COLLECTED) / 1e6 / len(rows)


def _name(row: dict[str, Any]) -> str:
    return f"{row['subset']} {row['id']}"
