"""Bytes that are not what was written are found and named; what is whole counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from judgefast.errors import RunDirectoryError
from judgefast.journal.run_directory import RunDirectory
from tests.crash.things import rows_of
from tests.journal.test_reader import flip, numbers_of, write
from tests.pipeline.judging import judge_rows, results_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from judgefast.engines.base import Completion

    Make = Callable[..., Completion]

ITEMS = 8


def test_a_segment_that_is_cut_at_any_byte_keeps_its_whole_lines(
    run: Path, completion: Make
) -> None:
    opened = write(run, [completion(number, text="é") for number in range(3)], to_parquet=False)
    data = opened.read_bytes()
    ends = [place + 1 for place, byte in enumerate(data) if byte == ord("\n")]
    for size in range(len(data) + 1):
        opened.write_bytes(data[:size])
        whole = sum(end <= size for end in ends)
        torn = size - max([0, *(end for end in ends if end <= size)])
        with RunDirectory.open(run, write=False) as reader:
            assert numbers_of(reader) == list(range(whole - 1))
            said = f"{torn:,} bytes after line {whole:,} are no whole line: left out"
            assert [said in note for note in reader.notes] == [True] * (torn > 0)
    opened.write_bytes(data[:-1])
    with RunDirectory.open(run, write=True) as writer:
        assert numbers_of(writer) == [0, 1]


def each_flip(path: Path, step: int) -> Iterator[int]:
    """Flip one bit of every `step`-th byte, another bit each time, and flip it back."""
    whole = path.read_bytes()
    for place in range(0, len(whole), step):
        data = bytearray(whole)
        data[place] ^= 1 << (place // step % 8)
        path.write_bytes(data)
        yield place
    path.write_bytes(whole)


def test_a_flipped_bit_anywhere_in_a_closed_segment_is_named_and_the_rest_is_kept(
    run: Path, completion: Make
) -> None:
    closed = write(run, [completion(number) for number in range(9)], to_parquet=True)
    write(run, [completion(20)], to_parquet=True)
    for place in each_flip(closed, 5):
        with RunDirectory.open(run, write=False) as reader:
            assert numbers_of(reader) == [20], place
            assert [closed.name in note for note in reader.notes] == [True], place


def test_a_flipped_bit_anywhere_beside_a_closed_segment_is_named_or_harmless(
    run: Path, completion: Make
) -> None:
    closed = write(run, [completion(number) for number in range(9)], to_parquet=True)
    sidecar = closed.with_name(f"{closed.name}.json")
    for place in each_flip(sidecar, 1):
        with RunDirectory.open(run, write=False) as reader:
            try:
                found = numbers_of(reader)
            except RunDirectoryError as error:
                assert f"{sidecar.name}` has format" in str(error)  # noqa: PT017 - one of three
                continue
            assert found == ([] if reader.notes else list(range(9))), place
            assert all(closed.name in note for note in reader.notes)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("judged") / "run"
    judge_rows(run, rows_of(ITEMS))
    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "step"),
    [
        ("rows/part-*.parquet", 13),
        ("plan/requests-*.parquet", 29),
        ("plan/asks-*.parquet", 29),
        ("plan/plan.json", 3),
    ],
)
def test_a_flipped_bit_in_rows_or_plan_is_named_or_harmless(
    pattern: str, step: int, judged: Path
) -> None:
    expected = results_json(judged)
    [path] = judged.glob(pattern)
    refused = 0
    for place in each_flip(path, step):
        try:
            assert results_json(judged) == expected, place
        except RunDirectoryError as error:
            refused += 1
            assert path.name in str(error) or f"`{judged}/rows` holds" in str(error)  # noqa: PT017 - any of several errors
    assert refused > path.stat().st_size / step / 3
    assert results_json(judged) == expected


def test_a_part_of_the_rows_that_is_gone_is_missed(judged: Path) -> None:
    part = judged / "rows" / "part-00000.parquet"
    other = part.rename(part.with_name("part-00000.gone"))
    try:
        with pytest.raises(RunDirectoryError, match="rows` holds no rows: no `part") as caught:
            results_json(judged)
        assert "if it is one, copy the file back" in str(caught.value.hint)
    finally:
        other.rename(part)


def test_a_part_of_the_rows_too_many_is_not_taken(judged: Path) -> None:
    part = judged / "rows" / "part-00000.parquet"
    more = part.with_name("part-00001.parquet")
    more.write_bytes(part.read_bytes())
    try:
        with pytest.raises(RunDirectoryError, match=rf"holds {2 * ITEMS} items, not {ITEMS}"):
            results_json(judged)
    finally:
        more.unlink()


def test_lines_with_a_flipped_bit_are_set_aside_whole(run: Path, completion: Make) -> None:
    opened = write(run, [completion(number) for number in range(9)], to_parquet=False)
    flip(opened, 12)  # in the head
    with RunDirectory.open(run, write=True) as writer:
        assert numbers_of(writer) == []
        assert "line 1 has another CRC-32C" in writer.notes[0]
