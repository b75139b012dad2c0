"""Tables that leave the program: whole or not there, exact or inert, readable in one line."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from judgefast.errors import ConfigError
from judgefast.reports import export
from judgefast.reports.export import write_table
from judgefast.reports.judgments import judgments_schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACTING = {*map(chr, (*range(0x20), *range(0x7F, 0xA0)))} - {*"\t\n\r"}
TEXTS = ["=1+1", "plain", 'say "hi"\nand, bye', "", None, "\uff1dx", "déjà vu"]


@pytest.fixture
def table() -> pa.Table:
    rows = [
        {"item_id": f"i{at}", "question": text, "value": None if at % 2 else at / 2, "meta": "{}"}
        for at, text in enumerate(TEXTS)
    ]
    return pa.Table.from_pylist(rows, schema=judgments_schema())


def test_parquet_keeps_every_value_and_the_format(table: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    assert write_table(table, path) == len(TEXTS)
    assert pq.read_table(path).equals(table, check_metadata=True)
    assert pq.read_schema(path).metadata[b"format"] == b"judgefast judgments 1"


def test_duckdb_and_polars_read_each_format_in_one_line(table: pa.Table, tmp_path: Path) -> None:
    for suffix in (".parquet", ".csv", ".jsonl"):
        write_table(table, tmp_path / f"out{suffix}")
    inert = ["'=1+1", *TEXTS[1:5], "'\uff1dx", TEXTS[6]]
    # DuckDB reads a quoted empty cell of CSV as null; polars does not.
    by_duckdb = {".parquet": TEXTS, ".jsonl": TEXTS, ".csv": [text or None for text in inert]}
    for suffix, expected in by_duckdb.items():
        path = f"{tmp_path}/out{suffix}"
        rows = duckdb.sql(f"select question from '{path}'").fetchall()  # noqa: S608 - a path of ours
        assert [text for (text,) in rows] == expected, suffix
    assert pl.read_parquet(tmp_path / "out.parquet")["question"].to_list() == TEXTS
    assert pl.read_ndjson(tmp_path / "out.jsonl")["question"].to_list() == TEXTS
    assert pl.read_csv(tmp_path / "out.csv")["question"].to_list() == inert


def test_json_lines_carry_texts_raw_and_keep_the_columns_in_order(
    table: pa.Table, tmp_path: Path
) -> None:
    write_table(table, tmp_path / "out.jsonl")
    rows = [json.loads(row) for row in (tmp_path / "out.jsonl").read_text("utf-8").splitlines()]
    assert [row["question"] for row in rows] == TEXTS
    assert list(rows[0]) == judgments_schema().names


def test_attacks_of_the_corpus_are_exact_in_parquet_and_inert_in_csv(
    attacks: list[str], tmp_path: Path
) -> None:
    table = pa.table({"text": attacks})
    write_table(table, tmp_path / "out.parquet")
    write_table(table, tmp_path / "out.csv")
    write_table(table, tmp_path / "out.jsonl")
    assert pq.read_table(tmp_path / "out.parquet")["text"].to_pylist() == attacks
    lines = (tmp_path / "out.jsonl").read_text("utf-8").split("\n")
    assert [json.loads(row)["text"] for row in lines if row] == attacks
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for (cell,) in csv.reader(file)][1:]
    for cell, text in zip(cells, attacks, strict=True):
        shown = "".join(f"\\x{ord(one):02x}" if one in ACTING else one for one in text)
        assert cell in {shown, f"'{shown}"}
    for name in ("out.csv", "out.jsonl"):
        assert not ACTING & set((tmp_path / name).read_text("utf-8"))
    assert not [cell for cell in cells if cell.lstrip()[:1] in set("=+-@\uff1d\uff0b\uff0d\uff20")]


def test_cells_that_are_no_text_get_one(tmp_path: Path) -> None:
    table = pa.table(
        {
            "key": pa.array([b"\x00\xff", None], type=pa.binary(2)),
            "share": [float("nan"), 0.25],
            "labels": [["=a"], None],
            "meta": [{"k": b"\x01"}, {"k": None}],
            "status": pa.array(["=x", None]).dictionary_encode(),
            "view": pa.array(["+y", None], type=pa.string_view()),
            "=head": [True, None],
        }
    )
    write_table(table, tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["key", "share", "labels", "meta", "status", "view", "'=head"],
        ["00ff", "", '["=a"]', '{"k":"01"}', "'=x", "'+y", "true"],
        ["", "0.25", "", '{"k":null}', "", "", ""],
    ]
    write_table(table, tmp_path / "out.jsonl")
    first = json.loads((tmp_path / "out.jsonl").read_text("utf-8").splitlines()[0])
    assert first["key"] == "00ff"
    assert first["share"] is None
    assert first["meta"] == {"k": "01"}


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_a_table_without_rows_still_has_its_columns(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"out{suffix}"
    assert write_table([], path, schema=judgments_schema()) == 0
    if suffix == ".parquet":
        assert pq.read_schema(path).names == judgments_schema().names
    if suffix == ".csv":
        assert path.read_text("utf-8").startswith('"item_id","cluster"')


def test_small_batches_become_row_groups_of_a_good_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "GROUP_ROWS", 10)
    schema = pa.schema([("n", pa.int64())])
    batches = (pa.RecordBatch.from_pydict({"n": [at] * 3}, schema=schema) for at in range(9))
    reader = pa.RecordBatchReader.from_batches(schema, batches)
    assert write_table(reader, tmp_path / "out.parquet") == 27
    file = pq.ParquetFile(tmp_path / "out.parquet")
    assert file.num_row_groups == 3
    assert file.read()["n"].to_pylist() == [at for at in range(9) for _ in range(3)]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_a_broken_source_leaves_no_file_and_keeps_the_old_one(suffix: str, tmp_path: Path) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"n": [1]})
        msg = "the journal is damaged"
        raise OSError(msg)

    path = tmp_path / f"out{suffix}"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="damaged"):
        write_table(broken(), path, schema=pa.schema([("n", pa.int64())]), overwrite=True)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_file_is_overwritten_only_when_told(table: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("mine")
    with pytest.raises(ConfigError, match="is there already") as caught:
        write_table(table, path)
    assert "--overwrite" in str(caught.value.hint)
    assert path.read_text() == "mine"
    write_table(table, path, overwrite=True)
    assert path.read_text("utf-8").startswith('"item_id"')


@pytest.mark.parametrize("name", ["out.xlsx", "out", "out.parquet.gz"])
def test_an_unknown_suffix_is_refused_with_the_choices(
    table: pa.Table, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigError, match="its name ends in") as caught:
        write_table(table, tmp_path / name)
    assert caught.value.hint == "end it in one of .parquet, .csv, .jsonl"
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_and_bare_batches_are_refused(table: pa.Table, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no folder"):
        write_table(table, tmp_path / "no" / "out.csv")
    with pytest.raises(ConfigError, match="without a schema"):
        write_table(iter(table.to_batches()), tmp_path / "out.csv")
