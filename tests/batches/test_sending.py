"""Requests are sent in the order of the plan, a slice of items after the other."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.batches.columns import PlanColumns, no_plan, own_rows
from judgefast.batches.sending import in_order, slices


@st.composite
def plans(draw: st.DrawFn) -> PlanColumns:
    """Items of some rows each; rows are sent in any order inside blocks of items."""
    blocks = draw(st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=5), max_size=6))
    item, sent = [], []
    items = 0
    for rows_of_items in blocks:
        rows = len(item)
        for count in rows_of_items:
            item += [items] * count
            items += 1
        sent += draw(st.permutations(range(rows, len(item))))
    return no_plan()._replace(item=np.array(item, np.uint32), sent=np.array(sent, np.uint32))


@settings(max_examples=60, deadline=None)
@given(plans(), st.integers(1, 6), st.data())
def test_slices_hold_every_row_and_keep_the_order_of_sending(
    plan: PlanColumns, most: int, data: st.DataObject
) -> None:
    rows = own_rows(0, len(plan.item))
    rows = rows[data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))]
    sent, last = [], 0
    for first, end in slices(plan, rows, most):
        assert last <= first < end
        held = rows[(plan.item[rows] >= first) & (plan.item[rows] < end)]
        assert len(held)
        sent += in_order(plan, held).tolist()
        last = end
    assert sent == sorted(rows.tolist(), key=lambda row: plan.sent[row])
    plain = plan._replace(sent=plan.sent[:0])
    widths = [end - first for first, end in slices(plain, rows, most)]
    assert max(widths, default=0) <= most
    assert sum(widths) >= len(np.unique(plan.item[rows]))


def test_a_slice_is_no_longer_than_it_must_be() -> None:
    item = np.arange(8, dtype=np.uint32)
    plan = no_plan()._replace(item=item, sent=np.array([1, 0, 2, 3, 7, 6, 5, 4], np.uint32))
    assert list(slices(plan, item, 1)) == [(0, 2), (2, 3), (3, 4), (4, 8)]
    assert list(slices(plan, item, 3)) == [(0, 3), (3, 4), (4, 8)]
    assert list(slices(plan, item[::3], 1)) == [(0, 1), (3, 4), (6, 7)]
