"""How often a gate alarms on runs in which nothing changed, and how often it finds a change.

Simulated pairs of runs over the same questions, in 30 slices; some verdicts differ, either way
alike. Each slice has the rule `drop(accuracy[...]) <= 0`. Counted are the runs in which any rule
fails: each rule decided alone, by Holm's procedure, and those with a slice that differs in the band
of `judgefast compare`. Beside each stands a pair of which one slice has lost 0.15.

python benches/null_gates.py [--quick] [--output FILE]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from judgefast.codes import FIXED_ONE
from judgefast.stats import RunOutcomes, differences_of, paired_means
from judgefast.stats.gate_decisions import Case, decide
from judgefast.stats.gate_rules import parse_rule
from measure import Record, new_record, refuse_debug_build, write

if TYPE_CHECKING:
    from judgefast.stats import PairedMean

SLICES = 30
LEVEL = 0.95
CHANGED = 0.3
"""Share of verdicts that differ, each by one half, where nothing changed."""
LOSS = 0.15


def pairs_of_runs(rng: np.random.Generator, size: int, *, loss: float) -> list[PairedMean]:
    """The differences of two runs of `size` questions a slice; the first slice has lost `loss`."""
    num = SLICES * size
    slices = np.repeat(np.arange(SLICES), size)
    draw, half = rng.random(num), FIXED_ONE // 2
    lower = draw < CHANGED / 2 + np.where(slices == 0, 2 * loss, 0)
    higher = draw >= 1 - CHANGED / 2
    value = half - half * lower.astype(np.int64) + half * higher.astype(np.int64)
    b = RunOutcomes(
        np.arange(num),
        np.arange(num, dtype=np.uint64),
        np.full(num, half),
        np.ones(num, dtype=np.uint8),
        slices,
    )
    names = [f"meta.topic={one}" for one in range(SLICES)]
    return paired_means(b._replace(value=value), b, names, name="accuracy")


def measure(runs: int, size: int, seed: int) -> Record:
    """Shares over `runs` simulated pairs of runs."""
    rng = np.random.default_rng([seed, size])
    counts = {"alone": 0, "holm": 0, "band": 0, "holm_finds": 0, "band_finds": 0}
    rule = parse_rule("drop(accuracy) <= 0")
    for _ in range(runs):
        means = pairs_of_runs(rng, size, loss=0.0)
        cases = [Case(rule, one.dropped) for one in means]
        counts["alone"] += any(decide([one], LEVEL)[0].decision == "fail" for one in cases)
        counts["holm"] += any(one.decision == "fail" for one in decide(cases, LEVEL))
        counts["band"] += any(
            one.differs for one in differences_of(means, level=LEVEL, other_slices={})
        )
        means = pairs_of_runs(rng, size, loss=LOSS)
        decided = decide([Case(rule, one.dropped) for one in means], LEVEL)
        counts["holm_finds"] += decided[0].decision == "fail"
        found = differences_of(means, level=LEVEL, other_slices={})
        counts["band_finds"] += found[0].differs
    return {"questions_a_slice": size} | {name: count / runs for name, count in counts.items()}


def main() -> None:
    """Simulate and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few runs")
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    refuse_debug_build(parser)
    runs = 50 if given.quick else given.runs
    rows = [measure(runs, size, given.seed) for size in (12, 40, 100, 400)]
    print(f"share of {runs} runs of {SLICES} slices, level {LEVEL}")
    print("questions  any alarm where nothing changed    a loss of 0.15 is found")
    print("a slice       alone    Holm    band               Holm    band")
    for row in rows:
        print(
            f"{row['questions_a_slice']:9}  {row['alone']:9.3f}{row['holm']:8.3f}{row['band']:8.3f}"
            f"{row['holm_finds']:19.3f}{row['band_finds']:8.3f}"
        )
    record = new_record("null_gates", "share of runs", runs=runs, seed=given.seed, rows=rows)
    write(record, given.output)


if __name__ == "__main__":
    main()
