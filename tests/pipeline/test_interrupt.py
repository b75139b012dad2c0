"""Ctrl-C and SIGTERM: a prompt end with 130, a count, and the command that goes on."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from judgefast.config import RunConfig
from judgefast.pipeline.run import run
from judgefast.stopping import Stop
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.judging import by_hash, go_on, judge_rows, pairs, results_of
from tests.pipeline.test_crash import asked, command

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

    Command = Callable[..., subprocess.Popen[str]]
    Cli = Callable[..., tuple[int, str, str]]

LIMIT_SECONDS = 10.0
"""Less than a second where nothing else runs; none of these runs would end by itself so soon."""


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 120
    while not condition() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.02)
    assert process.poll() is None, process.communicate()


def interrupt(process: subprocess.Popen[str], *numbers: signal.Signals) -> str:
    """Send signals; what was said on stderr by the time the process has ended."""
    began = time.monotonic()
    for number in numbers:
        process.send_signal(number)
        time.sleep(0.02)
    out, err = process.communicate(timeout=120)
    spent = time.monotonic() - began
    assert process.returncode == 130, (out, err)
    assert spent < LIMIT_SECONDS
    assert out == ""
    assert "Traceback" not in err
    return err


@pytest.mark.parametrize(
    "numbers",
    [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT]],
    ids=["ctrl-c", "sigterm", "twice"],
)
def test_a_signal_while_judging_ends_the_run_resumably(
    numbers: list[signal.Signals],
    cli: Cli,
    judgefast_command: Command,
    write_rows: Callable[..., Path],
    tmp_path: Path,
) -> None:
    rows, out, log = write_rows(pairs(200)), tmp_path / "run", tmp_path / "log"
    log.touch()
    process = judgefast_command(*command(rows, out, log, seconds=0.05))
    until(lambda: log.read_text().count("\n") > 50, process)
    err = interrupt(process, *numbers)
    assert "interrupted while judging: " in err
    done = int(err.split("interrupted while judging: ")[1].split(" of 400 judgments are done")[0])
    assert err.rstrip().endswith(f"go on with: judgefast resume {out}")
    assert 0 < done < 400
    assert len(asked(log)) - 16 <= done + 16
    assert len(list((out / "journal").glob("*.open"))) == 1, "Parquet would take time"

    status, stdout, err = cli("resume", out)
    assert status == 0, err
    assert results_of(out).counts.parsed == 400
    assert sum(asked(log).values()) - 400 <= 16
    assert "400 planned" in stdout


def test_a_signal_ends_a_run_whose_engine_is_silent(
    judgefast_command: Command, write_rows: Callable[..., Path], tmp_path: Path
) -> None:
    rows, out, log = write_rows(pairs(9)), tmp_path / "run", tmp_path / "log"
    log.touch()
    process = judgefast_command(*command(rows, out, log, silent="true"))
    until(lambda: bool(log.read_text()), process)
    err = interrupt(process, signal.SIGTERM)
    assert "interrupted while judging: 0 of 18 judgments are done" in err
    log.write_text("")
    assert judge_or_resume(judgefast_command, command(rows, out, log)) == 0
    assert sum(asked(log).values()) == 18, "what was never answered is asked once more"


def judge_or_resume(judgefast_command: Command, line: list[object]) -> int:
    with judgefast_command(*line) as process:
        process.communicate()
    return process.returncode


def test_a_signal_while_a_big_file_is_read_leaves_nothing(
    judgefast_command: Command, write_rows: Callable[..., Path], tmp_path: Path
) -> None:
    rows, out, log = write_rows(pairs(60_000)), tmp_path / "run", tmp_path / "log"
    process = judgefast_command(*command(rows, out, log))
    until(lambda: any(out.glob(".rows-*")), process)
    err = interrupt(process, signal.SIGINT)
    assert err == (
        "interrupted while reading the data: nothing was judged by this start, and nothing is "
        "lost\nstart the same command again\n"
    )
    assert not out.exists()


def test_a_signal_while_planning_keeps_the_rows(
    cli: Cli, judgefast_command: Command, write_rows: Callable[..., Path], tmp_path: Path
) -> None:
    rows, out, log = write_rows(pairs(6_000)), tmp_path / "run", tmp_path / "log"
    process = judgefast_command(*command(rows, out, log))
    until(lambda: any((out / "launches").glob("*.json")), process)
    time.sleep(0.1)
    err = interrupt(process, signal.SIGTERM)
    assert "interrupted while planning: nothing was judged by this start" in err
    assert err.rstrip().endswith(f"go on with: judgefast resume {out}")
    status, stdout, err = cli("resume", out, "--json")
    assert (status, '"parsed": 12000' in stdout) == (0, True), err


def test_a_torn_line_is_cut_with_a_word(
    cli: Cli, write_rows: Callable[..., Path], tmp_path: Path
) -> None:
    rows, out = pairs(5), tmp_path / "run"
    stop = Stop()

    def answer(request: Request) -> Completion:
        stop.requested = stop.requested or len(engine.submitted) > 0
        return by_hash(request)

    engine = ScriptedEngine(answer, room=4, batch=2)
    interrupted = run_with(stop, out, write_rows(rows), engine)
    assert interrupted == 130
    [segment] = (out / "journal").glob("*.open")
    with segment.open("ab") as file:
        file.write(b'12345678 {"request_id":"')
    status, stdout, _ = cli("report", out)
    assert status == 3
    assert "are no whole line: left out" in stdout
    said: list[str] = []
    assert go_on(out, say=said.append).status == 0
    assert [words.endswith("are no whole line: cut off") for words in said] == [True]


def run_with(stop: Stop, out: Path, rows: Path, engine: ScriptedEngine) -> int:
    from judgefast.config import RunConfig  # noqa: PLC0415 - here alone
    from judgefast.pipeline.run import Finished, run  # noqa: PLC0415 - here alone

    config = RunConfig(rubric="pairwise", out=str(out), data=(str(rows),))
    finished = run(config, engine=engine, stop=stop, show_progress=False)
    assert isinstance(finished, Finished)
    return finished.status


def test_an_interrupt_without_a_stop_is_the_callers(tmp_path: Path) -> None:
    def interrupt_at(request: Request) -> Completion:
        if request.item_id == "item-2":
            raise KeyboardInterrupt
        return by_hash(request)

    engine = ScriptedEngine(interrupt_at, batch=1)
    with pytest.raises(KeyboardInterrupt):
        judge_rows(tmp_path / "run", pairs(4), engine=engine)
    assert engine.closed
    assert go_on(tmp_path / "run").status == 0


@pytest.mark.parametrize("moment", ["manifest.write_manifest", "run_directory.LaunchRecord"])
def test_an_interrupt_while_a_directory_is_made_leaves_one_to_go_on_with_or_none(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    name = moment.replace("manifest.", "run_directory.")
    with monkeypatch.context() as patch:
        patch.setattr(f"judgefast.journal.{name}", interrupted)
        with pytest.raises(KeyboardInterrupt):
            judge_rows(out, pairs(3))
    assert out.exists() == (moment == "run_directory.LaunchRecord")
    assert judge_rows(out, pairs(3)).status == 0
    assert results_of(out).counts.parsed == 6


def test_a_wish_to_end_is_seen_before_the_engine_is_started(tmp_path: Path) -> None:
    stop, started = Stop(), []
    engine = ScriptedEngine(by_hash)
    engine.start = lambda: started.append(1) or {}  # type: ignore[method-assign]  # a double's own

    def heard(words: str) -> None:
        del words
        stop.requested = True

    rows = [*pairs(2), *pairs(1)]
    for row in rows:
        del row["id"]  # one repeats an earlier one, which is said while the data is read
    config = RunConfig(rubric="pairwise", out=str(tmp_path / "run"))
    finished = run(config, data=rows, engine=engine, stop=stop, say=heard, show_progress=False)
    assert (finished.status, finished.why) == (130, "interrupted while planning")
    assert started == []
    assert engine.closed
