"""Sums of products are exact, whatever the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.stats import products as module
from judgefast.stats.products import form, products

rows = st.lists(
    st.tuples(st.integers(-(1 << 55), 1 << 55), st.integers(-70_000, 70_000), st.integers(0, 1)),
    max_size=9,
)


@settings(max_examples=30)
@given(rows)
def test_they_are_those_of_whole_numbers(table: list[tuple[int, int, int]]) -> None:
    columns = np.array(table, dtype=np.int64).reshape(-1, 3)
    expected = tuple(
        tuple(sum(row[i] * row[j] for row in table) for j in range(3)) for i in range(3)
    )
    found = products(columns)
    assert found == expected
    left, right = (3, -1, 2), (1, 5, 0)
    mixed = sum(
        sum(a * one for a, one in zip(left, row, strict=True))
        * sum(b * one for b, one in zip(right, row, strict=True))
        for row in table
    )
    assert form(found, left, right) == mixed


def test_many_rows_are_taken_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = np.random.default_rng(1).integers(-(1 << 40), 1 << 40, (50, 2))
    whole = products(columns)
    monkeypatch.setattr(module, "_ROWS", 7)
    assert products(columns) == whole
