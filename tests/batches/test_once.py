"""Which judgments share a request, on disk and back, and what a request answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.batches import concat, plan_requests
from judgefast.batches.columns import NONE, PlanColumns
from judgefast.batches.once import asked_once, share
from judgefast.batches.sharing import Sharing, asked_together, question_of
from judgefast.batches.tables import (
    RenderedColumns,
    asks_table,
    plan_of,
    rendered_of,
    requests_table,
)
from judgefast.errors import RunDirectoryError

if TYPE_CHECKING:
    from collections.abc import Callable

    Batch = Callable[[list[dict[str, Any]]], pa.RecordBatch]

ASPECTS = ["clarity", "truth"]
CELL = st.tuples(st.integers(0, 4), st.integers(0, 1), st.booleans(), st.integers(0, 4))


@settings(max_examples=150, deadline=None)
@given(cells=st.lists(CELL, min_size=1, max_size=20), grows=st.booleans())
def test_of_equal_rows_one_asks_and_it_is_an_old_one_where_there_is_one(
    cells: list[tuple[int, int, bool, int]], *, grows: bool
) -> None:
    hashes = np.array([[number] * 16 for number, *_ in cells], np.uint8)
    aspect = np.array([cell[1] for cell in cells], np.uint16)
    may = np.array([cell[2] for cell in cells])
    before = np.array([cell[3] == 0 for cell in cells])
    got = asked_once(hashes, aspect, may_share=may, before=before if grows else None)
    wanted = []
    for row, (number, one, shares, age) in enumerate(cells):
        alike = [other for other, cell in enumerate(cells) if cell[:2] == (number, one) and cell[2]]
        old = [other for other in alike if grows and before[other]]
        keeps = not shares or (grows and age == 0)
        wanted.append(row if keeps else (old or alike)[0])
    if wanted == list(range(len(cells))):
        assert len(got) == 0
    else:
        assert got.tolist() == wanted


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=12), st.data())
def test_requests_and_judgments_find_each_other(owners: list[int], data: st.DataObject) -> None:
    first = {owner: row for row, owner in reversed(list(enumerate(owners)))}
    asked_by = np.array([first[owner] for owner in owners], np.uint32)
    sharing = Sharing(asked_by)
    requests = data.draw(st.lists(st.sampled_from([-1, *asked_by.tolist()]), max_size=6))
    places, judgments = sharing.judgments_of(np.array(requests, np.int64))
    wanted = [
        (place, row)
        for place, request in enumerate(requests)
        for row, by in enumerate(asked_by)
        if by == request
    ]
    assert list(zip(places.tolist(), judgments.tolist(), strict=True)) == wanted
    assert sharing.own(len(owners)).tolist() == [by == row for row, by in enumerate(asked_by)]
    plain = Sharing(NONE)
    places, judgments = plain.judgments_of(np.array(requests, np.int64))
    known = [(place, row) for place, row in enumerate(requests) if row >= 0]
    assert list(zip(places.tolist(), judgments.tolist(), strict=True)) == known


def planned(batch: Batch, mode: str, *, together: bool = False, base: int = 0) -> PlanColumns:
    items = [
        {"item_id": f"q{number}", "question": "x", "answers": ["a", None, "b"][: 2 + number]}
        for number in range(2)
    ]
    how: dict[str, Any] = {"mode": mode, "orders": "both", "repeats": 1, "seed": 0, "base": base}
    hashes: Any = ["ab" * 32] * len(ASPECTS)
    return plan_requests(
        batch(items), judge="j", prompt_hash=hashes, aspects=ASPECTS, together=together, **how
    )


@pytest.mark.parametrize("mode", ["pairwise", "scalar", "choice"])
@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("equal", [1, 3])
def test_a_plan_whose_requests_answer_several_judgments_comes_back_from_its_tables(
    mode: str, *, together: bool, equal: int, batch: Batch
) -> None:
    parts, tables = [], []
    for base in (0, 2):
        plan = planned(batch, mode, together=together, base=base)
        rows = len(plan.item)
        numbers = np.arange(rows) // equal if not together else np.arange(rows)
        hashes = np.repeat(numbers.astype(np.uint8), 16).reshape(rows, 16)
        if together:  # both aspects of one request, and all that show one answer first
            hashes = np.repeat(plan.first.astype(np.uint8), 16).reshape(rows, 16)
        places = np.arange(rows, dtype=np.uint32)[::-1]
        plan = share(plan._replace(sent=places), hashes, may_share=np.ones(rows, np.bool_))
        tokens = plan.asked_by.astype(np.int32) if len(plan.asked_by) else np.arange(rows)
        rendered = RenderedColumns(
            hashes[tokens], tokens.astype(np.int32), None, np.zeros(rows, np.uint8)
        )
        names = pa.array(["q0", "q1"])
        how: dict[str, Any] = {"item_ids": names, "judge": "j", "prompt_hash": "ab" * 32}
        requests = requests_table(plan, rendered, base=base, rows_before=len(parts) * rows, **how)
        asks = asks_table(plan, ASPECTS)
        requests.validate(full=True)
        asks.validate(full=True)
        assert len(asks) == rows
        assert len(requests) == len(np.unique(tokens))
        back = plan_of(requests, asks, ASPECTS)
        told = rendered_of(requests, back)
        assert told.prompt_tokens is not None
        np.testing.assert_array_equal(told.prompt_tokens, tokens)
        assert asks["question"].to_pylist() == question_of(plan).tolist()
        parts.append(plan)
        tables.append(back)
    for plan, back in zip(parts, tables, strict=True):
        for name, column in plan._asdict().items():
            if name != "sent":
                np.testing.assert_array_equal(getattr(back, name), column, err_msg=name)
        own = Sharing(plan.asked_by).own(len(plan.item))
        before = 0 if plan is parts[0] else len(plan.item)
        np.testing.assert_array_equal(back.sent[own], plan.sent[own] + before)
    joined = concat(parts)
    if len(joined.asked_by):
        ids = joined.key[joined.asked_by]
        np.testing.assert_array_equal(joined.request_id, ids)
    is_together = asked_together(parts[0])
    assert (is_together is not None) is together


def test_asks_of_requests_that_are_not_there_are_refused(batch: Batch) -> None:
    plan = planned(batch, "pairwise")
    rows = len(plan.item)
    hashes = np.zeros((rows, 16), np.uint8)
    plan = share(plan, hashes, may_share=np.ones(rows, np.bool_))
    rendered = RenderedColumns(hashes, None, None, np.zeros(rows, np.uint8))
    names = pa.array(["q0", "q1"])
    requests = requests_table(plan, rendered, item_ids=names, judge="j", prompt_hash="ab" * 32)
    asks = asks_table(plan, ASPECTS)
    assert len(requests) == len(ASPECTS)
    for tables in ((requests.slice(1), asks), (requests, asks.slice(1))):
        with pytest.raises(RunDirectoryError, match="do not name the same requests"):
            plan_of(*tables, ASPECTS)
