"""How often the interval of a difference holds the truth where few clusters differ.

Simulated pairs of runs over the same clusters. Each cluster comes out worse or better by the whole
scale with a small chance, so that a few of them do; the rest come out alike. Beside the published
rule stands what it would give without its part on few changes, an interval that does not exist
counted as one that misses. Run it from the root of the repository:

    python -m benches.few_changes                  # simulates, keeps the record, rewrites the table
    python -m benches.few_changes --from-record    # rewrites the table from the record
    python -m benches.few_changes --check          # says whether the table is that of the record
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from benches.page_table import PageTable, make

from judgefast.codes import FIXED_ONE
from judgefast.stats import Resampling, RunOutcomes, paired_means

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.stats import PairedMean
    from judgefast.stats.estimate import Estimate

CLUSTERS = (100, 400)
EXPECTED = ((0.5, 0), (1, 0), (3, 0), (3, 3), (6, 2), (10, 0), (10, 10), (20, 0))
"""Clusters that are expected to come out worse, and better."""
LEVEL = 0.95
AT_ONCE = 250
"""Pairs of runs that are measured in one call."""


def simulate(
    rng: np.random.Generator, runs: int, clusters: int, chances: tuple[float, float], first: int
) -> list[PairedMean]:
    """Measure `runs` pairs of runs; no two pairs have a cluster in common, `first` is the first."""
    draw = rng.random(runs * clusters)
    worse, better = chances
    change = (draw >= 1 - better).astype(np.int64) - (draw < worse)
    ids = np.arange(len(draw))
    before = RunOutcomes(
        ids,
        (first + ids).astype(np.uint64),
        FIXED_ONE * (change < 0),
        np.ones(len(draw), dtype=np.uint8),
        ids // clusters,
    )
    after = before._replace(value=FIXED_ONE * (change > 0))
    names = [str(run) for run in range(runs)]
    return paired_means(after, before, names, name="mean", resampling=Resampling(seed=first))


def holds(found: Estimate, truth: float) -> bool:
    """Whether there is an interval, and the truth is in it."""
    return found.low is not None and found.high is not None and found.low <= truth <= found.high


def cells(runs: int, seed: int) -> Iterator[dict[str, Any]]:
    """Every cell of the table, as it is kept in the record."""
    for clusters in CLUSTERS:
        for place, (worse, better) in enumerate(EXPECTED):
            rng = np.random.Generator(np.random.PCG64([seed, clusters, place]))
            truth, chances = (better - worse) / clusters, (worse / clusters, better / clusters)
            held = held_without = 0
            methods: Counter[str] = Counter()
            for start in range(0, runs, AT_ONCE):
                size = min(AT_ONCE, runs - start)
                for one in simulate(rng, size, clusters, chances, start * clusters):
                    found = one.estimate(LEVEL)
                    methods[found.method] += 1
                    held += holds(found, truth)
                    held_without += holds(one._replace(changes=None).estimate(LEVEL), truth)
            print(f"{clusters} clusters, {worse} worse, {better} better", file=sys.stderr)
            yield {
                "clusters": clusters,
                "worse": worse,
                "better": better,
                "coverage": held / runs,
                "without": held_without / runs,
                "methods": {name: n / runs for name, n in methods.most_common()},
            }


def lines(found: list[dict[str, Any]]) -> list[str]:
    """Coverage in percent: a row what is expected to differ, a column a number of clusters."""
    numbers = sorted({cell["clusters"] for cell in found})
    shown = {
        (
            cell["clusters"],
            f"{cell['worse']}, {cell['better']}",
        ): f"{100 * cell['coverage']:.1f} ({100 * cell['without']:.1f})"
        for cell in found
    }
    return [
        f"| worse, better | {' | '.join(f'G = {number}' for number in numbers)} |",
        f"|---|{'---|' * len(numbers)}",
        *(
            f"| {row} | {' | '.join(shown[number, row] for number in numbers)} |"
            for row in dict.fromkeys(row for _, row in shown)
        ),
    ]


TABLE = PageTable("few_changes", (__doc__ or "").splitlines()[0], cells, lines, {"level": LEVEL})

if __name__ == "__main__":
    sys.exit(make(TABLE))
