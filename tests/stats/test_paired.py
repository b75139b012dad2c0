"""Differences of two runs, joined by item or by cluster."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from judgefast.codes import FIXED_ONE
from judgefast.errors import ColumnError
from judgefast.hashes import cluster_id64
from judgefast.stats import RunOutcomes, paired_difference

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

    from numpy.typing import ArrayLike

Row = tuple[str, str, int | None, int]
"""Item, key, value in sixteenths, weight."""


def run(
    ids: Iterable[str],
    value: Sequence[float | None],
    *,
    clusters: Sequence[str] | None = None,
    weight: ArrayLike = 1,
    key: str | Sequence[str] = "",
) -> RunOutcomes:
    num = len(value)
    lost = np.array([one is None for one in value], dtype=bool)
    fixed = [0 if one is None else round(one * FIXED_ONE) for one in value]
    return RunOutcomes(
        item_id=list(ids),
        cluster_id64=np.array(
            [cluster_id64(str(one)) for one in (clusters or ids)], dtype=np.uint64
        ),
        value=np.array(fixed, dtype=np.int64),
        weight=np.where(lost, 0, np.broadcast_to(weight, num)).astype(np.uint8),
        key=[key] * num if isinstance(key, str) else list(key),
    )


def names(num: int, prefix: str = "i") -> list[str]:
    return [f"{prefix}{one}" for one in range(num)]


def test_the_join_is_counted() -> None:
    a = run(["q1", "q2", "q3", "q4"], [1, 1, 0, None])
    b = run(["q2", "q3", "q4", "q5", "q6"], [0, 0, 1, 1, 1])
    found = paired_difference(a, b)
    assert (found.by, found.both, found.only_a, found.only_b) == ("item", 3, 1, 2)
    assert (found.estimate.value, found.estimate.outcomes, found.estimate.missing) == (0.5, 2, 1)
    assert found.estimate.name == "paired_difference"


def test_without_a_common_item_id_questions_are_joined() -> None:
    clusters = ["q1", "q1", "q2"]
    a = run(names(3, "a"), [1, 0, 1], clusters=clusters)
    b = run(names(3, "b"), [0, 0, 1], clusters=clusters)
    found = paired_difference(a, b)
    assert (found.by, found.both, found.estimate.value) == ("cluster", 2, 0.25)


def test_the_way_to_join_can_be_named() -> None:
    a = run(["x", "y"], [1, 1], clusters=["q", "r"])
    b = run(["x", "z"], [0, 1], clusters=["q", "r"])
    assert paired_difference(a, b).both == 1
    assert paired_difference(a, b, by="cluster").both == 2


def test_keys_keep_aspects_apart() -> None:
    a = run(["q", "q"], [1.0, 0.0], key=["tone", "facts"])
    b = run(["q", "q"], [0.5, 0.5], key=["facts", "tone"])
    found = paired_difference(a, b)
    assert (found.both, found.estimate.value, found.estimate.clusters) == (2, 0.0, 1)


def test_the_interval_is_that_of_a_paired_t_test() -> None:
    rng = np.random.default_rng(4)
    first = np.rint(rng.random(30) * 64) / 64
    second = np.clip(first + np.rint(rng.normal(0.05, 0.1, 30) * 64) / 64, 0, 1)
    found = paired_difference(run(names(30), second), run(names(30), first)).estimate
    oracle = scipy_stats.ttest_rel(second, first).confidence_interval(0.95)
    assert found.method == "cluster-t"
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high), abs=1e-9)


def test_pairing_sees_what_an_unpaired_test_cannot() -> None:
    rng = np.random.default_rng(9)
    hard = np.rint(rng.beta(0.5, 0.5, 500) * 2**20) / 2**20
    better = np.clip(hard + np.rint(rng.normal(0.02, 0.1, 500) * 2**20) / 2**20, 0, 1)
    found = paired_difference(run(names(500), better), run(names(500), hard)).estimate
    alone = scipy_stats.ttest_ind(better, hard).confidence_interval(0.95)
    assert found.low > 0 > alone.low
    assert found.high - found.low < (alone.high - alone.low) / 3


def test_unscored_ends_are_clipped_to_the_span_of_the_scale() -> None:
    found = paired_difference(
        run(names(3), [5, 5, 4.5]), run(names(3), [1, 1, 1]), scale=(1.0, 5.0)
    ).estimate
    assert found.high == 4.0


def test_two_equal_runs_differ_by_nothing_and_claim_no_certainty() -> None:
    a = run(names(20), [1.0, 0.0] * 10)
    found = paired_difference(a, a).estimate
    assert (found.value, found.low, found.method) == (0.0, None, "undefined")


def test_runs_with_nothing_in_common_have_no_difference() -> None:
    found = paired_difference(run(["a"], [1]), run(["b"], [1]))
    assert (found.both, found.only_a, found.only_b) == (0, 1, 1)
    assert found.estimate.value is None
    empty = paired_difference(run([], []), run([], []))
    assert (empty.both, empty.estimate.value) == (0, None)


def test_a_tiny_run_decides_nothing() -> None:
    found = paired_difference(run(names(3), [1, 1, 0.5]), run(names(3), [0.5, 0.75, 0.5]))
    assert found.estimate.low < 0 < found.estimate.high


ROW = st.tuples(
    st.sampled_from("pqrs"),
    st.sampled_from(["tone", "facts"]),
    st.one_of(st.none(), st.integers(0, 16)),
    st.integers(1, 6),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(ROW, max_size=20), st.lists(ROW, max_size=20), st.randoms())
def test_units_are_joined_as_a_dictionary_would(
    rows_a: list[Row], rows_b: list[Row], random: Random
) -> None:
    def columns(rows: list[Row]) -> RunOutcomes:
        ids, keys, sixteenths, weight = zip(*rows, strict=True) if rows else ((),) * 4
        value = [None if one is None else one / 16 for one in sixteenths]
        return run(ids, value, weight=np.array(weight, dtype=int), key=keys)

    def means(rows: list[Row]) -> dict[tuple[str, str], Fraction | None]:
        sums: dict[tuple[str, str], list[Any]] = {}
        for name, key, value, weight in rows:
            total = sums.setdefault((name, key), [0, 0])
            if value is not None:
                total[0] += weight * Fraction(value, 16)
                total[1] += weight
        return {unit: s / w if w else None for unit, (s, w) in sums.items()}

    found = paired_difference(columns(rows_a), columns(rows_b), by="item")
    left, right = means(rows_a), means(rows_b)
    common = [unit for unit in left if unit in right]
    scored = [
        left[unit] - right[unit]
        for unit in common
        if left[unit] is not None and right[unit] is not None
    ]
    assert (found.both, found.only_a, found.only_b) == (
        len(common),
        len(left) - len(common),
        len(right) - len(common),
    )
    assert found.estimate.missing == len(common) - len(scored)
    assert found.estimate.outcomes == len(scored)
    if scored:
        assert found.estimate.value == pytest.approx(float(sum(scored) / len(scored)), abs=1e-7)

    mixed = list(rows_a) * 2
    random.shuffle(mixed)
    assert paired_difference(columns(mixed), columns(rows_b), by="item") == found
    back = paired_difference(columns(rows_b), columns(rows_a), by="item").estimate
    if scored:
        assert back.value == pytest.approx(-found.estimate.value, abs=1e-7)


def test_arrow_columns_are_read_as_well() -> None:
    a = run(names(3), [1, 1, 0])
    arrow = a._replace(item_id=pa.array(a.item_id), key=pa.array(a.key))
    assert paired_difference(arrow, a) == paired_difference(a, a)


def test_columns_of_different_length_are_refused() -> None:
    a = run(names(3), [1, 1, 0])
    with pytest.raises(ColumnError, match="`weight` has 2 rows but `value` has 3"):
        paired_difference(a._replace(weight=a.weight[:2]), a)
