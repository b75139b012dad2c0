"""CPU seconds of the agreement of five judges over a million units, beside evalica and sklearn.

Ours is all of `agreement_of`: percent, three kappas of each two judges, alpha, and an interval of
each. The rivals give numbers without intervals: evalica the alpha, scikit-learn the kappas. Values
must agree before anything is timed; what is not installed is skipped. All times are CPU seconds of
this process.
"""

from __future__ import annotations

import argparse
import resource
import time
from importlib import import_module
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.stats.agreement import agreement_of
from judgefast.stats.alpha import alpha_of
from judgefast.stats.ratings import Ratings
from measure import new_record, refuse_debug_build, say_ratio, spread, write

if TYPE_CHECKING:
    from collections.abc import Callable

JUDGES = 5
LEVELS = 5
FOLLOWS = 0.7
"""Probability that a judge gives the unit's own level, not any."""
MISSING = 0.02
CLUSTER = 2
"""Units of one cluster."""
TOLERANCE = 1e-9


def made(rng: np.random.Generator, units: int) -> Ratings:
    """Make levels of simulated judges, some missing."""
    level = rng.integers(1, LEVELS + 1, (units, 1))
    own = rng.integers(1, LEVELS + 1, (units, JUDGES))
    values = np.where(rng.random(own.shape) < FOLLOWS, level, own).astype(np.float64)
    values[rng.random(own.shape) < MISSING] = np.nan
    ids = rng.integers(0, 1 << 63, units // CLUSTER + 1).astype(np.uint64)
    return Ratings(
        values,
        ids.repeat(CLUSTER)[:units],
        [f"judge {judge}" for judge in range(JUDGES)],
        "ordinal",
        tuple(map(float, range(1, LEVELS + 1))),
    )


def installed(name: str) -> Any:  # noqa: ANN401 - a module
    """A rival; None where it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        print(f"{name}: skipped, not installed")
        return None


def evalica_alpha(module: Any, ratings: Ratings) -> Callable[[], float]:  # noqa: ANN401 - a module
    """Alpha by evalica."""
    table = import_module("pandas").DataFrame(ratings.values.T)
    return lambda: float(module.alpha(table, "ordinal").alpha)


def sklearn_kappas(module: Any, ratings: Ratings) -> Callable[[], list[float]]:  # noqa: ANN401 - a module
    """Three kappas of each two judges by scikit-learn, over the units of both."""
    values, labels = ratings.values, list(range(1, LEVELS + 1))

    def work() -> list[float]:
        found = []
        for pair in combinations(range(JUDGES), 2):
            both = values[~np.isnan(values[:, pair]).any(axis=1)][:, pair].astype(int)
            found += [
                float(module.cohen_kappa_score(*both.T, labels=labels, weights=weights))
                for weights in (None, "linear", "quadratic")
            ]
        return found

    return work


def seconds(work: Callable[[], object], repeats: int) -> list[float]:
    """Time `work` `repeats` times."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return times


def main() -> None:
    """Check, measure, print one line a way, write one record."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--units", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="few units, to see that it runs")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.quick:
        args.units, args.repeats = 20_000, 2
    refuse_debug_build(parser)
    ratings = made(np.random.default_rng(args.seed), args.units)
    record = new_record("agreement", "CPU seconds", **vars(args))
    whole = seconds(lambda: agreement_of(ratings), args.repeats)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    record |= {"all of it": spread(whole), "peak MiB": peak}
    taken = {"all of it, with intervals": min(whole)}
    print(f"{args.units:,} units x {JUDGES} judges: peak {peak:.0f} MiB")
    agreement = agreement_of(ratings)
    rivals: dict[str, tuple[Callable[[], object], object]] = {}
    if (module := installed("evalica")) is not None:
        rivals["evalica, alpha"] = evalica_alpha(module, ratings), agreement.alpha.value
        taken["alpha of ours, with its interval"] = min(
            seconds(lambda: alpha_of(ratings).estimate(0.95), args.repeats)
        )
    if (module := installed("sklearn.metrics")) is not None:
        kappas = [
            kappa.value
            for pair in agreement.pairs
            for kappa in (pair.kappa, pair.kappa_linear, pair.kappa_quadratic)
            if kappa is not None
        ]
        rivals["sklearn, kappas"] = sklearn_kappas(module, ratings), kappas
    for name, (work, ours) in rivals.items():
        if not np.allclose(np.array(work()), np.array(ours), rtol=0, atol=TOLERANCE):
            message = f"{name}: other values than ours"
            raise SystemExit(message)
        times = seconds(work, args.repeats)
        record[name], taken[name] = spread(times), min(times)
    for name, least in taken.items():
        print(f"{name}: {least:.2f} s")
    record["least"] = taken
    write(record, args.output)
    least = sum(taken[name] for name in rivals)
    if len(rivals) > 1:
        ratio, rival = least / min(whole), "as fast as evalica and scikit-learn together"
    else:
        ratio, rival = None, "evalica and scikit-learn are not both installed"
    say_ratio("agreement: five judges", ratio, rival)


if __name__ == "__main__":
    main()
