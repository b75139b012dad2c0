"""Scores a second of the bootstrap, beside numpy, scipy, arch and the histogram.

Three tables, of one run. Streaming: rows that are clusters of their own, 1,024 replicates, on one
core, by width of vector. Whole: all replicates of four slices at once. Rivals: one mean of
discrete scores, every way at the same number of replicates; their standard errors must agree
before anything is timed. All times are CPU seconds of this process.
"""

from __future__ import annotations

import argparse
import statistics
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast import _native
from judgefast.codes import FIXED_ONE
from judgefast.stats import Resampling
from measure import new_record, refuse_debug_build, say_ratio, spread, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

STREAM_REPLICATES = 1024
WHOLE_REPLICATES = 4096
SLICES = 4
AGREE = 0.15
"""Standard errors of two ways may differ by this share: six times the noise of 1,000 replicates."""

Rows = tuple["NDArray[np.uint64]", "NDArray[np.int64]", "NDArray[np.uint8]", "NDArray[np.uint32]"]
Way = "Callable[[], NDArray[np.float64]]"


def alone(rng: np.random.Generator, value: NDArray[np.int64]) -> Rows:
    """Give each value a cluster of its own."""
    ids = rng.integers(0, 2**63, len(value)).astype(np.uint64)
    return ids, value, np.ones(len(value), np.uint8), np.zeros(len(value), np.uint32)


def stream(rows: Rows, path: str) -> None:
    """Add rows to sums that were empty."""
    _native.PoissonSums(1, STREAM_REPLICATES, 1, path=path).add(*rows)


def ways(rng: np.random.Generator, scores: NDArray[np.int64], replicates: int) -> dict[str, Way]:
    """Ways to the replicates of one mean; those that are not installed say so and stay out."""
    values = scores.astype(np.float64)
    levels, counts = np.unique(values, return_counts=True)
    rows = alone(rng, scores * FIXED_ONE)
    wanted = np.zeros(1, np.uint32)

    def poisson() -> NDArray[np.float64]:
        means = np.empty(replicates)
        for at in range(replicates):
            draws = rng.poisson(1, len(values))
            means[at] = draws @ values / draws.sum()
        return means

    found: dict[str, Way] = {
        "judgefast": lambda: _native.replicate_means(*rows, 1, wanted, 1, replicates)[0],
        "numpy multinomial on the histogram": lambda: (
            rng.multinomial(len(values), counts / len(values), replicates) @ levels / len(values)
        ),
        "numpy Poisson": poisson,
    }
    for name, package, make in (
        ("judgefast histogram", "judgefast.stats.histogram", _ours),
        ("scipy percentile", "scipy.stats", _scipy),
        ("arch IIDBootstrap", "arch.bootstrap", _arch),
    ):
        try:
            found[name] = make(import_module(package), values, replicates)
        except ImportError:
            print(f"{name}: skipped, {package} is not installed")
    return found


def _ours(module: Any, values: NDArray[np.float64], replicates: int) -> Way:  # noqa: ANN401 - a module
    levels, counts = np.unique(values, return_counts=True)
    s, w = (levels * FIXED_ONE).astype(np.int64), np.ones(len(levels), np.int64)
    resampling = Resampling(1, replicates)
    return lambda: module.draw_means(s, w, counts, resampling)


def _scipy(module: Any, values: NDArray[np.float64], replicates: int) -> Way:  # noqa: ANN401 - a module
    return lambda: (
        module.bootstrap(
            (values,), np.mean, n_resamples=replicates, method="percentile", batch=16
        ).bootstrap_distribution
    )


def _arch(module: Any, values: NDArray[np.float64], replicates: int) -> Way:  # noqa: ANN401 - a module
    return lambda: module.IIDBootstrap(values, seed=1).apply(np.mean, replicates)[:, 0]


def seconds(work: Callable[[], object], repeats: int) -> list[float]:
    """Time `work` `repeats` times. CPU seconds of this process, all threads."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return times


def check(found: dict[str, Way], scores: NDArray[np.int64]) -> None:
    """Compare the standard errors; a fast wrong answer is no result."""
    truth = float(np.std(scores) / np.sqrt(len(scores)))
    for name, way in found.items():
        error = float(np.std(way()))
        if abs(error / truth - 1) > AGREE:
            message = f"{name}: standard error {error}, but {truth} by formula"
            raise SystemExit(message)


def main() -> None:
    """Check, measure, print one line a way, write one record."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the stream")
    parser.add_argument("--clusters", type=int, default=500_000, help="clusters of the whole")
    parser.add_argument("--scores", type=int, default=20_000, help="scores that rivals resample")
    parser.add_argument("--replicates", type=int, default=1000, help="replicates of the rivals")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="few rows, to see that it runs")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.quick:
        args.rows, args.clusters, args.scores, args.repeats = 20_000, 20_000, 2_000, 3
    refuse_debug_build(parser)
    rng = np.random.default_rng(args.seed)
    record = new_record("bootstrap", "CPU seconds, or scores/s of CPU time", **vars(args))

    paths = _native.bootstrap_paths()
    for kind, top in (("five levels", 5), ("probabilities", FIXED_ONE)):
        unit = FIXED_ONE if kind == "five levels" else 1
        rows = alone(rng, rng.integers(0, top, args.rows) * unit)
        taken: dict[str, list[float]] = {path: [] for path in paths}
        for _ in range(args.repeats):
            for path in paths:  # alternately, so that a busy moment hits all of them
                taken[path] += seconds(lambda path=path, rows=rows: stream(rows, path), 1)
        for path, times in taken.items():
            record[f"stream, {kind}, {path}"] = rates = spread([args.rows / t for t in times])
            print(f"stream, {kind}, {path}: {rates['median'] / 1e6:.2f} M scores/s/core")

    ids, _, weight, _ = alone(rng, np.zeros(args.clusters, np.int64))
    value = rng.integers(0, 3, args.clusters * SLICES) * (FIXED_ONE // 2)
    table = (
        np.tile(ids, SLICES),
        value,
        np.tile(weight, SLICES),
        np.repeat(np.arange(SLICES, dtype=np.uint32), args.clusters),
    )
    wanted = np.arange(SLICES, dtype=np.uint32)
    for path in paths:
        times = seconds(
            lambda path=path: _native.replicate_means(
                *table, SLICES, wanted, 1, WHOLE_REPLICATES, path=path
            ),
            args.repeats,
        )
        record[f"whole, {path}"] = spread(times)
        print(
            f"whole, {args.clusters:,} clusters x {WHOLE_REPLICATES} x {SLICES} slices, {path}:"
            f" {statistics.median(times):.2f} s"
        )

    scores = rng.integers(1, 6, args.scores)
    found = ways(rng, scores, args.replicates)
    check(found, scores)
    medians = {}
    for name, way in found.items():
        times = seconds(way, args.repeats)
        record[f"mean, {name}"] = spread(times)
        medians[name] = statistics.median(times)
    for name, median in medians.items():
        ratio = median / medians["judgefast"]
        record[f"ratio {name} / judgefast"] = ratio
        print(f"mean, {name}: {median * 1e3:.2f} ms, {ratio:.3g} x judgefast")
    write(record, args.output)
    ratio = medians["numpy Poisson"] / medians["judgefast"]
    say_ratio("bootstrap: means of replicates", ratio, "as fast as Poisson weights by numpy")


if __name__ == "__main__":
    main()
