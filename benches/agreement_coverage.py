"""How often intervals of agreement hold the truth: a table of `docs/statistics.md`.

Simulated judges of which the truth is known. A judge follows the unit's class with the square root
of the wished coefficient as probability, else it draws by base rates: any two then have that
kappa and alpha. In clusters of several units half of the clusters are one draw. Run it from the
root of the repository:

    python -m benches.agreement_coverage                  # simulates, rewrites record and table
    python -m benches.agreement_coverage --from-record    # rewrites the table from the record
    python -m benches.agreement_coverage --check          # is the table that of the record?
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from benches.page_table import PageTable, make

from judgefast.stats.alpha import alpha_of
from judgefast.stats.kappa import kappa_of, pair_counts
from judgefast.stats.left_out import groups_of
from judgefast.stats.ratings import Ratings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from judgefast.stats.left_out import Coefficient

CLUSTERS = (12, 20, 40, 100, 200)
COEFFICIENTS = (0.0, 0.4, 0.7, 0.9)
RATES = ((0.5, 0.5), (0.8, 0.2), (0.2, 0.2, 0.2, 0.2, 0.2))
"""How often each category is given."""
UNITS = (1, 3)
"""Of a cluster."""
JUDGES = 3
ONE_DRAW = 0.5
"""Share of the clusters all units of which are one draw."""
LEVEL = 0.95


def judgments(
    rng: np.random.Generator, rates: tuple[float, ...], clusters: int, units: int, follow: float
) -> NDArray[np.int32]:
    """Codes of one simulated run. Shape (clusters x units, judges)."""
    many = len(rates)
    kinds = rng.choice(many, (clusters, units, 1), p=rates)
    own = rng.choice(many, (clusters, units, JUDGES), p=rates)
    given = np.where(rng.random(own.shape) < follow, kinds, own)
    alike = rng.random(clusters) < ONE_DRAW
    given[alike] = given[alike][:, :1]
    return given.reshape(-1, JUDGES).astype(np.int32)


def coefficients(codes: NDArray[np.int32], units: int, many: int) -> dict[str, Coefficient]:
    """Kappa of the first two judges, and alpha of all."""
    clusters = (np.arange(len(codes)) // units).astype(np.uint64)
    groups = groups_of(clusters, 2 * many)
    counts = pair_counts(codes[:, 0], codes[:, 1], groups.of_unit, groups.number, many)
    differ = groups.touched(codes[:, 0] != codes[:, 1])
    ratings = Ratings(
        codes.astype(np.float64),
        clusters,
        [str(judge) for judge in range(JUDGES)],
        categories=tuple(map(float, range(many))),
    )
    return {
        "kappa": kappa_of("kappa", "all", counts, missing=0, of_clusters=(groups.clusters, differ)),
        "alpha": alpha_of(ratings),
    }


def cells(runs: int, seed: int) -> Iterator[dict[str, Any]]:
    """Every cell of the table, as it is kept in the record."""
    began = time.process_time()
    for rates in RATES:
        for clusters in CLUSTERS:
            for units in UNITS:
                for truth in COEFFICIENTS:
                    yield from _cells_of(runs, seed, rates, (clusters, units), truth)
        print(f"{rates}: {time.process_time() - began:.0f} s of CPU so far", file=sys.stderr)


def _cells_of(
    runs: int, seed: int, rates: tuple[float, ...], size: tuple[int, int], truth: float
) -> Iterator[dict[str, Any]]:
    words = [seed, *size, len(rates), round(100 * truth), round(100 * rates[0])]
    rng = np.random.Generator(np.random.PCG64(words))
    held, none = Counter[str](), Counter[str]()
    methods = {"kappa": Counter[str](), "alpha": Counter[str]()}
    for _ in range(runs):
        codes = judgments(rng, rates, *size, truth**0.5)
        for name, found in coefficients(codes, size[1], len(rates)).items():
            one = found.estimate(LEVEL)
            methods[name][one.method] += 1
            if one.low is None or one.high is None:
                none[name] += 1
            else:
                held[name] += one.low <= truth <= one.high
    for name, seen in methods.items():
        yield {
            "of": name,
            "rates": list(rates),
            "clusters": size[0],
            "units": size[1],
            "truth": truth,
            "coverage": held[name] / max(runs - none[name], 1),
            "undefined": none[name] / runs,
            "methods": {method: number / runs for method, number in seen.most_common()},
        }


def lines(found: list[dict[str, Any]]) -> list[str]:
    """Coverage in percent, of kappa and of alpha: a row a coefficient, rates and cluster size."""
    numbers = sorted({cell["clusters"] for cell in found})
    held = {
        (cell["of"], tuple(cell["rates"]), cell["units"], cell["truth"], cell["clusters"]): cell
        for cell in found
    }
    heads = " | ".join(f"{number} clusters" for number in numbers)
    made = [
        f"| base rates | units | truth | {heads} |",
        f"|---|---|---|{'---|' * len(numbers)}",
    ]
    for rates in RATES:
        for units in UNITS:
            for truth in COEFFICIENTS:
                figures = []
                for number in numbers:
                    both = (held[name, rates, units, truth, number] for name in ("kappa", "alpha"))
                    figures.append(", ".join(f"{100 * cell['coverage']:.1f}" for cell in both))
                words = ", ".join(f"{rate:g}" for rate in dict.fromkeys(rates))
                words += f" (of {len(rates)})"
                made.append(f"| {words} | {units} | {truth} | {' | '.join(figures)} |")
    return made


TABLE = PageTable(
    "agreement_coverage",
    (__doc__ or "").splitlines()[0],
    cells,
    lines,
    {"level": LEVEL, "judges": JUDGES, "one_draw": ONE_DRAW},
)

if __name__ == "__main__":
    sys.exit(make(TABLE))
