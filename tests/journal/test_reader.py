"""Damaged files: what is whole is used, what is not is said, and nothing else is changed."""

from __future__ import annotations

import hashlib
import json
import os
import time
from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from judgefast._native import frame_lines
from judgefast.engines.base import LabelRead
from judgefast.errors import RunDirectoryError
from judgefast.journal.columns import completions_schema
from judgefast.journal.run_directory import RunDirectory
from judgefast.journal.segments import SEGMENT_ROWS, Segment, list_segments

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.engines.base import Completion

    Make = Callable[..., Completion]


def write(run: Path, completions: list[Completion], *, to_parquet: bool) -> Path:
    """Journal completions as one launch; the path of its segment."""
    with RunDirectory.open(run, write=True) as writer:
        writer.journal.append(completions)
        writer.close(to_parquet=to_parquet)
        segment = Segment(str(writer.launch), 0)
    folder = run / "journal"
    return segment.closed(folder) if to_parquet else segment.opened(folder)


def numbers_of(directory: RunDirectory) -> list[int]:
    return [
        int.from_bytes(request_id, "little")
        for batch in directory.completions(["request_id"])
        for request_id in batch.column(0).to_pylist()
    ]


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_a_torn_tail_is_cut_with_a_word(run: Path, completion: Make, cut: int) -> None:
    opened = write(run, [completion(number) for number in range(9)], to_parquet=False)
    last = len(opened.read_bytes().splitlines(keepends=True)[-1])
    os.truncate(opened, opened.stat().st_size - cut)
    torn = f"`journal/{opened.name}`: {last - cut:,} bytes after line 9 are no whole line"

    before = opened.read_bytes()
    with RunDirectory.open(run, write=False) as reader:
        assert numbers_of(reader) == list(range(8))
        assert numbers_of(reader) == list(range(8))
        assert reader.notes == [f"{torn}: left out"]
    assert opened.read_bytes() == before, "a reader changes nothing"
    with RunDirectory.open(run, write=True) as writer:
        assert numbers_of(writer) == list(range(8))
        assert writer.notes == [f"{torn}: cut off"]
    assert not opened.exists()


def test_a_flipped_bit_among_the_lines_sets_the_segment_aside(run: Path, completion: Make) -> None:
    opened = write(run, [completion(number) for number in range(9)], to_parquet=False)
    flip(opened, opened.stat().st_size // 2)
    reason = "line 6 has another CRC-32C than was written"

    with RunDirectory.open(run, write=False) as reader:
        assert numbers_of(reader) == []
        assert reader.notes == [f"`journal/{opened.name}` is damaged and left out: {reason}"]
    assert opened.exists()
    with RunDirectory.open(run, write=True) as writer:
        assert numbers_of(writer) == []
        assert writer.notes == [f"`journal/{opened.name}` is damaged and set aside: {reason}"]
    aside = opened.with_name(opened.name + ".damaged")
    assert not opened.exists()
    held = "was set aside as damaged: what it held is not counted, and is asked again"
    for _ in range(2):  # for as long as it lies there, not once
        with RunDirectory.open(run, write=False) as reader:
            assert reader.notes == [f"`journal/{aside.name}` {held}"]
    aside.unlink()
    with RunDirectory.open(run, write=False) as reader:
        assert not reader.notes


@pytest.mark.parametrize("place", [0, 0.5, -1])
def test_a_flipped_bit_in_parquet_sets_it_aside(run: Path, completion: Make, place: float) -> None:
    closed = write(run, [completion(number) for number in range(9)], to_parquet=True)
    other = write(run, [completion(20)], to_parquet=True)
    flip(closed, int(place * closed.stat().st_size))

    with RunDirectory.open(run, write=False) as reader:
        assert numbers_of(reader) == [20]
        assert len(reader.notes) == 1
        assert f"`journal/{closed.name}` is damaged and left out: its sha256" in reader.notes[0]
    with RunDirectory.open(run, write=True) as writer:
        assert numbers_of(writer) == [20]
        assert "set aside" in writer.notes[0]
    assert closed.with_name(closed.name + ".damaged").exists()
    assert [path.name for path in (run / "journal").glob("*.parquet")] == [other.name]


def test_a_truncated_parquet_is_set_aside(run: Path, completion: Make) -> None:
    closed = write(run, [completion(number) for number in range(9)], to_parquet=True)
    os.truncate(closed, closed.stat().st_size // 2)
    with RunDirectory.open(run, write=True) as writer:
        assert numbers_of(writer) == []
        assert "set aside" in writer.notes[0]


@pytest.mark.parametrize("content", [None, b"{not JSON", b"{}"])
def test_parquet_that_nothing_vouches_for_is_not_used(
    run: Path, completion: Make, content: bytes | None
) -> None:
    closed = write(run, [completion(1)], to_parquet=True)
    sidecar = closed.with_name(closed.name + ".json")
    if content is None:
        sidecar.unlink()
    else:
        sidecar.write_bytes(content)
    with RunDirectory.open(run, write=True) as writer:
        assert numbers_of(writer) == []
        assert f"{sidecar.name}" in writer.notes[0]


def test_lines_beside_a_damaged_parquet_take_its_place(run: Path, completion: Make) -> None:
    opened = write(run, [completion(number) for number in range(9)], to_parquet=False)
    lines = opened.read_bytes()
    with RunDirectory.open(run, write=True):
        pass
    closed = opened.with_suffix(".parquet")
    flip(closed, 100)
    opened.write_bytes(lines)
    with RunDirectory.open(run, write=False) as reader:
        assert numbers_of(reader) == list(range(9))
    with RunDirectory.open(run, write=True) as writer:
        assert numbers_of(writer) == list(range(9))
    assert closed.exists()


def test_open_and_closed_segments_read_the_same(run: Path, completion: Make) -> None:
    completions = [
        completion(1, answers=(LabelRead(0, (-0.1, float("-inf"))),)),
        completion(2, text="ü\n\u2028\0🦀", finish_reason="length", prompt_tokens=7),
        completion(3, finish_reason="error", error_kind="timeout", error="no answer in 60 s"),
        completion(4, reasoning='\n<b>ü</b> "so"', reasoning_tokens=7),
    ]
    write(run, completions, to_parquet=False)
    with RunDirectory.open(run, write=False) as reader:
        as_lines = [row for batch in reader.completions() for row in batch.to_pylist()]
    with RunDirectory.open(run, write=True) as writer:
        as_parquet = [row for batch in writer.completions() for row in batch.to_pylist()]
    assert as_lines == as_parquet
    assert as_lines[0]["answers"][0]["logprobs"][1] == float("-inf")
    assert as_lines[0]["answers"][0]["logprobs"][0] == pytest.approx(-0.1, abs=1e-7)
    assert as_lines[1]["text"] == "ü\n\u2028\0🦀"
    assert as_lines[2]["error_kind"] == "timeout"
    assert as_lines[1]["error_kind"] is None
    assert [row["row"] for row in as_lines] == [0, 1, 2, 3]
    assert [row["reasoning"] for row in as_lines] == ["", "", "", '\n<b>ü</b> "so"']


def test_open_and_closed_segments_make_one_table(run: Path, completion: Make) -> None:
    write(run, [completion(1), completion(2, finish_reason="length")], to_parquet=True)
    write(run, [completion(3, answers=(LabelRead(1, (-0.5,)),))], to_parquet=False)
    with RunDirectory.open(run, write=False) as reader:
        table = pa.Table.from_batches(reader.completions())
        some = pa.Table.from_batches(reader.completions(["row", "text"]))
    assert table.schema.equals(completions_schema())
    assert sorted(table["text"].to_pylist()) == ["answer 1", "answer 2", "answer 3"]
    assert some.schema.names == ["row", "text"]


def test_a_segment_of_before_there_was_reasoning_reads_as_one_without(
    run: Path, completion: Make
) -> None:
    closed = write(run, [completion(1), completion(2)], to_parquet=True)
    table = pq.read_table(closed)
    assert table.schema.names[-1] == "reasoning"
    pq.write_table(table.drop_columns(["reasoning"]), closed, write_page_checksum=True)
    told = {"format": 1, "rows": 2, "sha256": hashlib.sha256(closed.read_bytes()).hexdigest()}
    closed.with_name(closed.name + ".json").write_text(json.dumps(told))
    write(run, [completion(3, reasoning="since")], to_parquet=True)
    with RunDirectory.open(run, write=False) as reader:
        table = pa.Table.from_batches(reader.completions())
        some = pa.Table.from_batches(reader.completions(["row", "reasoning"]))
        few = pa.Table.from_batches(reader.completions(["row", "text"]))
        assert not reader.notes
    assert table.schema.equals(completions_schema())
    assert sorted(table["reasoning"].to_pylist()) == ["", "", "since"]
    assert some["reasoning"].to_pylist() == table["reasoning"].to_pylist()
    assert few.schema.names == ["row", "text"]
    both = duckdb.read_parquet(f"{run}/journal/*.parquet", union_by_name=True)
    assert both.aggregate("count(*), count(nullif(reasoning, ''))").fetchall() == [(3, 1)]
    files = sorted((run / "journal").glob("*.parquet"))
    frame = pl.concat(map(pl.read_parquet, files), how="diagonal")
    assert frame["reasoning"].to_list().count("since") == 1


def test_a_line_of_a_newer_program_is_refused_and_kept(run: Path, completion: Make) -> None:
    opened = write(run, [completion(1), completion(2, lane=99)], to_parquet=False)
    line = json.loads(opened.read_bytes().splitlines()[1][9:]) | {"finish_reason": "thought"}
    with opened.open("ab") as file:
        file.write(frame_lines(json.dumps(line).encode() + b"\n"))
    with pytest.raises(RunDirectoryError, match=r"line 4: Invalid enum value 'thought'") as refusal:
        RunDirectory.open(run, write=True)
    assert refusal.value.hint == "read it with the judgefast that wrote it, or a newer one"
    assert opened.exists()
    with RunDirectory.open(run, write=False) as reader, pytest.raises(RunDirectoryError):
        numbers_of(reader)


@pytest.mark.parametrize(("age_seconds", "is_closed"), [(5, False), (3_600, True)])
def test_a_segment_that_another_machine_writes_is_left_to_it(
    run: Path, completion: Make, age_seconds: int, *, is_closed: bool
) -> None:
    opened = write(run, [completion(1)], to_parquet=False)
    record = run / "launches" / f"{opened.stem.partition('-')[0]}.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"host": "node-7"}))
    moment = time.time() - age_seconds
    os.utime(opened, (moment, moment))
    with RunDirectory.open(run, write=True) as writer:
        assert numbers_of(writer) == [1]
        assert [("another machine" in note) for note in writer.notes] == [True] * (not is_closed)
    assert opened.exists() is not is_closed


def test_merging_runs_is_the_union_of_their_files(
    run: Path, completion: Make, tmp_path: Path
) -> None:
    write(run, [completion(1)], to_parquet=True)
    write(run, [completion(2)], to_parquet=True)
    names = [segment.launch for segment in list_segments(run / "journal")]
    assert names == sorted(names)
    for path in (run / "journal").iterdir():
        path.rename(tmp_path / path.name)
    with RunDirectory.open(run, write=False) as reader:
        assert numbers_of(reader) == []
    for path in tmp_path.glob("*-*.parquet*"):
        path.rename(run / "journal" / path.name)
    with RunDirectory.open(run, write=False) as reader:
        assert sorted(numbers_of(reader)) == [1, 2]


def test_duckdb_and_polars_read_the_journal_in_one_line(run: Path, completion: Make) -> None:
    write(run, [completion(number) for number in range(5)], to_parquet=True)
    write(run, [completion(7, text="B")], to_parquet=True)
    pattern = f"{run}/journal/*.parquet"
    assert duckdb.read_parquet(pattern).aggregate("count(distinct request_id)").fetchall() == [(6,)]
    assert min(pl.read_parquet(pattern)["text"]) == "B"


def test_a_segment_that_is_damaged_both_open_and_closed_is_left_out(
    run: Path, completion: Make
) -> None:
    opened = write(run, [completion(number) for number in range(9)], to_parquet=False)
    flip(opened, opened.stat().st_size // 2)
    closed = opened.with_suffix(".parquet")
    closed.write_bytes(b"PAR1")
    with RunDirectory.open(run, write=False) as reader:
        assert numbers_of(reader) == []
        assert [note.partition(" is")[0] for note in reader.notes] == [
            f"`journal/{closed.name}`",
            f"`journal/{opened.name}`",
        ]


@pytest.mark.parametrize("to_parquet", [True, False])
def test_one_text_is_found_by_its_place_in_a_launch(
    run: Path, completion: Make, *, to_parquet: bool
) -> None:
    launches = [
        write(run, [completion(base + number) for number in range(3)], to_parquet=to_parquet)
        for base in (0, 10)
    ]
    with RunDirectory.open(run, write=False) as reader:
        for base, path in zip((0, 10), launches, strict=True):
            launch = path.name.partition("-")[0]
            said = [reader.text_at(launch, row) for row in range(4)]
            assert said == [*(f"answer {base + number}" for number in range(3)), None]
            assert reader.text_at(launch, SEGMENT_ROWS) is None
