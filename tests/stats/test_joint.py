"""Which slices are resampled, that all are by the same weights, and what an estimate says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from judgefast.codes import FIXED_ONE
from judgefast.stats import Measurement, measure, paired_means, position_bias, summarise
from judgefast.stats.joint import SlicedRows, measure_parts
from judgefast.stats.paired import RunOutcomes
from judgefast.stats.replicates import HISTOGRAM, POISSON, Resampling

from .tables import make_items, make_outcomes, make_plan, make_verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.outcomes.columns import OutcomeColumns
    from judgefast.stats.estimate import Estimate

    from .tables import Items

SEED = Resampling(seed=11)
QUESTIONS = 90


def a_run(rng: np.random.Generator) -> tuple[OutcomeColumns, Items]:
    """Two items of each of 90 questions, some of them even or missing."""
    num = 2 * QUESTIONS
    items = make_items(
        num,
        clusters=np.arange(num) // 2 + 500,
        models=["x", "y"],
        model=[[number % 2, 1 - number % 2] for number in range(num)],
        meta={"lang": (rng.integers(-1, 2, num).astype(np.int32), ["de", "en"])},
    )
    value = rng.choice([None, 0.0, 0.5, 1.0, 1.0], num).tolist()
    return make_outcomes(range(num), value), items


def by_name(found: Sequence[Measurement]) -> dict[tuple[str, str], Measurement]:
    return {(one.name, one.slice): one for one in found}


def one_part(value: Sequence[float], cluster: Sequence[int], *, binary: bool = False) -> SlicedRows:
    num = len(value)
    fixed = np.rint(np.array(value) * FIXED_ONE).astype(np.int64)
    return SlicedRows(
        "mean",
        ["all"],
        np.array(cluster, dtype=np.uint64),
        fixed,
        np.ones(num, dtype=np.uint8),
        np.zeros(num, dtype=np.int64),
        binary=binary,
    )


def test_the_ends_are_the_replicates_that_the_page_numbers() -> None:
    rng = np.random.default_rng(1)
    value = rng.integers(0, 5, 60) / 4
    (found,) = measure_parts([one_part(value, range(60))], SEED)
    estimate = found.estimate(0.95)
    assert (estimate.method, estimate.replicates, estimate.seed) == (POISSON, 4096, 11)
    ascending = sorted(found.replicates.means.tolist())
    assert (estimate.low, estimate.high) == (ascending[102], ascending[3993])
    wider, narrower = found.estimate(0.999), found.estimate(0.5)
    assert wider.low < estimate.low < narrower.low < narrower.value
    assert narrower.value < narrower.high < estimate.high < wider.high


def test_a_level_beyond_the_replicates_gets_the_normal_and_says_why() -> None:
    (found,) = measure_parts([one_part([0, 0.5, 1] * 20, range(60))], SEED)
    last, beyond = found.estimate(1 - 2 / 4096), found.estimate(0.9996)
    assert last.method == POISSON
    assert last.low == sorted(found.replicates.means.tolist())[1]
    assert (beyond.method, beyond.replicates, beyond.seed) == ("cluster-normal", None, None)
    assert "4,096 replicates" in beyond.note


def test_rules_one_to_three_are_not_resampled() -> None:
    cases = {
        "clopper-pearson": one_part([1] * 95 + [0] * 5, range(100), binary=True),
        "wilson": one_part([1, 0] * 50, range(100), binary=True),
        "cluster-t": one_part([0.25, 0.75] * 19 + [0.25], range(39)),
        "undefined": one_part([0.5] * 60, range(60)),
        POISSON: one_part([0.25, 0.75] * 20, range(40)),
    }
    found = measure_parts(cases.values(), SEED)
    assert [one.estimate(0.95).method for one in found] == list(cases)
    assert [one.replicates is not None for one in found] == [False] * 4 + [True]


def test_without_a_seed_nothing_is_resampled() -> None:
    outcomes, items = a_run(np.random.default_rng(2))
    analytic = summarise(outcomes, items, mode="pairwise")
    assert {one.method for one in analytic} == {"cluster-normal"}
    resampled = summarise(outcomes, items, mode="pairwise", resampling=SEED)
    assert {one.method for one in resampled} == {POISSON}
    for one, other in zip(analytic, resampled, strict=True):
        assert (one.name, one.slice, one.value, one.missing) == (
            other.name,
            other.slice,
            other.value,
            other.missing,
        )
        assert other.low == pytest.approx(one.low, abs=0.3 * (one.high - one.low))
        assert other.high == pytest.approx(one.high, abs=0.3 * (one.high - one.low))


def test_a_cluster_weighs_the_same_in_every_slice_and_statistic() -> None:
    """So what one side wins the other loses in every replicate, and aspects can be compared."""
    outcomes, items = a_run(np.random.default_rng(3))
    found = by_name(measure(outcomes, items, mode="pairwise", slices=["lang"], resampling=SEED))
    x, y = (found["win_rate", f"model={name}"].replicates.means for name in "xy")
    assert x + y == pytest.approx(np.ones(4096), abs=1e-15)
    pair = found["win_rate", "candidate=y baseline=x"].replicates.means
    assert np.array_equal(pair, y)


def test_a_slice_has_the_same_replicates_alone_and_among_others() -> None:
    outcomes, items = a_run(np.random.default_rng(4))
    together = measure(outcomes, items, mode="pairwise", slices=["lang"], resampling=SEED)
    shuffled = np.random.default_rng(5).permutation(len(outcomes.item))
    again = measure(
        type(outcomes)(*(column[shuffled] for column in outcomes)),
        items,
        mode="pairwise",
        slices=["lang"],
        resampling=SEED,
    )
    lang = items.meta["lang"][0][outcomes.item]
    only_de = type(outcomes)(*(column[lang == 0] for column in outcomes))
    alone = by_name(measure(only_de, items, mode="pairwise", resampling=SEED))
    seen = 0
    for one, other in zip(together, again, strict=True):
        assert (one.replicates is None) == (other.replicates is None)
        if one.replicates is not None:
            assert one.replicates.means.tobytes() == other.replicates.means.tobytes()
        short = alone.get((one.name, one.slice.removesuffix(" meta.lang=de")))
        if one.slice.endswith(" meta.lang=de") and short and short.replicates:
            assert one.replicates.means.tobytes() == short.replicates.means.tobytes()
            seen += 1
    assert seen >= 2


def test_another_seed_gives_other_ends_near_by() -> None:
    value = np.random.default_rng(6).integers(0, 5, 200) / 4
    one, other = (
        measure_parts([one_part(value, range(200))], Resampling(seed))[0].estimate(0.95)
        for seed in (0, 1)
    )
    assert (one.seed, other.seed) == (0, 1)
    assert one.low != other.low
    assert one.low == pytest.approx(other.low, abs=0.1 * (one.high - one.low))


def test_a_replicate_divides_by_its_weights_not_by_the_rows() -> None:
    """By the rows it would spread as the number of draws does: by 0.12, not 0.006."""
    value = np.random.default_rng(9).uniform(0.85, 0.95, 60)
    (found,) = measure_parts([one_part(value, range(60))], SEED)
    assert found.replicates.means.std() == pytest.approx(value.std() / np.sqrt(60), rel=0.1)


def test_position_bias_is_resampled_by_the_same_rule() -> None:
    plan = make_plan(60)
    choice = np.random.default_rng(7).integers(0, 2, 120)
    verdicts = make_verdicts(choice.tolist())
    found = position_bias(plan, verdicts, make_items(60), resampling=SEED)
    assert found.direction.method == POISSON
    assert (found.direction.replicates, found.direction.seed) == (4096, 11)
    assert -0.5 <= found.direction.low < found.direction.value < found.direction.high <= 0.5
    assert found.flip_rate.method == "wilson"
    in_pairs = make_items(60, clusters=np.arange(60) // 2)
    few = position_bias(plan, verdicts, in_pairs, resampling=SEED)
    assert few.direction.method == "cluster-t"


def test_a_paired_difference_is_resampled_by_the_same_rule() -> None:
    rng = np.random.default_rng(8)

    def run() -> RunOutcomes:
        return RunOutcomes(
            item=np.arange(50),
            cluster_id64=np.arange(50, dtype=np.uint64),
            value=rng.integers(0, 3, 50) * (FIXED_ONE // 2),
            weight=np.ones(50, dtype=np.uint8),
            slice=np.zeros(50, dtype=np.int64),
        )

    def difference(a: RunOutcomes, b: RunOutcomes, resampling: Resampling | None) -> Estimate:
        (found,) = paired_means(a, b, ["all"], name="mean", resampling=resampling)
        return found.estimate(0.95)

    a, b = run(), run()
    found = difference(a, b, SEED)
    assert (found.method, found.replicates, found.seed) == (POISSON, 4096, 11)
    assert found.low < found.value < found.high
    mirrored = difference(b, a, SEED)
    assert (mirrored.low, mirrored.high) == (-found.high, -found.low)
    assert difference(a, b, None).method == "cluster-normal"


def test_a_row_in_no_slice_enters_no_replicate() -> None:
    part = one_part([0, 0.25, 1, 0.5] * 20, range(80))
    outside = one_part([1.0] * 30, range(1000, 1030))
    whole = SlicedRows(
        *part[:2],
        *(np.concatenate([one, other]) for one, other in zip(part[2:5], outside[2:5], strict=True)),
        codes=np.concatenate([part.codes, outside.codes - 1]),
        binary=False,
    )
    [alone], [among] = measure_parts([part], SEED), measure_parts([whole], SEED)
    assert (among.moments, among.missing) == (alone.moments, alone.missing)
    assert among.replicates.means.tobytes() == alone.replicates.means.tobytes()


def test_what_more_clusters_would_say_is_resampled_as_if_they_were_there() -> None:
    """Their spread is that of the mean of so many: it goes with the root of their number."""
    (found,) = measure_parts([one_part([0, 0.25, 0.75, 0.5] * 15, range(60))], SEED)
    grown = found.enlarged(60 * 9)
    estimate, more = found.estimate(0.9), grown.estimate(0.9)
    assert (more.value, more.method, more.clusters) == (estimate.value, POISSON, 540)
    assert more.low - more.value == pytest.approx((estimate.low - estimate.value) / 3)
    assert more.high - more.value == pytest.approx((estimate.high - estimate.value) / 3)


def test_the_histogram_takes_the_place_of_rule_four_alone() -> None:
    parts = [
        one_part([0.25, 0.75] * 20, range(40)),
        one_part([0.25, 0.75] * 19 + [0.25], range(39)),
        one_part([1, 0] * 50, range(100), binary=True),
    ]
    found = measure_parts(parts, SEED._replace(method=HISTOGRAM))
    methods = [one.estimate(0.95).method for one in found]
    assert methods == [HISTOGRAM, "cluster-t", "wilson"]
