"""Several aspects: each apart, their weighted mean, and the intervals of both."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.codes import FIXED_ONE, OutcomeStatus
from judgefast.errors import ConfigError
from judgefast.stats import Resampling, measure, position_bias, shards, summarise
from judgefast.stats.aspects import JudgedAspect
from judgefast.stats.overall import overall_outcomes

from .tables import make_items, make_outcomes, make_verdicts, plan_of

if TYPE_CHECKING:
    from judgefast.outcomes.columns import OutcomeColumns
    from judgefast.stats import Estimate

SCALES = [(0.0, 1.0), (1.0, 5.0), (-2.5, 7.5), (0.1, 0.9)]
WEIGHTS = [1, 2, 3, 6, 0.1, 0.3, 2.5]


class Scored(NamedTuple):
    """Answers scored in some aspects."""

    aspects: list[JudgedAspect]
    outcomes: OutcomeColumns
    answers: int


@st.composite
def scored(draw: st.DrawFn, scales: list[tuple[float, float]] | None = None) -> Scored:
    """Answers of items, some without a score, some not asked for an aspect, rows in any order."""
    aspects = [
        JudgedAspect(f"n{place}", draw(st.sampled_from(WEIGHTS)), draw(st.sampled_from(scales)))
        for place, scales in enumerate([scales or SCALES] * draw(st.integers(1, 4)))
    ]
    rows = []
    answers = draw(st.integers(1, 3))
    for item in range(draw(st.integers(1, 8))):
        for answer in range(answers):
            for code, aspect in enumerate(aspects):
                low, high = aspect.scale
                share = draw(st.sampled_from([0, 0.25, 1 / 3, 0.7, 1, 1, None, "unasked"]))
                if share != "unasked":
                    value = None if share is None else low + share * (high - low)
                    rows.append((item, answer, code, value, draw(st.integers(1, 6))))
    if draw(st.booleans()):
        rows = draw(st.permutations(rows))
    item, answer, code, value, weight = zip(*rows, strict=True) if rows else ((),) * 5
    return Scored(
        aspects,
        make_outcomes(item, value, candidate=answer, baseline=None, aspect=code, weight=weight),
        answers,
    )


def naive(one: Scored) -> dict[tuple[int, int], tuple[int, int] | None]:
    """Value (in 2^-24) and weight of each answer, by fractions; None where an aspect is missing."""
    cells: dict[tuple[int, int], dict[int, tuple[int, int]]] = defaultdict(dict)
    columns = zip(*(column.tolist() for column in one.outcomes[:7]), strict=True)
    for item, answer, _, code, value, weight, status in columns:
        known = cells[item, answer]
        if status == OutcomeStatus.SCORED:
            known[code] = (value, weight)
    scales, weights = {each.scale for each in one.aspects}, 0
    found: dict[tuple[int, int], tuple[int, int] | None] = {}
    for unit, known in cells.items():
        if len(known) < len(one.aspects):
            found[unit] = None
            continue
        total = weights = Fraction(0)
        for code, aspect in enumerate(one.aspects):
            value = Fraction(known[code][0], FIXED_ONE)
            if len(scales) > 1:
                low, high = (Fraction(repr(end)) for end in aspect.scale)
                value = (value - low) / (high - low)
            total += Fraction(repr(aspect.weight)) * value
            weights += Fraction(repr(aspect.weight))
        mean = total / weights
        if len(scales) > 1:
            mean = min(max(mean, Fraction(0)), Fraction(1))
        weight = round(Fraction(sum(weight for _, weight in known.values()), len(known)))
        found[unit] = (round(mean * FIXED_ONE), weight)
    return found


def units(outcomes: OutcomeColumns) -> dict[tuple[int, int], tuple[int, int] | None]:
    columns = (outcomes.item, outcomes.candidate, outcomes.value, outcomes.weight, outcomes.status)
    return {
        (item, answer): (value, weight) if status == OutcomeStatus.SCORED else None
        for item, answer, value, weight, status in zip(
            *(column.tolist() for column in columns), strict=True
        )
    }


def named(estimates: list[Estimate], name: str) -> dict[str, Estimate]:
    return {one.slice: one for one in estimates if one.name == name}


@settings(max_examples=60, deadline=None)
@given(scored())
def test_an_overall_value_is_the_weighted_mean_by_fractions_rounded_once(one: Scored) -> None:
    assert units(overall_outcomes(one.outcomes, one.aspects)) == naive(one)


@settings(max_examples=40, deadline=None)
@given(scored(), st.data())
def test_the_order_of_aspects_changes_nothing_but_their_order(
    one: Scored, data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(one.aspects))))
    place = np.argsort(order).astype(np.uint16)
    turned = [one.aspects[code] for code in order]
    moved = one.outcomes._replace(aspect=place[one.outcomes.aspect])
    items = make_items(8, answers=3, clusters=[0, 0, 1, 2, 3, 4, 5, 6])
    straight, other = (
        {
            (each.name, each.slice): each
            for each in summarise(outcomes, items, mode="scalar", aspects=aspects)
        }
        for outcomes, aspects in ((one.outcomes, one.aspects), (moved, turned))
    )
    assert straight == other


@settings(max_examples=40, deadline=None)
@given(scored(), st.sampled_from([2, 10, 0.1, 1.7]))
def test_only_ratios_of_weights_count(one: Scored, factor: float) -> None:
    product = [float(Fraction(repr(each.weight)) * Fraction(repr(factor))) for each in one.aspects]
    scaled = [
        each._replace(weight=weight) for each, weight in zip(one.aspects, product, strict=True)
    ]
    assert units(overall_outcomes(one.outcomes, scaled)) == units(
        overall_outcomes(one.outcomes, one.aspects)
    )


def test_products_that_leave_64_bits_are_taken_exactly() -> None:
    weight = 0.12345678901234
    aspects = [JudgedAspect("a", weight, (0, 1000)), JudgedAspect("b", 0.3, (0.1, 0.3))]
    outcomes = make_outcomes([0, 0], [999.5, 0.2], candidate=0, baseline=None, aspect=[0, 1])
    one = Scored(aspects, outcomes, 1)
    assert units(overall_outcomes(outcomes, aspects)) == naive(one)


def test_an_end_of_a_scale_that_is_no_multiple_is_that_end() -> None:
    """The highest score of the one, .85, is rounded up: by nearly a step of 2^-24 of its scale."""
    aspects = [JudgedAspect("a", 6, (0.35, 0.85)), JudgedAspect("b", 1, (1, 5))]
    outcomes = make_outcomes([0, 0], [0.85, 5], candidate=0, baseline=None, aspect=[0, 1])
    assert overall_outcomes(outcomes, aspects).value.tolist() == [FIXED_ONE]


@pytest.mark.parametrize("weight", [0, -1, math.inf, math.nan])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    outcomes = make_outcomes([0, 0], [1, 1], aspect=[0, 1])
    with pytest.raises(ConfigError, match=r"aspect `b` has the weight .*; it must be above 0"):
        overall_outcomes(outcomes, [JudgedAspect("a"), JudgedAspect("b", weight)])


@settings(max_examples=25, deadline=None)
@given(scored([(1.0, 5.0)]), st.integers(2, 4))
def test_the_same_aspect_several_times_is_that_aspect(one: Scored, times: int) -> None:
    """Overall has the value and the interval that the aspect alone has today: no vote is added."""
    alone = one.outcomes.take(np.flatnonzero(one.outcomes.aspect == 0))
    many = alone.take(np.repeat(np.arange(len(alone.item)), times))
    copies = np.tile(np.arange(times, dtype=np.uint16), len(alone.item))
    items = make_items(8, answers=3, clusters=[0, 0, 1, 2, 3, 4, 5, 6])
    same = [JudgedAspect(f"n{place}", place + 1, (1, 5)) for place in range(times)]
    today = summarise(alone, items, mode="scalar", aspects=[one.aspects[0]])
    found = summarise(many._replace(aspect=copies), items, mode="scalar", aspects=same)
    figures = [(each.slice, each.value, each.low, each.high, each.missing) for each in today]
    overall = [each for each in found if each.name.startswith("overall")]
    assert [(each.slice, each.value, each.low, each.high, each.missing) for each in overall] == (
        figures
    )
    assert {each.name for each in today} <= {"mean", "ranking_accuracy"}


def test_overall_stands_first_and_counts_what_lacks_an_aspect_as_missing() -> None:
    outcomes = make_outcomes(
        np.repeat(range(3), 2), [5, 1, 3, None, 4, 4], candidate=0, baseline=None, aspect=[0, 1] * 3
    )
    aspects = [JudgedAspect("tone", 3, (1, 5)), JudgedAspect("facts", 1, (1, 5))]
    found = summarise(outcomes, make_items(3, answers=1), mode="scalar", aspects=aspects)
    assert (found[0].name, found[0].slice) == ("overall", "all")
    assert (found[0].value, found[0].outcomes, found[0].missing) == (4.0, 2, 1)
    assert found[0].note.endswith("1 missing: between 3 and 4.333 whatever they were")
    mean = named(found, "mean")
    assert (mean["aspect=tone"].value, mean["aspect=tone"].missing) == (4.0, 0)
    assert (mean["aspect=facts"].value, mean["aspect=facts"].missing) == (2.5, 1)


def test_where_scales_differ_values_are_put_on_one_and_the_note_says_so() -> None:
    outcomes = make_outcomes(
        np.repeat(range(2), 2), [5, 0, 3, 10], candidate=0, baseline=None, aspect=[0, 1] * 2
    )
    aspects = [JudgedAspect("tone", 1, (1, 5)), JudgedAspect("facts", 1, (0, 10))]
    items = make_items(2, answers=1)
    overall = named(summarise(outcomes, items, mode="scalar", aspects=aspects), "overall")["all"]
    assert overall.value == (0.5 + 0.75) / 2
    assert overall.note.startswith("scales differ: the value of each aspect was put on 0 to 1")
    means = named(summarise(outcomes, items, mode="scalar", aspects=aspects), "mean")
    assert means["aspect=facts"].high == 10.0  # clipped to its own scale, not to that of `tone`
    assert means["aspect=tone"].high == 5.0
    alike = [aspect._replace(scale=(0, 10)) for aspect in aspects]
    (kept,) = named(summarise(outcomes, items, mode="scalar", aspects=alike), "overall").values()
    assert (kept.value, kept.note) == (4.5, "")


def test_pairs_have_an_overall_win_rate_for_the_side_that_each_aspect_has() -> None:
    """The models alternate places; `y` wins in tone twice, in facts once."""
    items = make_items(2, models=["y", "x"], model=[[1, 0], [0, 1]], gold=[1, 0])
    outcomes = make_outcomes(np.repeat(range(2), 2), [1, 1, 0, 1], aspect=[0, 1] * 2)
    aspects = [JudgedAspect("tone", 2), JudgedAspect("facts", 1)]
    found = summarise(outcomes, items, mode="pairwise", aspects=aspects)
    rates = {part: one.value for part, one in named(found, "overall").items()}
    assert rates == {
        "candidate=y baseline=x": pytest.approx((1 + 2 / 3) / 2),
        "model=y": pytest.approx((1 + 2 / 3) / 2),
        "model=x": pytest.approx(1 / 6),
    }
    by_aspect = {part: one.value for part, one in named(found, "win_rate").items()}
    assert by_aspect["candidate=y baseline=x aspect=facts"] == 0.5
    assert by_aspect["candidate=y baseline=x aspect=tone"] == 1.0
    assert named(found, "overall_accuracy")["all"].value == 1.0
    assert named(found, "accuracy")["aspect=facts"].value == 0.5
    assert not [one for one in found if one.name == "tie_rate" and "aspect=" not in one.slice]


def test_slices_of_meta_have_an_overall_value_too() -> None:
    meta = {"lang": (np.array([0, 1], dtype=np.int32), ["de", "fr"])}
    outcomes = make_outcomes(
        np.repeat(range(2), 2), [1, 0, 1, 1], candidate=0, baseline=None, aspect=[0, 1] * 2
    )
    found = summarise(
        outcomes,
        make_items(2, answers=1, meta=meta),
        mode="binary",
        slices=["lang"],
        aspects=[JudgedAspect("tone"), JudgedAspect("facts")],
    )
    overall = {part: one.value for part, one in named(found, "overall").items()}
    assert overall == {"all": 0.75, "meta.lang=de": 0.5, "meta.lang=fr": 1.0}
    passes = {part: one.value for part, one in named(found, "pass_rate").items()}
    assert passes["aspect=facts meta.lang=de"] == 0.0


def correlated(clusters: int, aspects: int, rng: np.random.Generator) -> np.ndarray[Any, Any]:
    """Scores on 0 to 1: what an item has in one aspect it mostly has in the others."""
    item = rng.normal(0, 0.15, (clusters, 1))
    return np.clip(0.5 + item + rng.normal(0, 0.05, (clusters, aspects)), 0, 1)


def test_replicates_of_overall_are_those_of_the_aspects_weighted() -> None:
    """Replicate b gives an item one weight in every aspect, and so in their mean."""
    values = correlated(60, 3, np.random.default_rng(5))
    outcomes = make_outcomes(
        np.repeat(range(60), 3),
        values.reshape(-1).tolist(),
        candidate=0,
        baseline=None,
        aspect=[0, 1, 2] * 60,
    )
    aspects = [JudgedAspect(f"n{weight}", weight) for weight in (1, 2, 6)]
    measured = measure(
        outcomes,
        make_items(60, answers=1),
        mode="scalar",
        aspects=aspects,
        resampling=Resampling(seed=7, replicates=256),
    )
    drawn = {(one.name, one.slice): one.replicates.means for one in measured if one.replicates}
    parts = [drawn["mean", f"aspect=n{weight}"] * weight for weight in (1, 2, 6)]
    assert drawn["overall", "all"] == pytest.approx(sum(parts) / 9, abs=1e-7)


def test_a_run_in_shards_has_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    values = correlated(90, 2, np.random.default_rng(6)).reshape(-1).tolist()
    outcomes = make_outcomes(
        np.repeat(range(90), 2), values, candidate=0, baseline=None, aspect=[0, 1] * 90
    )
    items = make_items(90, answers=1, clusters=[place // 2 for place in range(90)])
    aspects = [JudgedAspect("a", 1, (0, 1)), JudgedAspect("b", 2, (-1, 1))]
    item, first = np.repeat(range(90), 4), np.array([0, 1] * 180)
    plan = plan_of(item, first, 1 - first, aspect=[0, 0, 1, 1] * 90)
    verdicts = make_verdicts(np.random.default_rng(2).integers(0, 2, 360).tolist())

    def found() -> object:
        bias = position_bias(plan, verdicts, items, aspects=["a", "b"])
        draws = Resampling(seed=3, replicates=64)
        return bias, summarise(outcomes, items, mode="scalar", aspects=aspects, resampling=draws)

    whole = found()
    monkeypatch.setattr(shards, "SHARD_ROWS", 16)
    assert found() == whole


def test_the_interval_of_overall_keeps_the_aspects_of_an_item_together() -> None:
    """Aspects counted as if they were items of their own hold the truth far too seldom.

    400 runs of 50 items: a share of .95 has a standard error of .011.
    """
    rng, runs, size, many = np.random.default_rng(11), 400, 50, 4
    truth = float(correlated(400_000, many, rng).mean())
    aspects = [JudgedAspect(f"n{place}") for place in range(many)]
    items, ours, naive_ones = make_items(size, answers=1), 0, 0
    for _ in range(runs):
        values = correlated(size, many, rng)
        outcomes = make_outcomes(
            np.repeat(range(size), many),
            values.reshape(-1).tolist(),
            candidate=0,
            baseline=None,
            aspect=list(range(many)) * size,
        )
        found = measure(outcomes, items, mode="scalar", aspects=aspects, names={"overall"})
        overall = found[0].estimate(0.95)
        assert overall.low is not None
        assert overall.high is not None
        ours += overall.low <= truth <= overall.high
        reach = 1.96 * values.std(ddof=1) / math.sqrt(values.size)
        naive_ones += abs(values.mean() - truth) <= reach
    assert 0.92 <= ours / runs <= 0.98
    assert naive_ones / runs < 0.75
