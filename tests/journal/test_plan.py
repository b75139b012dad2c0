"""The stored plan is whole, or is planned again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest

from judgefast.errors import RunDirectoryError
from judgefast.journal.run_directory import RunDirectory

if TYPE_CHECKING:
    from pathlib import Path


def part(*numbers: int) -> pa.Table:
    return pa.table({"number": numbers, "half": [number / 2 for number in numbers]})


def numbers_of(directory: RunDirectory) -> list[int]:
    requests = [n for batch in directory.plan_requests(["number"]) for n in batch[0].to_pylist()]
    asks = [n for batch in directory.plan_asks() for n in batch["number"].to_pylist()]
    assert asks == [number * 10 for number in requests]
    return requests


def write(directory: RunDirectory, *numbers: int) -> None:
    directory.write_plan(part(*numbers), part(*(number * 10 for number in numbers)))


def test_a_plan_comes_back_in_written_order_over_several_launches(run: Path) -> None:
    expected: list[int] = []
    for launch in range(4):
        with RunDirectory.open(run, write=True) as directory:
            for number in range(3):
                write(directory, launch * 10 + number, launch * 10 + number + 5)
                expected += [launch * 10 + number, launch * 10 + number + 5]
                assert not directory.plan_complete()
            directory.seal_plan({"requests": len(expected)})
            assert directory.plan_complete()
            assert numbers_of(directory) == expected
    with RunDirectory.open(run, write=False) as reader:
        assert numbers_of(reader) == expected
        assert reader.plan_complete()
        assert reader.plan_counts == {"requests": 24}
    [[total]] = duckdb.read_parquet(f"{run}/plan/requests-*.parquet").count("*").fetchall()
    assert total == 24


def test_planning_that_was_cut_short_is_recognised_and_removed(run: Path) -> None:
    with RunDirectory.open(run, write=True) as directory:
        write(directory, 1)
        write(directory, 2)
    (run / "plan" / "requests-000002-0.parquet.tmp").write_bytes(b"PAR1")
    with RunDirectory.open(run, write=False) as reader:
        assert not reader.plan_complete()
        assert numbers_of(reader) == []
    with RunDirectory.open(run, write=True) as directory:
        assert not directory.plan_complete()
        assert directory.notes == ["`plan`: planning had been cut short; 2 parts removed"]
        assert list((run / "plan").iterdir()) == []
        write(directory, 1)
        directory.seal_plan({})
        assert numbers_of(directory) == [1]


def test_an_extension_that_was_cut_short_leaves_the_old_plan(run: Path) -> None:
    with RunDirectory.open(run, write=True) as directory:
        write(directory, 1)
        directory.seal_plan({"requests": 1})
    with RunDirectory.open(run, write=True) as directory:
        write(directory, 2)
    with RunDirectory.open(run, write=True) as directory:
        assert directory.plan_complete()
        assert numbers_of(directory) == [1]
        assert directory.notes == ["`plan`: planning had been cut short; 1 part removed"]


def test_a_missing_or_damaged_file_of_the_plan_is_named(run: Path) -> None:
    with RunDirectory.open(run, write=True) as directory:
        directory.write_plan(part(*range(1_000)), part(*range(1_000)))
        directory.seal_plan({})
    [path] = (run / "plan").glob("requests-*.parquet")
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with RunDirectory.open(run, write=False) as reader:
        with pytest.raises(RunDirectoryError, match=rf"{path.name}` of the plan cannot be read"):
            list(reader.plan_requests())
        path.unlink()
        with pytest.raises(RunDirectoryError, match=rf"{path.name}` of the plan cannot be read"):
            list(reader.plan_requests())


def test_a_seal_that_does_not_fit_its_names_is_refused(run: Path) -> None:
    with RunDirectory.open(run, write=True) as directory:
        write(directory, 1)
        directory.seal_plan({})
    seal = run / "plan" / "plan.json"
    seal.write_text(seal.read_text().replace("000000-", "000001-"))
    with pytest.raises(RunDirectoryError, match="its sha256 does not fit"):
        RunDirectory.open(run, write=False)
    seal.write_text("{")
    with pytest.raises(RunDirectoryError, match="cannot be read"):
        RunDirectory.open(run, write=False)


def test_a_reader_writes_no_plan(run: Path) -> None:
    with RunDirectory.open(run, write=False) as reader:
        for attempt in (
            lambda: write(reader, 1),
            lambda: reader.seal_plan({}),
            lambda: reader.journal,
            lambda: reader.record_launch({}),
        ):
            with pytest.raises(RunDirectoryError, match="is not open for writing"):
                attempt()
