"""How often the interval of a run with adaptive orders holds the truth.

The tables of `docs/adaptive.md`. Simulated judges with a known position bias answer comparisons in
both orders. As in a run, the second answer is looked at where the first leaves it open and in the
clusters of the audit; what comes is measured as a run is: exact sums, the published rule, nothing
resampled. The truth is the mean by both orders, of all questions that the judge could be asked;
beside it, of those that it was. Run it from the root of the repository:

    python -m benches.null_adaptive                  # simulates, keeps the record, rewrites tables
    python -m benches.null_adaptive --from-record    # rewrites the tables from the record
    python -m benches.null_adaptive --check          # says whether the tables are the record's
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from benches.page_table import ROOT, PageTable, make

from judgefast.codes import FIXED_ONE
from judgefast.stats.audit import Second
from judgefast.stats.joint import SlicedRows, measure_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

LEVEL = 0.95
ROWS = 1_000_000
"""Comparisons that are simulated at once."""
MANY = 4_000_000
"""Comparisons by which the truth of a judge is known."""
TIE = 0.3
"""Under this confidence the judge with ties says tie."""
EVEN = 0.5
BLIND = 0.15
"""Share of comparisons that are decided by position alone, where that is the bias."""
TURNED = 0.01
"""Share of comparisons that come out the other way, where turns are rare."""
REACH = 0.5
"""The most that a second order changes a value, under these rules."""
FROM = 100
"""Audited clusters from which on an interval should hold in 94 to 96 %."""


class Judged(NamedTuple):
    """Comparisons in both orders. Shape (runs, clusters, comparisons of a cluster)."""

    first: Numbers
    """Value by the first order, for the candidate."""
    both: Numbers
    confidence: Numbers
    """Of the first order."""


def _logistic(logit: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-logit))


def _additive(_: np.random.Generator, shown: Numbers, logit: Numbers) -> tuple[Numbers, Numbers]:
    """The same on the logit of every comparison."""
    return logit + 0.8 * shown, logit - 0.8 * shown


def _constant(rng: np.random.Generator, shown: Numbers, logit: Numbers) -> tuple[Numbers, Numbers]:
    """In 15 % of comparisons the answer shown first is chosen, surely, whatever it says."""
    blind = rng.random(shown.shape) < BLIND
    return np.where(blind, 3.5 * shown, logit), np.where(blind, -3.5 * shown, logit)


def _length(rng: np.random.Generator, shown: Numbers, logit: Numbers) -> tuple[Numbers, Numbers]:
    """The longer the texts of a question, the more: lognormal, of a few very much."""
    bias = rng.lognormal(-0.5, 0.8, (*shown.shape[:2], 1)) * shown
    return logit + bias, logit - bias


def _by_question(
    rng: np.random.Generator, shown: Numbers, logit: Numbers
) -> tuple[Numbers, Numbers]:
    """Each question has its own, to either position."""
    bias = rng.normal(0.3, 1.0, (*shown.shape[:2], 1)) * shown
    return logit + bias, logit - bias


def _rare(rng: np.random.Generator, shown: Numbers, logit: Numbers) -> tuple[Numbers, Numbers]:
    """One comparison of a hundred is surely judged the other way in the second order."""
    turned = rng.random(shown.shape) < TURNED
    return logit, np.where(turned, -logit, logit)


BIASES: dict[str, Callable[[np.random.Generator, Numbers, Numbers], tuple[Numbers, Numbers]]] = {
    "additive": _additive,
    "constant choice": _constant,
    "by length": _length,
    "by question": _by_question,
    "rare turns": _rare,
}
RULES = ("average", "strict", "strict, ties")


def judged(rng: np.random.Generator, bias: str, rule: str, shape: tuple[int, int, int]) -> Judged:
    """Ask a judge everything in both orders; which answer is shown first is a coin's."""
    question = rng.normal(0.4, 1.6, (*shape[:2], 1))
    logit = 2 * (question + rng.normal(0, 1, shape))
    shown = np.where(rng.random(shape) < EVEN, 1.0, -1.0)
    one, two = (
        _logistic(each + rng.normal(0, 0.5, shape)) for each in BIASES[bias](rng, shown, logit)
    )
    confidence = np.abs(2 * one - 1)
    if rule == "average":
        return Judged(one, (one + two) / 2, confidence)
    votes = [
        np.where(np.abs(2 * each - 1) < (TIE if "ties" in rule else 0), 0.5, each > EVEN)
        for each in (one, two)
    ]
    return Judged(votes[0], np.where(votes[0] == votes[1], votes[0], 0.5), confidence)


def measured(
    seen: Judged, closed: NDArray[np.bool_], drawn: NDArray[np.bool_]
) -> list[tuple[float | None, float | None, int]]:
    """Low and high end of each run, and how many of its clusters were audited."""
    runs, clusters, each = seen.first.shape
    audited = closed & drawn[..., None]
    base = _fixed(np.where(closed, seen.first, seen.both))
    ones = np.ones(base.size, np.uint8)
    second = Second(_fixed(seen.both), ones, closed.ravel(), audited.ravel(), REACH)
    rows = SlicedRows(
        "win_rate",
        [str(run) for run in range(runs)],
        np.repeat(np.arange(runs * clusters, dtype=np.uint64), each),
        base,
        ones,
        np.repeat(np.arange(runs), clusters * each),
        binary=False,
        second=second,
    )
    found = []
    for one in measure_parts([rows]):
        estimate = one.estimate(LEVEL)
        found.append((estimate.low, estimate.high, one.audit.clusters if one.audit else 0))
    return found


def _fixed(value: Numbers) -> NDArray[np.int64]:
    return np.rint(value.ravel() * FIXED_ONE).astype(np.int64)


class Setting(NamedTuple):
    """One judge, asked so many comparisons, and what of it is looked at twice."""

    table: str
    bias: str
    rule: str
    comparisons: int
    each: int
    looks: tuple[tuple[float, float], ...]
    """Pairs of `sure` and `audit`."""


USUAL = ((0.9, 0.1),)
SIZES = (100, 300, 1_000, 3_000)
AUDITS = (0.02, 0.05, 0.1, 0.3)
SURES = (0.6, 0.8, 0.9, 0.95)
SETTINGS = [
    *(
        Setting("judges", bias, rule, size, 1, USUAL)
        for bias in BIASES
        for rule in ("average", "strict")
        for size in SIZES
    ),
    *(Setting("judges", "additive", "strict, ties", size, 1, USUAL) for size in SIZES),
    *(
        Setting("audits", bias, "average", size, 1, tuple((0.9, audit) for audit in AUDITS))
        for bias in ("additive", "constant choice")
        for size in (100, 1_000, 10_000)
    ),
    *(
        Setting("sure", bias, "average", 1_000, 1, tuple((sure, 0.1) for sure in SURES))
        for bias in ("additive", "constant choice")
    ),
    *(
        Setting("clusters", bias, rule, size, 4, USUAL)
        for bias in ("constant choice", "by question")
        for rule in ("average", "strict")
        for size in (400, 2_000)
    ),
]


def cells(runs: int, seed: int) -> Iterator[dict[str, Any]]:
    """Every cell of the tables, as it is kept in the record."""
    truths: dict[tuple[str, str], float] = {}
    for place, one in enumerate(SETTINGS):
        judge = (one.bias, one.rule)
        if judge not in truths:
            rng = np.random.Generator(np.random.PCG64([seed, len(truths)]))
            truths[judge] = float(judged(rng, *judge, (1, MANY, 1)).both.mean())
        began = time.process_time()
        yield from _looks(one, runs, truths[judge], [seed, 1000 + place])
        spent = time.process_time() - began
        print(f"{one.table}: {judge}, {one.comparisons}: {spent:.0f} s of CPU", file=sys.stderr)


def _looks(one: Setting, runs: int, truth: float, seed: list[int]) -> Iterator[dict[str, Any]]:
    """Simulate a setting; the judge says the same at every look."""
    rng = np.random.Generator(np.random.PCG64(seed))
    clusters = one.comparisons // one.each
    held, here, given, audited = (np.zeros(len(one.looks)) for _ in range(4))
    widths, opened, full = np.zeros(len(one.looks)), np.zeros(len(one.looks)), 0.0
    at_once = max(ROWS // one.comparisons, 1)
    for start in range(0, runs, at_once):
        shape = (min(at_once, runs - start), clusters, one.each)
        seen = judged(rng, one.bias, one.rule, shape)
        means = seen.both.mean(axis=(1, 2))
        full += float(seen.both.mean(axis=2).std(axis=1, ddof=1).sum()) / clusters**0.5
        draw = rng.random(shape[:2])
        for look, (sure, audit) in enumerate(one.looks):
            closed = seen.confidence >= sure
            opened[look] += (~closed).mean(axis=(1, 2)).sum()
            found = measured(seen, closed, draw < audit)
            for mean, (low, high, drawn) in zip(means, found, strict=True):
                audited[look] += drawn
                if low is None or high is None:
                    continue
                given[look] += 1
                held[look] += low <= truth <= high
                here[look] += low <= mean <= high
                widths[look] += high - low
    for look, (sure, audit) in enumerate(one.looks):
        some = max(given[look], 1)
        share = opened[look] / runs
        yield {
            **one._asdict(),
            "looks": None,
            "sure": sure,
            "audit": audit,
            "coverage": held[look] / some,
            "of_asked": here[look] / some,
            "undefined": 1 - given[look] / runs,
            "audited": audited[look] / runs,
            "width": widths[look] / some,
            "width_both": 2 * 1.96 * full / runs,
            "open": share,
            "saved": (1 - share) * (1 - audit) / 2,
        }


def lines(found: list[dict[str, Any]]) -> list[str]:
    """Every table, in percent."""
    made = _grid([one for one in found if one["table"] == "judges"])
    for name, column in (("audits", "audit"), ("sure", "sure"), ("clusters", "each")):
        made += ["", *_list([one for one in found if one["table"] == name], column)]
    return made


def _grid(found: list[dict[str, Any]]) -> list[str]:
    """Coverage: a row a judge, a column a number of comparisons."""
    sizes = sorted({one["comparisons"] for one in found})
    shown = {(one["bias"], one["rule"], one["comparisons"]): _held(one) for one in found}
    return [
        f"| position bias | rule | {' | '.join(f'{size:,} comparisons' for size in sizes)} |",
        f"|---|---|{'---|' * len(sizes)}",
        *(
            f"| {bias} | {rule} | {' | '.join(shown[bias, rule, size] for size in sizes)} |"
            for bias, rule in dict.fromkeys((bias, rule) for bias, rule, _ in shown)
        ),
    ]


def _list(found: list[dict[str, Any]], column: str) -> list[str]:
    """One row a cell, with what it saves and how much wider it is than both orders everywhere."""
    words = {"audit": "`audit`", "sure": "`sure`", "each": "comparisons of a question"}[column]
    head = ["position bias", "rule", "comparisons", words, "clusters audited", "holds"]
    head += ["requests saved", "width to that of both"]
    return [
        f"| {' | '.join(head)} |",
        f"|{'---|' * len(head)}",
        *(
            f"| {one['bias']} | {one['rule']} | {one['comparisons']:,} | {one[column]} | "
            f"{one['audited']:.0f} | {_held(one)} | {100 * one['saved']:.0f} % | "
            f"{_wider(one)} |"
            for one in found
        ),
    ]


def _held(one: dict[str, Any]) -> str:
    """Coverage, and in brackets that of the mean of what was asked; a star: few were audited."""
    if one["undefined"] > EVEN:
        return f"none in {100 * one['undefined']:.0f}"
    star = "\\*" if one["audited"] < FROM else ""
    return f"{100 * one['coverage']:.1f}{star} ({100 * one['of_asked']:.0f})"


def _wider(one: dict[str, Any]) -> str:
    return "-" if one["undefined"] > EVEN else f"{one['width'] / one['width_both']:.2f}"


TABLE = PageTable(
    "null_adaptive",
    (__doc__ or "").splitlines()[0],
    cells,
    lines,
    {"level": LEVEL, "from": FROM},
    page=ROOT / "docs" / "adaptive.md",
    runs=5_000,
)

if __name__ == "__main__":
    sys.exit(make(TABLE))
