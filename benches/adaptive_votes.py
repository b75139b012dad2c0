"""What adaptive orders would have done with recorded votes of real judges.

Three judges of MT-Bench said three times, in both orders, which of two answers is better
(Slimshilin/Position-Bias-Analyzer, MIT). The share of its votes stands in for a judge's label
probability: sure is what it said three times alike. The truth is the mean of both orders of
everything; first orders and audits are drawn at random, again and again. Run it from the root of
the repository:

    python -m benches.adaptive_votes position_bias_rep.jsonl [--draws 2000]

The lines of the table go to stdout.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from benches.null_adaptive import EVEN, Judged, measured
from scipy.special import stdtrit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

VOTE = {"A": 1.0, "B": 0.0, "C": EVEN}
SURE = 0.9
AUDIT = 0.3
SEED = 20261126


class Votes(NamedTuple):
    """What a judge said of comparisons read in both orders: as many of each question."""

    value: NDArray[np.float64]
    """Share of votes for the same answer, by order. Shape (questions, comparisons, 2)."""
    confidence: NDArray[np.float64]
    """Of either order. Shape as that of `value`."""


def votes_of(path: Path) -> Iterator[tuple[str, Votes]]:
    """Read the votes of each judge; a question lacks what was not read in both orders."""
    said: dict[str, dict[str, dict[tuple[str, ...], list[list[float]]]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        of_judge = said.setdefault(row["judge"], {})
        pairs = of_judge.setdefault(row["question"], defaultdict(lambda: [[], []]))
        pair = tuple(sorted((row["model_a"], row["model_b"])))
        is_swapped = row["model_a"] != pair[0]
        if row["verdict"] is not None:
            vote = VOTE[row["verdict"]]
            pairs[pair][is_swapped].append(1 - vote if is_swapped else vote)
    for judge, questions in said.items():
        full = [
            [[float(np.mean(order)) for order in pair] for pair in pairs.values() if all(pair)]
            for pairs in questions.values()
        ]
        most = max(map(len, full))
        value = np.array([pairs for pairs in full if len(pairs) == most])
        yield judge, Votes(value, np.abs(2 * value - 1))


def line(judge: str, votes: Votes, draws: int) -> str:
    """Draw first orders and audits, and write the row of a judge."""
    rng = np.random.default_rng(SEED)
    shape = (draws, *votes.value.shape[:2])
    order = rng.integers(0, 2, (*shape, 1))

    def of_first(column: NDArray[np.float64]) -> NDArray[np.float64]:
        drawn = np.take_along_axis(np.broadcast_to(column, (draws, *column.shape)), order, axis=3)
        return np.asarray(drawn[..., 0])

    both = np.broadcast_to(votes.value.mean(axis=2), shape)
    seen = Judged(of_first(votes.value), both, of_first(votes.confidence))
    closed = seen.confidence >= SURE
    found = measured(seen, closed, rng.random(shape[:2]) < AUDIT)
    truth, mean = float(both[0].mean()), seen.first.mean(axis=(1, 2))
    known = [(low, high) for low, high, _ in found if low is not None and high is not None]
    held = np.mean([low <= truth <= high for low, high in known])
    width = np.mean([high - low for low, high in known])
    full = both[0].mean(axis=1)
    of_both = 2 * stdtrit(len(full) - 1, 0.975) * full.std(ddof=1) / len(full) ** 0.5
    turned = (np.abs(both - seen.first) >= EVEN / 2)[closed].mean()
    kept = (1 - AUDIT) * closed.mean() / 2
    return (
        f"| {judge} | {both[0].size} | {len(full)} | {100 * closed.mean():.0f} % | "
        f"{100 * turned:.0f} % | {100 * kept:.0f} % | {np.abs(mean - truth).mean():.3f} | "
        f"{width / of_both:.2f} | {100 * held:.1f} % of {100 * len(known) / draws:.0f} % |"
    )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("votes", type=Path)
    parser.add_argument("--draws", type=int, default=2000)
    given = parser.parse_args()
    head = ["judge", "comparisons", "questions", "closed", "of these turned by the second"]
    head += ["requests saved", "first orders alone, off by", "width to that of both"]
    print(f"| {' | '.join([*head, 'holds that of both'])} |\n|{'---|' * (len(head) + 1)}")
    for judge, votes in votes_of(given.votes):
        print(line(judge, votes, given.draws))
    return 0


if __name__ == "__main__":
    sys.exit(main())
