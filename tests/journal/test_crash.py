"""What is acknowledged survives `kill -9`, whenever it comes."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from judgefast.journal.run_directory import RunDirectory
from judgefast.journal.segments import list_segments

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.engines.base import Completion

BURST = Path(__file__).with_name("burst.py")


def burst_until_killed(run: Path, first: int, seconds: float) -> int:
    """Completions that the child said were acknowledged before it was killed."""
    command = [sys.executable, str(BURST), str(run), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        said = child.stdout.readline()
        time.sleep(seconds)
        child.kill()
        said += child.stdout.read()
    whole = said[: said.rfind(b"\n") + 1].split()
    return int(whole[-1])


def numbers_of(directory: RunDirectory) -> Counter[int]:
    return Counter(
        int.from_bytes(request_id, "little")
        for batch in directory.completions(["request_id"])
        for request_id in batch.column(0).to_pylist()
    )


def test_every_acknowledged_completion_survives_kill_9_once(run: Path) -> None:
    moments = random.Random(7)  # noqa: S311 - moments, not secrets
    launches: list[tuple[int, int]] = []
    for attempt in range(10):
        first = attempt * 10_000_000
        acknowledged = burst_until_killed(run, first, moments.uniform(0, 0.25))
        launches.append((first, acknowledged))
        with RunDirectory.open(run, write=False) as reader:
            seen_by_reader = numbers_of(reader)
        with RunDirectory.open(run, write=True) as writer:
            found = numbers_of(writer)
        assert found == seen_by_reader, "repair neither loses nor adds a completion"
        assert max(found.values()) == 1
        for first_number, count in launches:
            kept = [number for number in found if 0 <= number - first_number < 10_000_000]
            assert len(kept) >= count
            assert sorted(kept) == list(range(first_number, first_number + len(kept)))
        assert not list((run / "journal").glob("*.open"))
    assert sum(count for _, count in launches) > 1_000, "the children did write"


def test_a_kill_between_parquet_and_removal_of_the_lines_counts_nothing_twice(
    run: Path, completion: Callable[..., Completion]
) -> None:
    with RunDirectory.open(run, write=True) as first:
        first.journal.append([completion(number) for number in range(20)])
        first.close(to_parquet=False)
    [segment] = list_segments(run / "journal")
    lines = segment.opened(run / "journal")
    shutil.copy(lines, lines.with_suffix(".copy"))
    with RunDirectory.open(run, write=True):
        pass
    whole = lines.with_suffix(".copy").read_bytes()
    lines.write_bytes(whole[:-3])
    assert segment.closed(run / "journal").exists()

    with RunDirectory.open(run, write=False) as reader:
        assert numbers_of(reader) == Counter(range(20))
        assert reader.notes == []
    with RunDirectory.open(run, write=True) as writer:
        assert numbers_of(writer) == Counter(range(20))
        assert writer.notes == []
    assert not lines.exists(), "Parquet counts, where both exist"


@pytest.mark.parametrize("left", ["parquet.tmp", "parquet.json", "parquet.json.tmp"])
def test_a_kill_while_parquet_is_written_leaves_the_lines_in_force(
    run: Path, completion: Callable[..., Completion], left: str
) -> None:
    with RunDirectory.open(run, write=True) as first:
        first.journal.append([completion(number) for number in range(20)])
        first.close(to_parquet=False)
    [segment] = list_segments(run / "journal")
    segment.closed(run / "journal").with_suffix(f".{left}").write_bytes(b"PAR1 and no more")
    (run / "journal" / f"{'0' * 32}-000000.parquet.tmp").write_bytes(b"PAR1 of another launch")

    with RunDirectory.open(run, write=True) as writer:
        assert numbers_of(writer) == Counter(range(20))
        assert writer.notes == []
    assert sorted(path.name for path in (run / "journal").iterdir()) == [
        segment.closed(run / "journal").name,
        segment.closed(run / "journal").name + ".json",
    ]
