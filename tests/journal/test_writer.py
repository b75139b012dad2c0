"""The writer's thread: nothing given is lost, nothing that fails is silent."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.errors import EngineError, RunDirectoryError
from judgefast.journal import open_segment, writer
from judgefast.journal.run_directory import RunDirectory
from judgefast.journal.writer import JournalWriter

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.engines.base import Completion
    from judgefast.journal.manifest import Manifest

    Make = Callable[..., Completion]

LAUNCH = "0" * 32


def numbers_of(directory: RunDirectory) -> list[int]:
    return [
        int.from_bytes(request_id, "little")
        for batch in directory.completions(["request_id"])
        for request_id in batch.column(0).to_pylist()
    ]


def test_flush_returns_when_everything_is_on_the_disk(run: Path, completion: Make) -> None:
    with RunDirectory.open(run, write=True) as directory:
        journal = directory.journal
        journal.append([completion(number) for number in range(1_200)])
        journal.flush()
        assert journal.written == journal.synced == 1_200
        assert len(numbers_of(directory)) == 1_200
        [opened] = (run / "journal").glob("*.open")
        with opened.open("ab") as file:
            file.write(b"1234abcd {")
        assert len(numbers_of(directory)) == 1_200
        assert directory.notes == [], "its own line in the making is nothing to speak of"


def test_no_more_than_500_lines_are_ever_unsynced(
    tmp_path: Path, completion: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = JournalWriter(tmp_path, LAUNCH)
    unsynced: list[int] = []

    def sync(descriptor: int) -> None:
        unsynced.append(journal.written - journal.synced)
        os.fsync(descriptor)

    monkeypatch.setattr(open_segment, "_sync", sync)
    journal.append([completion(number) for number in range(1_700)])
    journal.close()
    assert unsynced == [500, 500, 500, 200]


def test_a_line_is_synced_within_about_a_second_of_being_written(
    tmp_path: Path, completion: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SYNC_SECONDS", 0.05)
    journal = JournalWriter(tmp_path, LAUNCH)
    journal.append([completion(1)])
    deadline = time.monotonic() + 60
    while journal.synced < 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert journal.synced == 1
    journal.close()


def test_a_full_segment_becomes_parquet_and_the_next_one_begins(
    run: Path, completion: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SEGMENT_ROWS", 10)
    with RunDirectory.open(run, write=True) as directory:
        directory.journal.append([completion(number) for number in range(25)])
        directory.journal.flush()
        names = sorted(path.name.partition("-")[2] for path in (run / "journal").iterdir())
        assert names == [
            "000000.parquet",
            "000000.parquet.json",
            "000001.parquet",
            "000001.parquet.json",
            "000002.open",
        ]
        batches = list(directory.completions(["request_id", "row"]))
        assert [row for batch in batches for row in batch.column(1).to_pylist()] == [
            number // 10 * 65_536 + number % 10 for number in range(25)
        ]


def test_a_segment_of_many_bytes_becomes_parquet_too(
    tmp_path: Path, completion: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SEGMENT_BYTES", 1_000)
    journal = JournalWriter(tmp_path, LAUNCH)
    for number in range(3):
        journal.append([completion(number, text="long " * 300)])
        journal.flush()
    journal.close()
    assert len(list(tmp_path.glob("*.parquet"))) == 3


def test_append_waits_while_too_many_completions_wait(
    tmp_path: Path, completion: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow_sync(_: int) -> None:
        time.sleep(0.01)

    monkeypatch.setattr(open_segment, "_sync", slow_sync)
    monkeypatch.setattr(writer, "WAITING_ROWS", 1_000)
    journal = JournalWriter(tmp_path, LAUNCH)
    group = [completion(number) for number in range(500)]
    most = 0
    for _ in range(20):
        journal.append(group)
        most = max(most, journal._given - journal.written)
    journal.close()
    assert 0 < most <= 1_000, "no more waits when `append` returns"
    assert journal.written == journal.synced == 10_000


def test_a_lone_surrogate_that_an_engine_let_through_is_replaced_and_counted(
    run: Path, completion: Make
) -> None:
    with RunDirectory.open(run, write=True) as directory:
        directory.journal.append([completion(1), completion(2, text="cut \ud83d", error="\udcff")])
        directory.journal.flush()
        rows = [row for batch in directory.completions() for row in batch.to_pylist()]
    assert [row["text"] for row in rows] == ["answer 1", "cut \ufffd"]
    assert rows[1]["error"] == "\ufffd"
    assert [row["replaced_surrogates"] for row in rows] == [0, 2]


def test_a_full_disk_is_said_once_with_the_file_and_what_is_kept(
    run: Path, completion: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_write = os.write

    def full_after_a_part(descriptor: int, data: memoryview) -> int:
        if len(data) > 30:
            return real_write(descriptor, data[: len(data) - 30])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    directory = RunDirectory.open(run, write=True)
    directory.journal.append([completion(number) for number in range(5)])
    directory.journal.flush()
    monkeypatch.setattr(os, "write", full_after_a_part)
    directory.journal.append([completion(number) for number in range(5, 8)])
    with pytest.raises(RunDirectoryError) as refusal:
        directory.journal.flush()
    monkeypatch.undo()
    opened = run / "journal" / f"{directory.launch}-000000.open"
    assert str(refusal.value) == (
        f"cannot write `{opened}`: No space left on device; "
        "7 completions of this start are kept, 1 are not"
    )
    assert refusal.value.hint is not None
    assert refusal.value.hint.startswith("make room on the disk")
    with pytest.raises(RunDirectoryError, match="No space left"):
        directory.journal.append([completion(9)])
    directory.close()
    assert opened.read_bytes().endswith(b"\n"), "the torn last line is cut off"
    with RunDirectory.open(run, write=True) as resumed:
        assert numbers_of(resumed) == list(range(7))
        assert resumed.notes == []


def test_an_error_that_no_call_has_told_is_told_by_close(
    tmp_path: Path, completion: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    journal = JournalWriter(tmp_path, LAUNCH)
    monkeypatch.setattr(open_segment, "_sync", broken)
    journal.append([completion(1)])
    with pytest.raises(RunDirectoryError, match="Input/output error"):
        journal.close()
    journal.close()


def test_a_bug_in_the_thread_reaches_the_caller_as_it_is(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path, LAUNCH)
    journal.append([object()])  # type: ignore[list-item]  # what only a bug would give
    with pytest.raises(TypeError):
        journal.flush()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_exit_in_the_thread_does_not_make_the_caller_wait_for_ever(
    tmp_path: Path, completion: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(open_segment.OpenSegment, "write", ended)
    journal = JournalWriter(tmp_path, LAUNCH)
    journal.append([completion(1)])
    with pytest.raises(SystemExit):
        journal.flush()


def test_a_segment_that_another_machine_has_closed_is_not_written_on(
    run: Path, completion: Make
) -> None:
    directory = RunDirectory.open(run, write=True)
    directory.journal.append([completion(number) for number in range(5)])
    directory.journal.flush()
    [opened] = (run / "journal").glob("*.open")
    opened.unlink()
    directory.journal.append([completion(number) for number in range(5, 8)])
    with pytest.raises(RunDirectoryError) as refusal:
        directory.journal.flush()
    assert str(refusal.value) == (
        f"cannot write `{opened}`: another start has closed and removed it; "
        "5 completions of this start are kept, 3 are not"
    )
    directory.close()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("finish_reason", "tool_calls", "Invalid enum value 'tool_calls' - at `$.finish_reason`"),
        ("prompt_tokens", 3.5, "Expected `int | null`, got `float` - at `$.prompt_tokens`"),
        ("attempt", 1 << 31, "Expected `int` <= 2147483647 - at `$.attempt`"),
    ],
)
def test_what_could_not_be_read_again_is_refused_before_it_is_written(
    run: Path, completion: Make, field: str, value: object, words: str
) -> None:
    directory = RunDirectory.open(run, write=True)
    directory.journal.append([completion(1)])
    directory.journal.flush()
    directory.journal.append([completion(2), completion(3, **{field: value})])
    with pytest.raises(EngineError) as refusal:
        directory.journal.flush()
    assert str(refusal.value) == (
        f"the engine gave request 03{'0' * 30} what is no completion: {words}"
    )
    directory.close()
    with RunDirectory.open(run, write=True) as resumed:
        assert numbers_of(resumed) == [1]


def test_a_disk_that_is_full_when_a_segment_is_closed_keeps_its_lines(
    run: Path, completion: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    directory = RunDirectory.open(run, write=True)
    directory.journal.append([completion(number) for number in range(5)])
    with monkeypatch.context() as patch:
        patch.setattr("pyarrow.parquet.write_table", full)
        with pytest.raises(RunDirectoryError, match=r"parquet`: No space left on device"):
            directory.close()
        with pytest.raises(RunDirectoryError, match=r"parquet`: No space left on device"):
            RunDirectory.open(run, write=True)
    with RunDirectory.open(run, write=False) as reader:
        assert numbers_of(reader) == list(range(5))
    with RunDirectory.open(run, write=True) as resumed:
        assert numbers_of(resumed) == list(range(5))
        assert resumed.notes == []


def test_a_closed_journal_takes_no_more(tmp_path: Path, completion: Make) -> None:
    journal = JournalWriter(tmp_path, LAUNCH)
    journal.close()
    with pytest.raises(RunDirectoryError, match="is closed"):
        journal.append([completion(1)])


def test_a_real_limit_of_the_system_keeps_all_lines_before_it(run: Path) -> None:
    """The kernel's own short write: a limit on the size of files stands in for a full disk."""
    burst = Path(__file__).with_name("burst.py")
    result = subprocess.run(
        [sys.executable, str(burst), str(run), "0"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)),
    )
    assert result.returncode != -signal.SIGXFSZ
    assert "judgefast.errors.RunDirectoryError: cannot write" in result.stderr
    assert "File too large" in result.stderr
    acknowledged = int(result.stdout.split()[-1])
    with RunDirectory.open(run, write=True) as resumed:
        found = numbers_of(resumed)
        assert resumed.notes == []
    assert found == list(range(len(found)))
    assert 0 < acknowledged <= len(found)


@settings(max_examples=15, deadline=None)
@given(
    steps=st.lists(
        st.one_of(
            st.integers(1, 40),
            st.sampled_from(["flush", "reopen", "reopen open", "read", "crash"]),
        ),
        max_size=12,
    )
)
def test_any_order_of_appends_closes_and_reopens_loses_nothing(
    manifest: Manifest, completion: Make, steps: list[int | str]
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(writer, "SEGMENT_ROWS", 25)
        path = Path(folder) / "run"
        directory = RunDirectory.create(path, manifest)
        given_numbers = 0
        for step in steps:
            if isinstance(step, int):
                numbers = range(given_numbers, given_numbers + step)
                directory.journal.append([completion(number) for number in numbers])
                given_numbers += step
            elif step in {"flush", "read"}:
                directory.journal.flush()
                if step == "read":
                    with RunDirectory.open(path, write=False) as reader:
                        assert sorted(numbers_of(reader)) == list(range(given_numbers))
            else:
                directory.close(to_parquet=step == "reopen")
                if step == "crash":
                    for opened in (path / "journal").glob("*.open"):
                        opened.write_bytes(opened.read_bytes() + b'1234abcd {"request')
                directory = RunDirectory.open(path, write=True)
        directory.close()
        with RunDirectory.open(path, write=False) as reader:
            assert sorted(numbers_of(reader)) == list(range(given_numbers))
            assert reader.notes == []


def test_appending_costs_the_caller_little(
    tmp_path: Path, completion: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    one = [completion(1, text="Answer A is better. " * 10)]
    journal = JournalWriter(tmp_path, LAUNCH)
    began, wall = time.thread_time(), time.perf_counter()
    for _ in range(200_000):
        journal.append(one)
    caller, wall = time.thread_time() - began, time.perf_counter() - wall
    journal.close(to_parquet=False)
    with capsys.disabled():
        print(  # noqa: T201 - a measurement, not a check
            f"\n200,000 appends: {caller * 5:.2f} us each of the caller's time, "
            f"{wall * 5:.2f} us with the waits"
        )
    assert journal.synced == 200_000
