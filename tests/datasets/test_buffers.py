"""Columns made by hand, against those that Arrow makes of the same values."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.datasets import buffers

if TYPE_CHECKING:
    from pathlib import Path

MAKERS: Any = [
    (buffers.texts, pa.string(), st.none() | st.text(max_size=5)),
    (buffers.binaries, pa.binary(), st.binary(max_size=5)),
    (buffers.booleans, pa.bool_(), st.booleans()),
    (buffers.floats, pa.float64(), st.none() | st.floats(allow_nan=False)),
]


@pytest.mark.parametrize(("make", "kind", "values"), MAKERS)
def test_a_column_is_that_of_arrow(make: Any, kind: pa.DataType, values: Any) -> None:
    @settings(max_examples=25, deadline=None)
    @given(st.lists(values, max_size=20))
    def holds(column: list[Any]) -> None:
        made = make(column)
        made.validate(full=True)
        assert made.equals(pa.array(column, kind))

    holds()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1), max_size=20), st.integers(0, 5))
def test_numbers_come_back_from_a_slice_and_from_pieces(column: list[int], cut: int) -> None:
    values = np.array(column, dtype=np.uint64)
    made = buffers.numbers(values)
    assert made.equals(pa.array(column, pa.uint64()))
    assert buffers.values_of(made.slice(cut)).tolist() == column[cut:]
    pieces = pa.chunked_array([made.slice(0, cut), made.slice(cut)])
    assert buffers.values_of(pieces).tolist() == column


READ = """
import sys
from pathlib import Path
from judgefast.datasets import read_items, run_order, spool
from judgefast.datasets.rows import items_of, iter_rows
spool.BUCKET_BYTES, spool.DEAL_BYTES = 4_000, 8_000
rows = [{"id": n, "question": "q" * 40, "answer_a": "a", "answer_b": "b"} for n in range(400)]
folder = Path(sys.argv[1])
run_order.snapshot(read_items(rows), folder, seed=1, limit=300)
assert sum(len(items_of(batch)) for batch in iter_rows(folder)) == 300
assert "pandas" not in sys.modules
"""


def test_reading_and_sorting_imports_no_pandas(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", READ, str(tmp_path)], check=True)
