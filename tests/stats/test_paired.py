"""Differences of two runs, joined by item or by cluster."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from judgefast.codes import FIXED_ONE
from judgefast.errors import ColumnError
from judgefast.hashes import cluster_id64
from judgefast.stats import PairedMean, RunOutcomes, paired_means

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

    from numpy.typing import ArrayLike

Row = tuple[str, int, int | None, int]
"""Item, slice, value in sixteenths, weight."""


def run(
    ids: Iterable[str],
    value: Sequence[float | None],
    *,
    clusters: Sequence[str] | None = None,
    weight: ArrayLike = 1,
    slices: int | Sequence[int] = 0,
) -> RunOutcomes:
    num = len(value)
    lost = np.array([one is None for one in value], dtype=bool)
    fixed = [0 if one is None else round(one * FIXED_ONE) for one in value]
    return RunOutcomes(
        item=np.array([cluster_id64(one) >> 1 for one in ids], dtype=np.int64) % 2**40,
        cluster_id64=np.array(
            [cluster_id64(str(one)) for one in (clusters or ids)], dtype=np.uint64
        ),
        value=np.array(fixed, dtype=np.int64),
        weight=np.where(lost, 0, np.broadcast_to(weight, num)).astype(np.uint8),
        slice=np.broadcast_to(np.array(slices, dtype=np.int64), num),
    )


def paired(a: RunOutcomes, b: RunOutcomes, **more: Any) -> PairedMean:
    """The only slice of two runs."""
    [found] = paired_means(a, b, ["all"], name="mean", **more)
    return found


def test_each_slice_has_its_own_scale() -> None:
    """Nothing differs, so ends are a share of the width of the scale."""
    ids, slices = names(40) * 2, [0] * 40 + [1] * 40
    one = run(ids, [1.0] * 80, slices=slices)
    found = paired_means(
        one, one, ["aspect=x", "aspect=y"], name="mean", scales=[(1, 5), (0, 10)], note="words"
    )
    narrow, wide = (each.estimate(0.95) for each in found)
    assert narrow.high is not None
    assert wide.high == pytest.approx(narrow.high * 10 / 4)
    assert narrow.note.endswith("; words")


def names(num: int, prefix: str = "i") -> list[str]:
    return [f"{prefix}{one}" for one in range(num)]


def test_the_join_is_counted() -> None:
    a = run(["q1", "q2", "q3", "q4"], [1, 1, 0, None])
    b = run(["q2", "q3", "q4", "q5", "q6"], [0, 0, 1, 1, 1])
    found = paired(a, b)
    assert (found.by, found.both, found.only_a, found.only_b) == ("item", 3, 1, 2)
    estimate = found.estimate(0.95)
    assert (estimate.value, estimate.outcomes, estimate.missing) == (0.5, 2, 1)
    assert (found.value_a, found.value_b) == (0.5, 0.0)
    assert (estimate.name, estimate.slice) == ("mean", "all")


def test_without_a_common_item_id_questions_are_joined() -> None:
    clusters = ["q1", "q1", "q2"]
    a = run(names(3, "a"), [1, 0, 1], clusters=clusters)
    b = run(names(3, "b"), [0, 0, 1], clusters=clusters)
    found = paired(a, b)
    assert (found.by, found.both, found.value) == ("cluster", 2, 0.25)


def test_the_way_to_join_can_be_named() -> None:
    a = run(["x", "y"], [1, 1], clusters=["q", "r"])
    b = run(["x", "z"], [0, 1], clusters=["q", "r"])
    assert paired(a, b, by="item").both == 1
    assert paired(a, b, by="cluster").both == 2


def test_items_that_leave_out_a_question_of_both_runs_are_not_joined_on() -> None:
    """Ids made of content: of two versions of a model the rows that did not change, alone, meet."""
    a = run(["x", "y", "u"], [1, 1, 0], clusters=["q", "r", "s"])
    b = run(["x", "z", "v"], [1, 0, 0], clusters=["q", "r", "s"])
    found = paired(a, b)
    assert (found.by, found.both, found.value) == ("cluster", 3, pytest.approx(1 / 3))
    assert paired(a, b).measurement == paired(a, b, by="cluster").measurement


def test_items_are_joined_on_where_they_reach_every_question_of_both() -> None:
    """Each question has an answer by a model that both runs judged; one run has another, too."""
    a = run(["x", "y", "extra", "more"], [1, 0, 0, 1], clusters=["q", "r", "q", "only a"])
    b = run(["x", "y"], [1, 1], clusters=["q", "r"])
    found = paired(a, b)
    assert (found.by, found.both, found.only_a, found.value) == ("item", 2, 2, -0.5)


def test_what_is_missing_is_said_of_the_run_that_it_is_said_of() -> None:
    """One of five questions lost in b: a minus b, and b minus a, have bounds of their own."""
    a, b = run(names(5), [1, 1, 0, 1, 1]), run(names(5), [0, 0, 0, 0.5, None])
    found, drop = paired(a, b).estimate(0.95), paired(a, b).dropped(0.95)
    assert found.note == "1 missing: between 0.3 and 0.7 whatever they were"
    assert drop.note == "1 missing: between -0.7 and -0.3 whatever they were"
    assert (drop.value, drop.low, drop.high) == (-found.value, -found.high, -found.low)


def test_slices_are_joined_apart() -> None:
    a = run(["q", "q"], [1.0, 0.0], slices=[0, 1])
    b = run(["q", "q"], [0.75, 0.5], slices=[1, 0])
    tone, facts = paired_means(a, b, ["aspect=tone", "aspect=facts"], name="mean")
    assert (tone.slice, tone.both, tone.value, tone.value_b) == ("aspect=tone", 1, 0.5, 0.5)
    assert (facts.slice, facts.both, facts.value) == ("aspect=facts", 1, -0.75)


def test_the_interval_is_that_of_a_paired_t_test() -> None:
    rng = np.random.default_rng(4)
    first = np.rint(rng.random(30) * 64) / 64
    second = np.clip(first + np.rint(rng.normal(0.05, 0.1, 30) * 64) / 64, 0, 1)
    found = paired(run(names(30), second), run(names(30), first)).estimate(0.95)
    oracle = scipy_stats.ttest_rel(second, first).confidence_interval(0.95)
    assert found.method == "cluster-t"
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


def test_pairing_sees_what_an_unpaired_test_cannot() -> None:
    rng = np.random.default_rng(9)
    hard = np.rint(rng.beta(0.5, 0.5, 500) * 2**20) / 2**20
    better = np.clip(hard + np.rint(rng.normal(0.02, 0.1, 500) * 2**20) / 2**20, 0, 1)
    found = paired(run(names(500), better), run(names(500), hard)).estimate(0.95)
    alone = scipy_stats.ttest_ind(better, hard).confidence_interval(0.95)
    assert found.low > 0 > alone.low
    assert found.high - found.low < (alone.high - alone.low) / 3


def test_unscored_ends_are_clipped_to_the_span_of_the_scale() -> None:
    found = paired(run(names(3), [5, 5, 4.5]), run(names(3), [1, 1, 1]), scale=(1.0, 5.0))
    found = found.estimate(0.95)
    assert found.high == 4.0


def test_two_equal_runs_differ_by_nothing_and_claim_no_certainty() -> None:
    """Of 20 questions none changed: 0 of 20, as Clopper and Pearson bound it."""
    a = run(names(20), [1.0, 0.0] * 10)
    found = paired(a, a).estimate(0.95)
    most = scipy_stats.binomtest(0, 20).proportion_ci(0.95, "exact").high
    assert (found.value, found.method) == (0.0, "clopper-pearson")
    assert (found.low, found.high) == pytest.approx((-most, most))
    on_five = paired(a, a, scale=(1.0, 5.0)).estimate(0.95)
    assert on_five.high == pytest.approx(4 * most)


def test_a_shift_that_is_the_same_everywhere_may_be_another_where_nobody_looked() -> None:
    found = paired(run(names(20), [0.75] * 20), run(names(20), [0.5] * 20)).estimate(0.95)
    most = scipy_stats.binomtest(0, 20).proportion_ci(0.95, "exact").high
    assert (found.value, found.method) == (0.25, "clopper-pearson")
    assert (found.low, found.high) == pytest.approx(
        ((1 - most) * 0.25 - most, (1 - most) * 0.25 + most)
    )


def test_one_question_says_nothing_of_others() -> None:
    for shift in (0.5, 0.0):
        found = paired(run(["x"], [0.5 + shift]), run(["x"], [0.5])).estimate(0.95)
        assert (found.value, found.low, found.method) == (shift, None, "undefined")


def test_runs_with_nothing_in_common_have_no_difference() -> None:
    found = paired(run(["a"], [1]), run(["b"], [1]))
    assert (found.both, found.only_a, found.only_b) == (0, 1, 1)
    assert (found.value, found.value_a, found.detectable(0.95)) == (None, None, None)
    empty = paired(run([], []), run([], []))
    assert (empty.both, empty.value) == (0, None)


def test_a_tiny_run_decides_nothing() -> None:
    found = paired(run(names(3), [1, 1, 0.5]), run(names(3), [0.5, 0.75, 0.5])).estimate(0.95)
    assert found.low < 0 < found.high


ROW = st.tuples(
    st.sampled_from("pqrs"),
    st.integers(0, 1),
    st.one_of(st.none(), st.integers(0, 16)),
    st.integers(1, 6),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(ROW, max_size=20), st.lists(ROW, max_size=20), st.randoms())
def test_units_are_joined_as_a_dictionary_would(
    rows_a: list[Row], rows_b: list[Row], random: Random
) -> None:
    def columns(rows: list[Row]) -> RunOutcomes:
        ids, slices, sixteenths, weight = zip(*rows, strict=True) if rows else ((),) * 4
        value = [None if one is None else one / 16 for one in sixteenths]
        return run(ids, value, weight=np.array(weight, dtype=int), slices=slices)

    def means(rows: list[Row], part: int) -> dict[str, Fraction | None]:
        sums: dict[str, list[Any]] = {}
        for name, _, value, weight in (row for row in rows if row[1] == part):
            total = sums.setdefault(name, [0, 0])
            if value is not None:
                total[0] += weight * Fraction(value, 16)
                total[1] += weight
        return {unit: s / w if w else None for unit, (s, w) in sums.items()}

    def join(one: list[Row], other: list[Row]) -> list[PairedMean]:
        return paired_means(columns(one), columns(other), ["x", "y"], name="mean", by="item")

    all_found, all_back = join(rows_a, rows_b), join(rows_b, rows_a)
    for part, (found, back) in enumerate(zip(all_found, all_back, strict=True)):
        left, right = means(rows_a, part), means(rows_b, part)
        common = [unit for unit in left if unit in right]
        scored = [
            (left[unit], right[unit])
            for unit in common
            if left[unit] is not None and right[unit] is not None
        ]
        assert (found.both, found.only_a, found.only_b) == (
            len(common),
            len(left) - len(common),
            len(right) - len(common),
        )
        estimate = found.estimate(0.95)
        assert (estimate.missing, estimate.outcomes) == (len(common) - len(scored), len(scored))
        if scored:
            mean_a, mean_b = (float(sum(side) / len(scored)) for side in zip(*scored, strict=True))
            assert found.value_a == pytest.approx(mean_a, abs=1e-7)
            assert found.value_b == pytest.approx(mean_b, abs=1e-7)
            assert found.value == pytest.approx(mean_a - mean_b, abs=1e-7)
            assert back.value == pytest.approx(-found.value, abs=1e-7)

    mixed = list(rows_a) * 2
    random.shuffle(mixed)
    assert join(mixed, rows_b) == all_found


def test_columns_of_different_length_are_refused() -> None:
    a = run(names(3), [1, 1, 0])
    with pytest.raises(ColumnError, match="`weight` has 2 rows but `value` has 3"):
        paired(a._replace(weight=a.weight[:2]), a)
