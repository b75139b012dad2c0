"""Runs with adaptive orders: every mean is what both orders everywhere would give, give or take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from judgefast.codes import CHOICE_TIE, FIXED_ONE
from judgefast.stats import JudgedAspect, measure, summarise
from judgefast.stats.adaptive import AdaptiveOutcomes
from judgefast.stats.adaptive_report import adaptive_report
from judgefast.stats.audit import Second
from judgefast.stats.joint import SlicedRows, measure_parts

from .tables import make_items, make_outcomes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from judgefast.codes import Rule
    from judgefast.outcomes.columns import OutcomeColumns
    from judgefast.stats.estimate import Estimate
    from judgefast.stats.slices import JudgedItems

ITEMS = 60
ASPECTS = [JudgedAspect("facts", 2), JudgedAspect("tone", 1)]


class Run:
    """Sixty questions on two models, two aspects each; the first order alone is well known."""

    def __init__(self, audit: float, *, aspects: int = 1, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        rows = ITEMS * aspects
        self.item = np.repeat(np.arange(ITEMS), aspects)
        self.aspect = np.tile(np.arange(aspects), ITEMS)
        self.first = rng.choice([0.0, 1.0], rows)
        self.both = np.where(rng.random(rows) < 0.2, 0.5, self.first)
        self.closed = rng.random(rows) < 0.7
        self.drawn = (rng.random(ITEMS) < audit)[self.item]
        self.items: JudgedItems = make_items(
            ITEMS,
            models=["old", "new"],
            model=[[0, 1] if number % 3 else [1, 0] for number in range(ITEMS)],
            gold=rng.choice([0, 1, CHOICE_TIE], ITEMS).tolist(),
            meta={"lang": ((np.arange(ITEMS) % 2).astype(np.int32), ["de", "en"])},
        )

    def outcomes(self, value: NDArray[np.float64]) -> OutcomeColumns:
        return make_outcomes(self.item, value.tolist(), aspect=self.aspect)

    @property
    def judged(self) -> OutcomeColumns:
        return self.outcomes(np.where(self.closed & ~self.drawn, self.first, self.both))

    @property
    def adaptive(self) -> AdaptiveOutcomes:
        alone = self.outcomes(np.where(self.closed, self.first, self.both))
        return AdaptiveOutcomes(alone, self.closed.astype(np.uint8), self.drawn, "strict")

    def estimates(self, *, adaptive: bool = True) -> dict[tuple[str, str], Estimate]:
        found = summarise(
            self.judged,
            self.items,
            mode="pairwise",
            slices=["lang"],
            baseline="old",
            aspects=ASPECTS if self.aspect.any() else (),
            adaptive=self.adaptive if adaptive else None,
        )
        return {(one.name, one.slice): one for one in found}


def corrected(
    base: NDArray[np.float64],
    both: NDArray[np.float64],
    closed: NDArray[np.bool_],
    drawn: NDArray[np.bool_],
) -> float:
    """The mean by the textbook, a row a cluster: apart for high and low values if either has 6."""
    sides = [closed & (base > 0.5), closed & (base < 0.5)]
    assert (base[closed] != 0.5).all()
    if min((side & drawn).sum() for side in sides if side.any()) < 6:
        sides = [closed]
    total = np.where(closed, base, both).sum()
    for side in sides:
        seen = side & drawn
        total += side.sum() * (both - base)[seen].mean() if seen.any() else 0.0
    return float(total / len(base))


def test_every_mean_is_corrected_by_the_clusters_that_were_audited() -> None:
    run = Run(0.4)
    found = run.estimates()
    of_new = np.where(run.item % 3 > 0, run.both, 1 - run.both)
    first_of_new = np.where(run.item % 3 > 0, run.first, 1 - run.first)
    checked = {
        ("win_rate", "candidate=new baseline=old"): (of_new, first_of_new, run.item >= 0),
        ("win_rate", "model=new"): (of_new, first_of_new, run.item >= 0),
        ("win_rate", "model=old meta.lang=en"): (1 - of_new, 1 - first_of_new, run.item % 2 == 1),
        ("tie_rate", "candidate=new baseline=old"): (
            (run.both == 0.5) * 1.0,
            (run.first == 0.5) * 1.0,
            run.item >= 0,
        ),
    }
    for name, (both, first, rows) in checked.items():
        wanted = corrected(first[rows], both[rows], run.closed[rows], run.drawn[rows])
        assert found[name].value == pytest.approx(wanted, abs=1e-7), name
        assert found[name].method == "audited"


def test_accuracy_is_corrected_in_what_gold_says_of_each_value() -> None:
    run = Run(0.4)
    gold = np.asarray(run.items.gold_choice)

    def right(value: NDArray[np.float64]) -> NDArray[np.float64]:
        as_named = np.where(gold == 1, value, 1 - value)
        return np.where(gold == CHOICE_TIE, value == 0.5, as_named)

    wanted = corrected(right(run.first), right(run.both), run.closed, run.drawn)
    assert run.estimates()["accuracy", "all"].value == pytest.approx(wanted, abs=1e-7)


def test_overall_values_of_aspects_are_corrected_together() -> None:
    run = Run(0.4, aspects=2)
    found = run.estimates()
    assert found["win_rate", "candidate=new baseline=old aspect=tone"].method == "audited"
    turn = np.where(np.arange(ITEMS) % 3 > 0, 1.0, -1.0)
    weights = np.array([2, 1]) / 3

    def mean(value: NDArray[np.float64]) -> NDArray[np.float64]:
        return 0.5 + turn * ((value.reshape(ITEMS, 2) - 0.5) @ weights)

    shut = run.closed.reshape(ITEMS, 2).any(axis=1)
    base = mean(np.where(run.closed, run.first, run.both))
    wanted = corrected(base, mean(run.both), shut, run.drawn.reshape(ITEMS, 2)[:, 0])
    overall = found["overall", "candidate=new baseline=old"]
    assert overall.value == pytest.approx(wanted, abs=1e-6)
    assert overall.method == "audited"


def test_a_run_that_was_audited_throughout_is_an_ordinary_one() -> None:
    run = Run(1.0)
    assert run.estimates() == run.estimates(adaptive=False)


def test_a_small_slice_says_in_words_that_too_little_was_audited() -> None:
    run = Run(0.12)
    found = run.estimates()["win_rate", "model=new meta.lang=de"]
    assert (found.low, found.method) == (None, "undefined")
    assert found.note.endswith("were audited, under 6: too few for an interval")


@pytest.mark.parametrize(
    ("rule", "win", "right"),
    [
        ("average", 0.5, 1.0),  # .98 with .02 is .5, and just under it wrong
        ("strict", 0.5, 0.5),  # a win becomes a tie, never a loss
        ("judgebench", 0.5, 0.5),
        ("games", 0.75, 1.0),  # a win of weight 1, then a loss of weight 3
        ("drop", 1.0, 1.0),
    ],
)
def test_the_doubt_about_what_was_not_seen_is_what_a_second_order_can_do(
    rule: Rule, win: float, right: float
) -> None:
    run = Run(0.4)
    adaptive = run.adaptive._replace(rule=rule)
    measured = measure(run.judged, run.items, mode="pairwise", adaptive=adaptive)
    reach = {one.name: one.audit.reach for one in measured if one.audit is not None}
    assert reach == {"win_rate": win, "accuracy": right, "tie_rate": 1.0}
    report = adaptive_report(measured, adaptive, run.items, level=1 - 1e-12, sure=0.9, audit=0.4)
    ends = {one.name: one.difference.high for one in report.left}
    assert ends == reach, "at such a level the mean change is as far off as it can be"


def test_the_report_counts_what_was_saved_and_says_it() -> None:
    run = Run(0.4)
    measured = measure(
        run.judged, run.items, mode="pairwise", baseline="old", adaptive=run.adaptive
    )
    found = adaptive_report(measured, run.adaptive, run.items, level=0.95, sure=0.9, audit=0.4)
    shut, seen = int(run.closed.sum()), int((run.closed & run.drawn).sum())
    assert (found.comparisons, found.closed, found.open, found.audited) == (
        60,
        shut,
        60 - shut,
        seen,
    )
    assert (found.requests_both, found.requests_asked) == (120, 120 - shut + seen)
    assert (found.requests_saved, found.requests_audit) == (shut - seen, seen)
    assert found.saved == (shut - seen) / 120
    assert found.audit_cost == seen / 120
    left = found.left[0]
    of_new, first = (
        np.where(run.item % 3 > 0, value, 1 - value) for value in (run.both, run.first)
    )
    bias = corrected(first, of_new, run.closed, run.drawn)
    bias -= np.where(run.closed, first, of_new).mean()
    assert (left.name, left.audited) == ("win_rate", seen)
    assert left.difference.value == pytest.approx(bias * 60 / shut, abs=1e-7)
    assert left.bias.value == pytest.approx(bias, abs=1e-7)
    low, high = left.bias.low, left.bias.high
    assert low is not None
    assert high is not None
    assert low < bias < high
    kinds = [one.kind for one in found.findings]
    assert kinds == ["adaptive_saved", "adaptive_bias"]
    audit = measured[0].audit
    assert audit is not None
    spread = audit.spread(ITEMS)
    ratio = (spread.own**2 + spread.audit**2) ** 0.5 / spread.own
    assert left.wider == pytest.approx(ratio)
    texts = " ".join(one.text for one in found.findings)
    assert f"left {100 * (60 - shut) / 60:.3g} % of 60 comparisons open" in texts
    assert f"by {left.bias.value:+.3f} [{low:+.3f}, {high:+.3f}]" in texts


def test_the_report_says_what_the_saved_requests_cost() -> None:
    run = Run(0.25, seed=3)
    measured = measure(
        run.judged, run.items, mode="pairwise", baseline="old", adaptive=run.adaptive
    )
    found = adaptive_report(measured, run.adaptive, run.items, level=0.95, sure=0.9, audit=0.2)
    wider = found.left[0].wider
    assert wider is not None
    assert wider > 1.25
    last = found.findings[-1]
    assert last.kind == "adaptive_wider"
    assert f"about {wider:.2g} times as wide as both orders everywhere would" in last.text


def test_the_report_of_an_audit_of_nobody_says_that_nothing_was_corrected() -> None:
    run = Run(0.0)
    measured = measure(
        run.judged, run.items, mode="pairwise", baseline="old", adaptive=run.adaptive
    )
    found = adaptive_report(measured, run.adaptive, run.items, level=0.95, sure=0.9, audit=0.0)
    assert found.left[0].difference.value is None
    assert [one.kind for one in found.findings] == ["adaptive_saved", "adaptive_unaudited"]
    assert "not corrected: 0 of" in found.findings[1].text


def simulated(first: NDArray[np.float64], both: NDArray[np.float64], audit: float) -> SlicedRows:
    """Simulated runs, a row each, as slices; a comparison a question."""
    rng = np.random.default_rng(7)
    closed = np.abs(2 * first - 1) > 0.8
    base, known = (
        np.rint(value * FIXED_ONE).astype(np.int64).ravel()
        for value in (np.where(closed, first, both), both)
    )
    ones = np.ones(base.size, np.uint8)
    audited = closed & (rng.random(first.shape) < audit)
    return SlicedRows(
        "win_rate",
        [str(run) for run in range(len(first))],
        np.arange(base.size, dtype=np.uint64),
        base,
        ones,
        np.repeat(np.arange(len(first)), first.shape[1]),
        binary=False,
        second=Second(known, ones, closed.ravel(), audited.ravel(), 0.5),
    )


def holds(part: SlicedRows, truth: float) -> float:
    """Share of the runs whose interval holds the truth."""
    found = [one.estimate(0.95) for one in measure_parts([part])]
    held = [one.low is not None and one.low <= truth <= (one.high or 0) for one in found]
    return sum(held) / len(held)


def test_the_interval_holds_where_the_first_orders_alone_are_wrong() -> None:
    """All first orders show the candidate first: what they say alone is off by the bias."""
    rng = np.random.default_rng(20261126)
    blind = rng.random((300, 300)) < 0.3
    chance = rng.beta(0.4, 0.4, blind.shape)
    part = simulated(np.where(blind, 1, chance), np.where(blind, 0.5, chance), 0.15)
    assert 0.94 <= holds(part, 0.5) <= 0.99
    assert holds(part._replace(second=None), 0.5) < 0.05


def test_turns_that_are_too_rare_to_be_seen_are_reckoned_with() -> None:
    """Of 30 audited questions, one is expected to turn; all turns are against the candidate."""
    rng = np.random.default_rng(20261127)
    wins = rng.random((300, 300)) < 0.96
    first = np.where(wins, 0.98, 0.02)
    both = np.where(wins & (rng.random(first.shape) < 1 / 30), 0.5, first)
    part = simulated(first, both, 0.1)
    assert part.second is not None
    truth = 0.96 * (0.98 - 0.48 / 30) + 0.04 * 0.02
    unaware = part._replace(second=part.second._replace(reach=0.0))
    assert holds(unaware, truth) < 0.9
    assert holds(part, truth) > 0.95
