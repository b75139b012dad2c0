"""How often the printed interval holds the truth: the table of `docs/statistics.md`.

Simulated runs of questions that differ in how often they get a yes (beta-binomial), a few judgments
each, measured as a run is: rows, exact sums, replicates by the kernel, the published rule. Run it
from the root of the repository:

    python -m benches.coverage                  # simulates, keeps the record, rewrites the table
    python -m benches.coverage --from-record    # rewrites the table from the record
    python -m benches.coverage --check          # says whether the table is that of the record
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from benches.page_table import PageTable, make

from judgefast.codes import FIXED_ONE
from judgefast.stats.joint import SlicedRows, measure_parts
from judgefast.stats.replicates import Resampling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.stats.estimate import Estimate

CLUSTERS = (20, 40, 100, 200, 400)
SHARES = (0.03, 0.1, 0.2, 0.5, 0.8, 0.9, 0.97)
JUDGMENTS = 4
"""Of each question."""
CORRELATION = 0.4
"""Of two judgments of one question: four then have 2.2 times the variance of independent ones."""
LEVEL = 0.95
AT_ONCE = 50
"""Runs that are measured in one call."""


def simulate(
    rng: np.random.Generator, runs: int, clusters: int, first: int
) -> Iterator[list[Estimate]]:
    """Measure `runs` simulated runs; each gives an estimate for each share.

    The questions of a run are the same under every share, so that their weights are made once; no
    two runs have a question in common. `first` is the id of the first question.
    """
    spread = 1 / CORRELATION - 1
    shares = np.array(SHARES)[:, None, None]
    chance = rng.beta(shares * spread, (1 - shares) * spread, (len(SHARES), runs, clusters))
    yes = rng.binomial(JUDGMENTS, chance)
    value = (np.arange(JUDGMENTS) < yes[..., None]).astype(np.int64) * FIXED_ONE
    question = first + np.arange(runs * clusters).reshape(1, runs, clusters, 1)
    which = (
        np.arange(len(SHARES))[:, None, None, None] + len(SHARES) * np.arange(runs)[:, None, None]
    )
    rows = SlicedRows(
        "pass_rate",
        [f"{run} {share}" for run in range(runs) for share in SHARES],
        np.broadcast_to(question, value.shape).ravel().astype(np.uint64),
        value.ravel(),
        np.ones(value.size, dtype=np.uint8),
        np.broadcast_to(which, value.shape).ravel(),
    )
    found = [one.estimate(LEVEL) for one in measure_parts([rows], Resampling(seed=first))]
    for run in range(runs):
        yield found[run * len(SHARES) : (run + 1) * len(SHARES)]


def cells(runs: int, seed: int) -> Iterator[dict[str, Any]]:
    """Every cell of the table, as it is kept in the record."""
    for clusters in CLUSTERS:
        rng = np.random.Generator(np.random.PCG64([seed, clusters]))
        began = time.process_time()
        below, above, none = (np.zeros(len(SHARES), dtype=int) for _ in range(3))
        methods = [Counter[str]() for _ in SHARES]
        for start in range(0, runs, AT_ONCE):
            size = min(AT_ONCE, runs - start)
            for estimates in simulate(rng, size, clusters, start * clusters):
                for place, (one, share) in enumerate(zip(estimates, SHARES, strict=True)):
                    methods[place][one.method] += 1
                    if one.low is None or one.high is None:
                        none[place] += 1
                        continue
                    above[place] += one.low > share
                    below[place] += one.high < share
        print(f"{clusters} clusters: {time.process_time() - began:.1f} s of CPU", file=sys.stderr)
        for place, share in enumerate(SHARES):
            missed = int(below[place] + above[place] + none[place])
            yield {
                "clusters": clusters,
                "share": share,
                "coverage": (runs - missed) / runs,
                "below": int(below[place]) / runs,
                "above": int(above[place]) / runs,
                "undefined": int(none[place]) / runs,
                "methods": {name: n / runs for name, n in methods[place].most_common()},
            }


def lines(found: list[dict[str, Any]]) -> list[str]:
    """Coverage in percent: a row a share, a column a number of clusters."""
    numbers = sorted({cell["clusters"] for cell in found})
    held = {(cell["clusters"], cell["share"]): cell["coverage"] for cell in found}
    made = [
        f"| share of yes | {' | '.join(f'{number} clusters' for number in numbers)} |",
        f"|---|{'---|' * len(numbers)}",
    ]
    for share in sorted({cell["share"] for cell in found}):
        figures = (f"{100 * held[number, share]:.1f}" for number in numbers)
        made.append(f"| {share} | {' | '.join(figures)} |")
    return made


TABLE = PageTable(
    "coverage",
    (__doc__ or "").splitlines()[0],
    cells,
    lines,
    {"level": LEVEL, "judgments": JUDGMENTS, "correlation": CORRELATION},
)

if __name__ == "__main__":
    sys.exit(make(TABLE))
