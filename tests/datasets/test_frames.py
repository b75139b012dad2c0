"""Data frames of real libraries, by the Arrow PyCapsule interface."""

from __future__ import annotations

from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from judgefast.datasets import read_items
from judgefast.errors import DataError

COLUMNS: dict[str, list[Any]] = {
    "id": list(range(3_000)),
    "question": [f"Q{number % 10}" for number in range(3_000)],
    "answer": [f"é {number}" for number in range(3_000)],
    "model": ["m", None, "n"] * 1_000,
    "gold": [1.0, None, 2.5] * 1_000,
}


def check(frame: object) -> None:
    rows = [
        dict(zip(COLUMNS, values, strict=True)) for values in zip(*COLUMNS.values(), strict=True)
    ]
    expected, reader = list(read_items(rows)), read_items(frame)
    assert list(reader) == expected
    assert reader.summary.rows == 3_000


def test_pandas() -> None:
    check(pd.DataFrame(COLUMNS))
    # The labels of an index are no field.
    check(pd.DataFrame(COLUMNS, index=[f"label{number}" for number in range(3_000)]))


def test_polars() -> None:
    check(pl.DataFrame(COLUMNS))


def test_pyarrow() -> None:
    check(pa.table(COLUMNS))
    check(pa.table(COLUMNS).to_reader(max_chunksize=700))


def test_duckdb() -> None:
    table = pa.table(COLUMNS)
    connection = duckdb.connect()
    connection.register("answers", table)
    check(connection.sql("select * from answers order by id"))


def test_answers_may_be_nested_columns() -> None:
    answers = [[{"model": "m", "text": "x"}, {"model": "n", "text": "y"}]]
    turns = [[{"role": "user", "content": "Hi"}]]
    (item,) = read_items(pl.DataFrame({"question": turns, "answers": answers}))
    (same,) = read_items([{"question": turns[0], "answers": answers[0]}])
    assert item == same


def test_a_bad_cell_is_named_by_its_row() -> None:
    with pytest.raises(
        DataError, match=r"^`frame`, row 1, field `answer`: expected text or a list"
    ):
        list(read_items(pd.DataFrame({"answer": [1, 2]})))


def test_bytes_that_are_no_text_are_named_by_their_row() -> None:
    good, bad = b"good", b"\xff\xfe"
    offsets = pa.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 4, 6)))
    text = pa.StringArray.from_buffers(2, offsets, pa.py_buffer(good + bad))
    with pytest.raises(DataError) as caught:
        list(read_items(pa.table({"answer": text})))
    assert str(caught.value) == "`frame`, row 2, field `answer`: not UTF-8 at byte 0 of a text"


def test_a_frame_that_arrow_cannot_take_is_an_error_of_the_data() -> None:
    with pytest.raises(
        DataError, match=r"^`frame`: cannot be read: Could not convert 'a'"
    ) as caught:
        list(read_items(pd.DataFrame({"id": [1, "a"], "answer": ["x", "y"]})))
    assert caught.value.hint == "give each column one type that Arrow has"


def test_a_date_that_python_lacks_is_named_by_its_row() -> None:
    table = pa.table({"answer": ["x", "y"], "at": pa.array([0, 10**17], pa.timestamp("s"))})
    with pytest.raises(DataError, match=r"^`frame`, row 2, field `at`: cannot be read: "):
        list(read_items(table))


def test_two_columns_of_one_name_are_refused() -> None:
    table = pa.Table.from_arrays([pa.array(["x"]), pa.array(["y"])], names=["answer", "answer"])
    with pytest.raises(DataError, match=r"^`frame` has more than one column `answer`$"):
        list(read_items(table))
