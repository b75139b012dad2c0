"""`judgefast run --engine vllm` as a command: killed, interrupted, finished by a third start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import pyarrow.parquet as pq
import pytest

from tests.engines.conftest import ON_THE_CPU, SMALL
from tests.recorded import write_lines

from .processes import in_sessions, none_within, sessions_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

ROWS = 300
START_SECONDS = 600
SOME_BYTES = 4000


class Command(NamedTuple):
    words: list[str]
    out: Path
    sessions: set[int]
    """All that its processes were ever in."""

    def start(self, **environment: str) -> subprocess.Popen[str]:
        """As a terminal does: in a group of its own."""
        return subprocess.Popen(
            self.words,
            env=os.environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def launches(self) -> set[str]:
        """Those that have anything in the journal."""
        return {path.name.split("-")[0] for path in (self.out / "journal").glob("*")}

    def wait_until_it_judges(self, process: subprocess.Popen[str], before: set[str]) -> None:
        """Wait for some answers of another launch than those `before`; it closes their files."""
        until = time.monotonic() + START_SECONDS
        written = 0
        while written < SOME_BYTES:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < until
            time.sleep(0.02)
            own = [self.out.glob(f"journal/{one}-*") for one in self.launches() - before]
            written = sum(path.stat().st_size for path in chain(*own))
        self.sessions.update(sessions_of(process.pid))

    def left(self) -> list[int]:
        return in_sessions(self.sessions)


@pytest.fixture
def command(vllm_environment: None, tiny: Path, tmp_path: Path) -> Iterator[Command]:
    rows = [
        {"id": f"q{n}", "question": f"What is {n} + {n}?", "answer_a": "-", "answer_b": f"{2 * n}"}
        for n in range(ROWS)
    ]
    out = tmp_path / "run"
    settings = ON_THE_CPU | SMALL | {"max_num_seqs": 2, "room": 4}
    words = [sys.executable, "-m", "judgefast", "run", str(write_lines(tmp_path / "rows", rows))]
    words += ["--rubric", "pairwise", "--engine", "vllm", "--model", str(tiny), "--out", str(out)]
    for name, value in settings.items():
        words += ["--engine-arg", f"{name}={str(value).lower()}"]
    made = Command(words, out, set())
    yield made
    for pid in made.left():
        os.kill(pid, signal.SIGKILL)


def test_a_run_that_is_killed_and_interrupted_leaves_no_process_and_loses_nothing(
    command: Command,
) -> None:
    killed = command.start()
    command.wait_until_it_judges(killed, set())
    assert len(command.sessions) == 3, "the command's, the replica's, the guard's"
    assert len(command.left()) > 3
    killed.kill()
    killed.communicate()
    assert none_within(60, command.left), "the guard ends vLLM's processes"

    before = command.launches()
    interrupted = command.start()
    command.wait_until_it_judges(interrupted, before)
    os.killpg(interrupted.pid, signal.SIGINT)
    _, words = interrupted.communicate(timeout=30)
    assert interrupted.returncode == 130, words
    assert none_within(60, command.left)

    last = command.start(VLLM_ENABLE_V1_MULTIPROCESSING="0")  # two processes less to start
    _, words = last.communicate(timeout=START_SECONDS)
    assert last.returncode == 0, words
    assert none_within(60, command.left)
    table = pq.read_table(sorted((command.out / "journal").glob("*.parquet")))
    assert table.num_rows == 2 * ROWS, "each was asked once"
    assert len(set(table["request_id"].to_pylist())) == 2 * ROWS
    assert set(table["finish_reason"].to_pylist()) == {"stop"}
    assert len(set(table["launch"].to_pylist())) == 3
