"""The plan on disk and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from judgefast.batches import concat, plan_requests
from judgefast.batches.tables import (
    RenderedColumns,
    asks_schema,
    asks_table,
    plan_of,
    rendered_of,
    requests_schema,
    requests_table,
    with_all_columns,
)
from judgefast.errors import RunDirectoryError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.batches import PlanColumns

    Batch = Callable[[list[dict[str, Any]]], pa.RecordBatch]

ASPECTS = ["clarity", "truth"]
ITEMS = [
    {"item_id": "q0", "question": "x", "answers": ["a", "b", "c"]},
    {"item_id": "q1", "answers": ["a", None]},
]


def planned(items: pa.RecordBatch, mode: str, base: int = 0) -> PlanColumns:
    how: dict[str, Any] = {"mode": mode, "orders": "both", "repeats": 2, "seed": 0, "base": base}
    return plan_requests(items, judge="j", prompt_hash="ab" * 32, aspects=ASPECTS, **how)


def rendered(rows: int, *, known: bool) -> RenderedColumns:
    numbers = np.arange(rows, dtype=np.int32)
    hashes = np.repeat(numbers.astype(np.uint8), 16).reshape(rows, 16)
    planned = (numbers % 2).astype(np.uint8)
    if not known:
        return RenderedColumns(None, None, None, planned)
    return RenderedColumns(hashes, numbers, numbers // 2, planned)


def tables(
    plan: PlanColumns, items: pa.RecordBatch, base: int, *, known: bool = True
) -> tuple[pa.Table, pa.Table]:
    how: dict[str, Any] = {"item_ids": items.column("item_id"), "judge": "j", "base": base}
    prompts = rendered(len(plan.item), known=known)
    requests = requests_table(plan, prompts, prompt_hash="ab" * 32, **how)
    return requests, asks_table(plan, ASPECTS)


@pytest.mark.parametrize("mode", ["pairwise", "scalar", "binary", "choice"])
@pytest.mark.parametrize("known", [True, False])
def test_a_plan_comes_back_from_its_files(
    *, mode: str, known: bool, batch: Batch, tmp_path: Path
) -> None:
    parts = []
    for number, base in enumerate([0, 7]):
        items = batch(ITEMS)
        part = planned(items, mode, base)
        parts.append(part)
        for name, table in zip(
            ("requests", "asks"), tables(part, items, base, known=known), strict=True
        ):
            pq.write_table(table, tmp_path / f"{name}-{number}.parquet", row_group_size=5)
    requests, asks = (
        pa.concat_tables(pq.read_table(path) for path in sorted(tmp_path.glob(f"{name}-*")))
        for name in ("requests", "asks")
    )
    plan = plan_of(requests, asks, ASPECTS)
    for name, column in concat(parts)._asdict().items():
        got = getattr(plan, name)
        assert got.dtype == column.dtype
        np.testing.assert_array_equal(got, column, err_msg=name)
    half = len(parts[0].item)
    for got, wrote in zip(
        rendered_of(requests.slice(half), plan_of(requests.slice(half), asks.slice(half), ASPECTS)),
        rendered(half, known=known),
        strict=True,
    ):
        np.testing.assert_array_equal(got, wrote)


def test_the_files_hold_the_columns_of_the_schemas(batch: Batch, tmp_path: Path) -> None:
    items = batch(ITEMS)
    requests, asks = tables(planned(items, "choice"), items, 0)
    pq.write_table(requests, tmp_path / "requests.parquet")
    pq.write_table(asks, tmp_path / "asks.parquet")
    assert pq.read_table(tmp_path / "requests.parquet").schema.equals(requests_schema())
    assert pq.read_table(tmp_path / "asks.parquet").schema.equals(asks_schema())
    requests.validate(full=True)
    asks.validate(full=True)


def test_the_order_is_said_of_two_answers_alone(batch: Batch) -> None:
    items = batch(ITEMS)
    requests, _ = tables(planned(items, "choice"), items, 0)
    order = dict(
        zip(map(tuple, requests["shown"].to_pylist()), requests["order"].to_pylist(), strict=True)
    )
    assert order == {(0, 1, 2): None, (2, 1, 0): None, (0, 1): "forward", (1, 0): "swapped"}
    assert requests["planned"].to_pylist()[:2] == ["send", "too_long"]
    assert set(map(tuple, requests["options"].to_pylist())) == {()}


def test_duckdb_reads_the_plan_in_one_line(batch: Batch, tmp_path: Path) -> None:
    items = batch(ITEMS)
    requests, asks = tables(planned(items, "pairwise"), items, 0)
    pq.write_table(requests, tmp_path / "requests.parquet")
    pq.write_table(asks, tmp_path / "asks.parquet")
    query = f"""
        select item_id, aspect, count(*) from '{tmp_path}/requests.parquet'
        join '{tmp_path}/asks.parquet' using (request_id)
        where "order" = 'swapped' group by all order by all
    """  # noqa: S608 - a query over the test's own files
    assert duckdb.sql(query).fetchall() == [
        ("q0", "clarity", 6),
        ("q0", "truth", 6),
        ("q1", "clarity", 2),
        ("q1", "truth", 2),
    ]


def test_an_empty_plan_comes_back(batch: Batch) -> None:
    items = batch([])
    plan = planned(items, "pairwise")
    back = plan_of(*tables(plan, items, 0), ASPECTS)
    assert (len(back.item), back.key.shape, back.shown_offsets.tolist()) == (0, (0, 16), [0])


def test_tables_that_do_not_belong_together_are_refused(batch: Batch) -> None:
    items = batch(ITEMS)
    requests, asks = tables(planned(items, "pairwise"), items, 0)
    with pytest.raises(RunDirectoryError, match="do not name the same requests in order"):
        plan_of(requests, asks.slice(1), ASPECTS)
    with pytest.raises(RunDirectoryError, match="asks about aspect `truth`, but the rubric has: c"):
        plan_of(requests, asks, ASPECTS[:1])


def test_the_order_of_sending_comes_back_and_a_plan_of_before_has_none(batch: Batch) -> None:
    items = batch(ITEMS)
    plan = planned(items, "pairwise")
    places = np.random.default_rng(0).permutation(len(plan.item)).astype(np.uint32)
    how: dict[str, Any] = {"item_ids": items.column("item_id"), "judge": "j", "prompt_hash": "ab"}
    prompts = rendered(len(places), known=True)
    asks = asks_table(plan, ASPECTS)
    requests = requests_table(plan._replace(sent=places), prompts, rows_before=7, **how)
    np.testing.assert_array_equal(plan_of(requests, asks, ASPECTS).sent, places + 7)
    in_order = requests_table(plan, prompts, rows_before=7, **how)
    assert in_order["sent"].null_count == len(places)
    before = in_order.drop_columns(["sent"])
    for table in (in_order, before):
        assert len(plan_of(table, asks, ASPECTS).sent) == 0
    [old] = before.to_batches()
    assert with_all_columns(old, requests_schema()).schema.equals(requests_schema())
    assert with_all_columns(old, requests_schema()).to_pylist() == in_order.to_pylist()
