"""How often a gate alarms on runs in which nothing changed, and how often it finds a change.

Simulated pairs of runs over the same questions, in 30 slices; some verdicts differ, either way
alike. Each slice has the rule `drop(accuracy[...]) <= 0`. Counted are the runs in which any rule
fails: each rule decided alone, by Holm's procedure, and those with a slice that differs in the band
of `judgefast compare`, by Bonferroni and by joint replicates (max-t). `shares`: runs of independent
passes and failures, .9 of each slice, in which any rule `pass_rate >= 0.9` is decided.
Beside each stands a pair of which one slice has lost 0.15.

python benches/null_gates.py [--quick] [--output FILE]
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from judgefast.codes import FIXED_ONE
from judgefast.stats import (
    Measurement,
    Resampling,
    RunOutcomes,
    cluster_moments,
    differences_of,
    paired_means,
)
from judgefast.stats.gate_decisions import Case, decide
from judgefast.stats.gate_rules import parse_rule
from judgefast.stats.rules import FEW_CLUSTERS
from judgefast.stats.tails import estimate_among
from measure import Record, new_record, refuse_debug_build, write

if TYPE_CHECKING:
    from judgefast.stats import PairedMean

SLICES = 30
LEVEL = 0.95
CHANGED = 0.3
"""Share of verdicts that differ, each by one half, where nothing changed."""
LOSS = 0.15
PASSES = 0.9
JOINT = 10
"""Of so many runs one is resampled as well, from 40 questions a slice on."""


def pairs_of_runs(
    rng: np.random.Generator, size: int, *, loss: float, resampling: Resampling | None = None
) -> list[PairedMean]:
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
    a = b._replace(value=value)
    return paired_means(a, b, names, name="accuracy", resampling=resampling)


def shares_that_are_the_bound(rng: np.random.Generator, size: int) -> list[Case]:
    """Independent passes and failures, in every slice as often as the rule's bound says."""
    num = SLICES * size
    value = (rng.random(num) < PASSES).astype(np.int64) * FIXED_ONE
    sums = cluster_moments(
        np.arange(num, dtype=np.uint64),
        value,
        np.ones(num, dtype=np.uint8),
        np.repeat(np.arange(SLICES), size),
        SLICES,
    )
    rule = parse_rule(f"pass_rate >= {PASSES}")
    return [
        Case(rule, partial(estimate_among, Measurement("pass_rate", "x", one, missing=0)))
        for one in sums
    ]


def measure(runs: int, size: int, seed: int) -> Record:
    """Shares over `runs` simulated pairs of runs."""
    rng = np.random.default_rng([seed, size])
    counts = dict.fromkeys(
        ("alone", "holm", "band", "joint_band", "shares", "holm_finds", "band_finds"), 0
    )
    rule = parse_rule("drop(accuracy) <= 0")
    for run in range(runs):
        means = pairs_of_runs(rng, size, loss=0.0)
        cases = [Case(rule, one.dropped) for one in means]
        counts["alone"] += any(decide([one], LEVEL)[0].decision == "fail" for one in cases)
        counts["holm"] += any(one.decision == "fail" for one in decide(cases, LEVEL))
        counts["band"] += any(
            one.differs for one in differences_of(means, level=LEVEL, other_slices={})
        )
        cases = shares_that_are_the_bound(rng, size)
        counts["shares"] += any(one.decision != "inconclusive" for one in decide(cases, LEVEL))
        if size >= FEW_CLUSTERS and run % JOINT == 0:
            seed = int(rng.integers(1 << 32))
            means = pairs_of_runs(rng, size, loss=0.0, resampling=Resampling(seed))
            found = differences_of(means, level=LEVEL, other_slices={})
            assert {one.simultaneous_method for one in found} == {"max-t"}
            counts["joint_band"] += any(one.differs for one in found)
        means = pairs_of_runs(rng, size, loss=LOSS)
        decided = decide([Case(rule, one.dropped) for one in means], LEVEL)
        counts["holm_finds"] += decided[0].decision == "fail"
        found = differences_of(means, level=LEVEL, other_slices={})
        counts["band_finds"] += found[0].differs
    shares = {name: count / runs for name, count in counts.items()}
    shares["joint_band"] = counts["joint_band"] / -(-runs // JOINT)
    return {"questions_a_slice": size} | shares


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
    print("questions  any alarm where nothing changed                a loss of 0.15 is found")
    print("a slice       alone    Holm    band   max-t  shares               Holm    band")
    for row in rows:
        print(
            f"{row['questions_a_slice']:9}  {row['alone']:9.3f}{row['holm']:8.3f}{row['band']:8.3f}"
            f"{row['joint_band']:8.3f}{row['shares']:8.3f}"
            f"{row['holm_finds']:19.3f}{row['band_finds']:8.3f}"
        )
    record = new_record("null_gates", "share of runs", runs=runs, seed=given.seed, rows=rows)
    write(record, given.output)


if __name__ == "__main__":
    main()
