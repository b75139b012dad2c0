"""Files, folders, globs, stdin: formats by content and suffix."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import feather, ipc, parquet

from judgefast.datasets import ReadOptions, read_items
from judgefast.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = [
    {"id": str(number), "question": f"Q{number}", "answer": f"x\u2028{number}\r", "model": "m"}
    for number in range(5)
]
TEXT = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS).encode()


def ids(data: object, **options: object) -> list[str]:
    return [item.item_id for item in read_items(data, ReadOptions(**options))]


def refusal(data: object) -> DataError:
    with pytest.raises(DataError) as caught:
        list(read_items(data))
    return caught.value


def write_parquet(path: Path) -> None:
    parquet.write_table(pa.Table.from_pylist(ROWS), path)


def write_ipc_file(path: Path) -> None:
    table = pa.Table.from_pylist(ROWS)
    with ipc.new_file(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)


def write_ipc_stream(path: Path) -> None:
    table = pa.Table.from_pylist(ROWS)
    with ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)


def write_csv(path: Path, delimiter: str = ",") -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(ROWS[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(ROWS)


WRITERS: dict[str, Callable[[Path], object]] = {
    "a.jsonl": lambda path: path.write_bytes(TEXT),
    "bom.jsonl": lambda path: path.write_bytes(b"\xef\xbb\xbf" + TEXT),
    "no-last-newline.json": lambda path: path.write_bytes(b"\n \n" + TEXT.rstrip()),
    "crlf.jsonl": lambda path: path.write_bytes(TEXT.replace(b"\n", b"\r\n")),
    "a.jsonl.gz": lambda path: path.write_bytes(
        gzip.compress(TEXT[:90]) + gzip.compress(TEXT[90:])
    ),
    "gzip-without-suffix": lambda path: path.write_bytes(gzip.compress(TEXT)),
    "a.parquet": write_parquet,
    "parquet-without-suffix": write_parquet,
    "a.arrow": write_ipc_file,
    "stream.arrow": write_ipc_stream,
    "a.feather": lambda path: feather.write_feather(pa.Table.from_pylist(ROWS), path),
    "a.ipc": write_ipc_stream,
    "a.csv": write_csv,
    "a.tsv": lambda path: write_csv(path, "\t"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_items(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    plain, reader = read_items(ROWS), read_items(path)
    expected, items = list(plain), list(reader)
    assert items == expected
    assert [item.answers[0].text for item in items] == [row["answer"] for row in ROWS]
    assert reader.summary.identity == plain.summary.identity
    assert reader.summary.files[0].bytes == path.stat().st_size


def test_zstd_is_read_several_frames_too(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.zst"
    with path.open("wb") as file:
        for part in (TEXT[:90], TEXT[90:]):
            file.write(pa.compress(part, "zstd", asbytes=True))
    assert ids(path) == ["0", "1", "2", "3", "4"]
    (tmp_path / "cut.zst").write_bytes(path.read_bytes()[:-9])
    assert "cannot be read: Truncated compressed stream" in str(refusal(tmp_path / "cut.zst"))


def test_damaged_files_are_errors_that_name_the_place(tmp_path: Path) -> None:
    cut = tmp_path / "cut.jsonl.gz"
    rows = b"".join(b'{"answer": "%d"}\n' % number for number in range(90_000))
    cut.write_bytes(gzip.compress(rows)[:-100])
    assert f"`{cut}`, after line " in str(refusal(cut))
    whole = tmp_path / "whole.parquet"
    write_parquet(whole)
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(whole.read_bytes()[:-20])
    assert f"`{broken}`: cannot be read: " in str(refusal(broken))
    text = tmp_path / "text.parquet"
    text.write_bytes(TEXT)
    assert str(refusal(text)) == (f'`{text}` is no Parquet file: it begins with "{{"id": ""')
    archive = tmp_path / "a.zip"
    archive.write_bytes(b"PK\x03\x04rest")
    assert "is a ZIP archive" in str(refusal(archive))


def test_cells_of_csv_keep_line_ends_quotes_and_zeros(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        'id,question,answer,gold\n007,"a\nb","say ""hi"", you",4\n\n8,,"x,\r\ny",good\n',
        encoding="utf-8",
        newline="",
    )
    first, second = read_items(path)
    assert (first.item_id, first.question, first.gold) == ("007", "a\nb", 4.0)
    assert first.answers[0].text == 'say "hi", you'
    assert (second.question, second.answers[0].text, second.gold) == (None, "x,\r\ny", "good")


def test_faults_of_csv_name_the_line_where_the_record_begins(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = [
        b"id,answer",
        b'1,"a\nb"',
        b"2",
        b'3,"c\n\xff"',
        b"4,d\0",
        b'5,"e"f',
        b"6,g",
        b'7,"open',
    ]
    path.write_bytes(b"\n".join(lines))
    reader = read_items(path, ReadOptions(on_bad_row="skip"))
    assert [item.item_id for item in reader] == ["1", "6"]
    words = [example for kept in reader.summary.examples.values() for example in kept]
    places = {example.split(":")[0].split(", ")[1] for example in words}
    assert places == {"line 4", "line 5", "line 7", "line 8", "line 10"}
    assert reader.summary.skipped == {"wrong_columns": 3, "invalid_utf8": 1, "nul_byte": 1}
    assert "1 cells, the header has 2" in words[0]


def test_headers_of_csv_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,answer,id\n1,x,2\n")
    assert "the header names `id` more than once" in str(refusal(path))
    path.write_text("id,answer\n")
    assert "holds no rows" in str(refusal(path))
    path.write_text("id;answer\n1;x\n")
    assert 'line 1: the header is a single cell, "id;answer"' in str(refusal(path))
    path.write_bytes(b"id,answer\r1,x\r")
    assert refusal(path).hint == "end each line with LF or CRLF"
    path.write_text('id,answer\n1,"' + "never closed\n" * 100)
    with pytest.raises(DataError, match="line 2: a record of more than 500 bytes; a quote may"):
        ids(path, max_row_bytes=500)


def test_long_cells_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,answer\n1," + "x" * 300_000 + "\n")
    assert len(next(iter(read_items(path))).answers[0].text or "") == 300_000


@pytest.mark.parametrize("content", [b"", b"\n \n\r\n"])
def test_an_empty_file_is_an_error(content: bytes, tmp_path: Path) -> None:
    full, empty = tmp_path / "full.jsonl", tmp_path / "empty.jsonl"
    full.write_bytes(TEXT)
    empty.write_bytes(content)
    assert str(refusal([full, empty])) == f"`{empty}` holds no rows"
    assert str(refusal([])) == "`rows` holds no rows"


def test_a_missing_file_gets_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "answers.jsonl").write_bytes(TEXT)
    error = refusal(tmp_path / "anwsers.jsonl")
    assert str(error) == f"there is no file `{tmp_path}/anwsers.jsonl`"
    assert error.hint == f"did you mean `{tmp_path}/answers.jsonl`?"
    assert "no file matches" in str(refusal(f"{tmp_path}/*.csv"))


def test_globs_and_several_files_are_read_in_order(tmp_path: Path) -> None:
    for name in ("c", "a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"id": name, "answer": "x"}))
    (tmp_path / "[odd].jsonl").write_text(json.dumps({"id": "odd", "answer": "x"}))
    assert ids(f"{tmp_path}/?.jsonl") == ["a", "b", "c"]
    assert ids([f"{tmp_path}/c.jsonl", tmp_path / "a.jsonl"]) == ["c", "a"]
    assert ids(f"{tmp_path}/[odd].jsonl") == ["odd"]
    assert "is named twice" in str(refusal([tmp_path / "a.jsonl", f"{tmp_path}/?.jsonl"]))


def test_a_folder_of_parquet_gives_its_partitions_to_meta(tmp_path: Path) -> None:
    table = pa.table({"answer": ["x", "y"], "n": [1, 2]})
    parquet.write_to_dataset(
        table.append_column("lang", pa.array(["de", None])).append_column(
            "a b", pa.array(["/", "/"])
        ),
        tmp_path / "d",
        partition_cols=["lang", "a b"],
    )
    (tmp_path / "d/_SUCCESS").touch()
    parquet.write_table(table, tmp_path / "d/_hidden.parquet")
    parquet.write_table(table.slice(0, 0), tmp_path / "d/empty.parquet")
    reader = read_items(tmp_path / "d")
    items = sorted(reader, key=lambda item: str(item.answers[0].text))
    assert [item.meta for item in items] == [
        {"n": 1, "lang": "de", "a b": "/"},
        {"n": 2, "a b": "/"},
    ]
    assert len(reader.summary.files) == 3


def test_a_folder_without_parquet_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(TEXT)
    error = refusal(tmp_path)
    assert str(error) == f"the folder `{tmp_path}` holds no Parquet file; there is `a.jsonl`"
    assert error.hint is not None
    assert "*.jsonl" in error.hint


def test_a_file_that_grows_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(TEXT + b"".join(b'{"answer": "%d"}\n' % n for n in range(3_000)))
    size = path.stat().st_size
    reader = read_items(path)
    items = iter(reader)
    next(items)
    with path.open("ab") as file:
        file.write(b'{"answer": "late"}\n')
    with pytest.raises(DataError) as caught:
        list(items)
    assert str(caught.value) == (
        f"`{path}` changed while it was read: {size:,} bytes before, {size + 19:,} after"
    )


def test_a_file_that_is_rewritten_in_the_same_size_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(b'{"answer": "%d"}\n' % n for n in range(3_000)))
    items = iter(read_items(path))
    next(items)
    path.write_bytes(path.read_bytes())
    os.utime(path, ns=(1, 1))
    with pytest.raises(DataError, match="changed while it was read"):
        list(items)


def test_a_file_that_vanishes_before_it_is_read_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(TEXT)
    reader = read_items(path)
    path.unlink()
    with pytest.raises(DataError, match="is gone"):
        list(reader)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_read_and_parquet_through_it_refused(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    write_parquet(tmp_path / "a.parquet")
    for data in (TEXT, gzip.compress(TEXT)):
        writer = threading.Thread(target=path.write_bytes, args=[data])
        writer.start()
        assert ids(path) == ["0", "1", "2", "3", "4"]
        writer.join()
    writer = threading.Thread(target=path.write_bytes, args=[(tmp_path / "a.parquet").read_bytes()])
    writer.start()
    assert str(refusal(path)) == f"`{path}`: this format cannot be read from a pipe"
    writer.join()


READ_STDIN = """
from judgefast.datasets import read_items
from judgefast.errors import DataError
try:
    print(*[item.item_id for item in read_items("-")])
except DataError as error:
    print(error)
"""


def from_stdin(data: bytes) -> str:
    done = subprocess.run(
        [sys.executable, "-c", READ_STDIN], input=data, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


@pytest.mark.slow
def test_stdin_is_read_by_content(tmp_path: Path) -> None:
    write_ipc_stream(tmp_path / "stream")
    write_parquet(tmp_path / "parquet")
    assert from_stdin(TEXT) == "0 1 2 3 4"
    assert from_stdin(gzip.compress(TEXT)) == "0 1 2 3 4"
    assert from_stdin(pa.compress(TEXT, "zstd", asbytes=True)) == "0 1 2 3 4"
    assert from_stdin((tmp_path / "stream").read_bytes()) == "0 1 2 3 4"
    assert "cannot be read from a pipe" in from_stdin((tmp_path / "parquet").read_bytes())
    assert from_stdin(b"") == "`stdin` holds no rows"
    packed = bytearray(gzip.compress(TEXT))
    packed[10] = 255  # no kind of block
    assert from_stdin(bytes(packed)).startswith("stdin, after line 0: cannot be read: Error -3")
    assert from_stdin(TEXT + b"{").startswith("`stdin`, line 6: not valid JSON")


def test_a_closed_stdin_is_an_error_of_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert "stdin is closed" in str(refusal("-"))
