"""Best of four by slot of the right answer (themis-judge-reliability, exp01), and its figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from judgefast.pipeline.results import estimates_of
from judgefast.stats.replicates import Replicates, Resampling, replicate_means
from judgefast.stats.scores import chosen_gold_rows

from .replays import write_rubric

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from judgefast.pipeline.results import Reading

SLOTS = "ABCD"
VERDICT = """
name = "label"
labels = [
  { text = "A", choice = 0 },
  { text = "B", choice = 1 },
  { text = "C", choice = 2 },
  { text = "D", choice = 3 },
]
"""
JUDGES_BEFORE = 4
"""The source draws for five judges from one generator; ours is the last."""


def recorded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each arrangement is an item: the source tells where the right answer stood, not the others.

    It asked each arrangement once, so the reversed order of each fails here.
    """
    return [
        {
            "id": f"{number} {row['ordering']}",
            "cluster": f"{row['subset']} {row['item']}",
            "shown": [0, 1, 2, 3],
            "text": row["letter"],
            "gold": row["gold_slot"].lower(),
            "gold_slot": row["gold_slot"],
        }
        for number, row in enumerate(rows)
    ]


def rubric(path: Path) -> Path:
    return write_rubric(path, "choice", VERDICT)


class Right(NamedTuple):
    """Outcomes of the answer that gold picks, one an arrangement."""

    cluster: NDArray[np.uint64]
    value: NDArray[np.int64]
    weight: NDArray[np.uint8]
    slot: NDArray[np.uint32]


def accuracy(reading: Reading) -> dict[str, float]:
    """Of each slot, by the report."""
    named = {each.slice: each.value for each in estimates_of(reading) if each.name == "accuracy"}
    return {slot: named[f"meta.gold_slot={slot}"] or 0.0 for slot in SLOTS}


class Spread(NamedTuple):
    """The highest accuracy of a slot less the lowest, with the ends of its interval."""

    value: float
    low: float
    high: float


def right_of(reading: Reading) -> Right:
    """What the report's accuracy by slot is the mean of."""
    rows = chosen_gold_rows(reading.outcomes, reading.items)
    codes, names = reading.items.meta["gold_slot"]
    slot = np.array([SLOTS.index(name) for name in names], np.uint32)[codes[rows.item]]
    keep = rows.group == 0
    cluster = reading.items.cluster_id64[rows.item]
    return Right(
        *(
            np.ascontiguousarray(each[keep])
            for each in (
                cluster,
                rows.value,
                rows.weight,
                slot,
            )
        )
    )


def spread(shares: dict[str, float], right: Right, *, seed: int, level: float) -> Spread:
    """Our joint replicates: an item has the same weight in all slots, in each replicate.

    Args:
        shares: Accuracy of each slot, by the report.
        right: What they are means of.
        seed: Of the weights.
        level: Confidence level.

    """
    drawn = replicate_means(*right, len(SLOTS), resampling=Resampling(seed))
    means = np.stack([slot.means for slot in drawn])
    ends = Replicates(means.max(axis=0) - means.min(axis=0), seed).ends(level)
    assert ends is not None
    values = shares.values()
    return Spread(max(values) - min(values), *ends)


def right_in(rows: list[dict[str, Any]]) -> NDArray[np.bool_]:
    """Whether each verdict was right: each slot's rows hold the items in the same order."""
    return np.array(
        [[row["letter"] == slot for row in rows if row["gold_slot"] == slot] for slot in SLOTS]
    )


def published_interval(right: NDArray[np.bool_]) -> tuple[float, float]:
    """The source's: 10,000 resamples of the items, the same for all slots, linear percentiles.

    Args:
        right: Whether the verdict was right. Shape (4 slots, n items).

    """
    draw = np.random.default_rng(0)
    n = right.shape[1]
    for _ in range(JUDGES_BEFORE):
        draw.integers(0, n, (10_000, n))
    drawn = draw.integers(0, n, (10_000, n))
    shares = np.stack([slot[drawn].mean(axis=1) for slot in right])
    low, high = np.percentile(shares.max(axis=0) - shares.min(axis=0), [2.5, 97.5])
    return float(low), float(high)
