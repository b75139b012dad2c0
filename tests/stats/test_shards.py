"""A run in shards gives what it gives in one piece, to the last bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.codes import CHOICE_NONE, CHOICE_TIE, FIXED_ONE, Status
from judgefast.stats import Judgments, measure, position_bias, shards
from judgefast.stats.histogram import HistogramBootstrap, histogram_means
from judgefast.stats.joint import SlicedRows, measure_parts, measure_shards
from judgefast.stats.replicates import HISTOGRAM, POISSON, Resampling
from judgefast.stats.shards import Shards

from .tables import make_items, make_outcomes, make_plan, make_verdicts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.stats import Measurement

METHODS = [POISSON, HISTOGRAM]
Row = tuple[int, int, int, int]


def said(found: Sequence[Measurement]) -> list[tuple[object, ...]]:
    """Measurements as what can be compared."""
    drawn = [one.replicates for one in found]
    return [
        (*one[:-1], each and each.means.tobytes(), each and each.method)
        for one, each in zip(found, drawn, strict=True)
    ]


def part_of(rows: Sequence[Row], present: Sequence[int]) -> SlicedRows:
    """Rows of cluster, quarters, weight and slice; of the slices only those that are present."""
    cluster, quarters, weight, code = np.array(rows, np.int64).reshape(-1, 4).T
    place = {number: place for place, number in enumerate(present)}
    return SlicedRows(
        "mean",
        [f"slice={number}" for number in present],
        cluster.astype(np.uint64),
        quarters * (FIXED_ONE // 4),
        weight.astype(np.uint8),
        np.array([place.get(one, -1) for one in code.tolist()], np.int64),
        missing_weight=int(weight.max(initial=1)),
        binary=False,
        numbers=list(present),
    )


many_rows = st.lists(
    st.tuples(st.integers(0, 90), st.integers(0, 4), st.integers(0, 3), st.integers(0, 2)),
    min_size=90,
    max_size=250,
)


@settings(max_examples=40, deadline=None)
@given(many_rows, st.integers(1, 5), st.sampled_from(METHODS))
def test_slices_that_a_shard_lacks_or_first_resamples_come_out_as_in_one_piece(
    rows: list[Row], number: int, method: str
) -> None:
    resampling = Resampling(3, 70, method)
    whole = measure_parts([part_of(rows, sorted({row[3] for row in rows}))], resampling)

    def parts(shard: int) -> list[SlicedRows]:
        own = [row for row in rows if row[0] * 7 // 90 % number == shard]
        return [part_of(own, sorted({row[3] for row in own}))]

    assert said(measure_shards(parts, number, resampling)) == said(whole)


@pytest.mark.parametrize("weights", [(3, 1), (1, 3)])
def test_what_is_missing_weighs_at_most_what_the_heaviest_outcome_of_any_shard_does(
    weights: tuple[int, int],
) -> None:
    rows = [(cluster, 1, weight, 0) for cluster, weight in enumerate(weights)]
    (found,) = measure_shards(lambda shard: [part_of(rows[shard : shard + 1], [0])], 2)
    assert found.missing_weight == 3


def test_a_histogram_of_too_many_bins_in_one_shard_is_drawn_by_hash_in_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("judgefast.stats.histogram.MOST_BINS", 40)
    rows = [(cluster, cluster, 1, 0) for cluster in range(120)]
    resampling = Resampling(3, 70, HISTOGRAM)
    whole = measure_parts([part_of(rows, [0])], resampling)
    assert [one.replicates and one.replicates.method for one in whole] == [POISSON]
    found = measure_shards(lambda shard: [part_of(rows[shard::3], [0])], 3, resampling)
    assert said(found) == said(whole)


@settings(max_examples=40, deadline=None)
@given(many_rows)
def test_bins_of_shards_add_up(rows: list[Row]) -> None:
    part = part_of([(*row[:3], 0) for row in rows] + [(99, 1, 1, 0)], [0])
    columns = (part.cluster_id64, part.value, part.weight, part.codes.astype(np.uint32))
    sharded = HistogramBootstrap(1, resampling=Resampling(2, 40))
    for own in (part.cluster_id64 % 2 == 0, part.cluster_id64 % 2 == 1):
        sharded.add_shard(*(column[own] for column in columns))
    (found,), (whole,) = sharded.replicates(), histogram_means(*columns, 1, Resampling(2, 40))
    assert found is not None
    assert whole is not None
    np.testing.assert_array_equal(found.means, whole.means)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=50), st.integers(0, 10**7))
def test_every_row_is_in_one_shard_and_every_cluster_too(clusters: list[int], rows: int) -> None:
    ids = np.array(clusters * 2, np.uint64)
    cut = Shards(ids, rows)
    item = np.arange(len(ids), dtype=np.uint32)[::-1]
    parts = [cut.rows(shard, item).tolist() for shard in range(min(cut.number, 300))]
    assert sorted(row for part in parts for row in part) == list(range(len(ids)))
    of_cluster = [{clusters[item[row] % len(clusters)] for row in part} for part in parts]
    assert sum(map(len, of_cluster)) == len(set(clusters))


def test_there_are_as_many_parts_as_the_rows_need_and_twice_as_many_from_one_more() -> None:
    ids = np.arange(8000, dtype=np.uint64)
    for rows, number in ((0, 1), (shards.SHARD_ROWS, 1), (shards.SHARD_ROWS + 1, 2)):
        assert Shards(ids, rows).number == number
    many = Shards(ids, 400 * shards.SHARD_ROWS)
    parts = [many.rows(shard, ids.astype(np.uint32)) for shard in range(many.number)]
    assert (len(parts), sum(map(len, parts))) == (512, 8000)
    assert all(map(len, parts))


@pytest.mark.parametrize("orders", [1, 2])
@pytest.mark.parametrize("labels", [False, True])
def test_a_run_cut_into_shards_has_the_estimates_and_the_bias_of_the_whole(
    monkeypatch: pytest.MonkeyPatch, orders: int, *, labels: bool
) -> None:
    rng = np.random.default_rng(5)
    num, repeats = 240, 2
    items = make_items(
        num,
        clusters=rng.integers(0, 2**63, 120)[np.arange(num) // 2],
        models=["x", "y", "z"],
        model=rng.permuted(np.tile([0, 1, 2], (num, 1)), axis=1)[:, :2].tolist(),
        gold=rng.choice([0, 1, CHOICE_TIE, CHOICE_NONE], num).tolist(),
        meta={"lang": (rng.integers(-1, 2, num).astype(np.int32), ["de", "en"])},
    )
    outcomes = make_outcomes(range(num), rng.choice([None, 0.0, 0.5, 1.0], num).tolist())
    plan = make_plan(num, repeats=repeats, orders=orders)
    judgments = len(plan.item)
    verdicts = make_verdicts(
        rng.choice([0, 1, CHOICE_TIE], judgments).tolist(),
        status=rng.choice([0, 0, 0, Status.EMPTY, Status.TIMEOUT], judgments).tolist(),
        p_labels=rng.dirichlet([2, 2, 1], judgments) if labels else None,
    )
    resampling = Resampling(4, 100)

    def both() -> tuple[object, object]:
        judged = Judgments(plan.item, verdicts.status)
        found = measure(
            outcomes,
            items,
            mode="pairwise",
            slices=["lang"],
            judgments=judged,
            resampling=resampling,
        )
        choices = ["first", "second", "tie"] if labels else None
        bias = position_bias(plan, verdicts, items, label_choices=choices, resampling=resampling)
        return said(found), bias

    whole = both()
    monkeypatch.setattr(shards, "SHARD_ROWS", 60)
    assert Shards(items.cluster_id64, judgments).number >= 8
    assert both() == whole
