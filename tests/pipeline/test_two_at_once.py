"""Two starts on one directory, and readers beside a writer."""

from __future__ import annotations

import json
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

from judgefast.errors import RunDirectoryError
from judgefast.pipeline.run import resume
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.judging import by_hash, go_on, judge_rows, pairs, results_of
from tests.pipeline.test_crash import command

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

    Command = Callable[..., subprocess.Popen[str]]
    Cli = Callable[..., tuple[int, str, str]]


def test_a_second_run_is_refused_with_the_process_of_the_first_and_a_reader_is_not(
    cli: Cli, judgefast_command: Command, write_rows: Callable[..., Path], tmp_path: Path
) -> None:
    rows, out, log = write_rows(pairs(60)), tmp_path / "run", tmp_path / "log"
    log.touch()
    first = judgefast_command(*command(rows, out, log, silent="true"))
    while not log.read_text():
        assert first.poll() is None
        time.sleep(0.02)
    status, _, err = cli(*command(rows, out, tmp_path / "other"))
    assert status == 2
    assert re.search(rf"is being written by process {first.pid}, started ", err)
    assert not (tmp_path / "other").exists()
    status, _, err = cli("resume", out)
    assert (status, f"process {first.pid}" in err) == (2, True)
    status, stdout, _ = cli("report", out, "--json")
    assert status == 3
    json.loads(stdout)
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=60)
    assert first.returncode == 130
    status, _, err = cli(*command(rows, out, log))
    assert status == 0, err
    assert results_of(out).counts.parsed == 120


def test_a_second_start_amid_the_reading_of_the_first_takes_nothing_away(tmp_path: Path) -> None:
    out = tmp_path / "run"
    refused = []

    def rows() -> object:
        for number, row in enumerate(pairs(50)):
            if number == 25:
                with pytest.raises(RunDirectoryError, match="is being written by process") as one:
                    judge_rows(out, pairs(50))
                refused.append(one)
            yield row

    assert judge_rows(out, rows()).status == 0
    assert len(refused) == 1


def test_a_resume_does_not_touch_an_extension_in_the_making(tmp_path: Path) -> None:
    out = tmp_path / "run"
    judge_rows(out, pairs(4))
    refused = []

    def rows() -> object:
        for number, row in enumerate(pairs(9)):
            if number == 5:
                with pytest.raises(RunDirectoryError, match="is being written by process") as one:
                    resume(out, engine=ScriptedEngine(by_hash))
                refused.append(one)
            yield row

    finished = judge_rows(out, rows(), extend=True)
    assert (finished.status, finished.done) == (0, 18)
    assert len(refused) == 1


def test_a_report_while_a_run_goes_on_counts_what_is_written(tmp_path: Path) -> None:
    out = tmp_path / "run"
    seen = []

    def answer(request: Request) -> Completion:
        if len(seen) < 3 and request.item_id == "item-7":
            counts = results_of(out).counts
            seen.append(counts.parsed + counts.not_judged["interrupted"])
        return by_hash(request)

    judge_rows(out, pairs(20), engine=ScriptedEngine(answer, room=4, batch=2))
    assert seen == [40, 40]
    assert go_on(out).status == 0
