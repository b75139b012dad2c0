"""`kill -9` at any moment, then the same command: only what is missing is asked."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.pipeline.judging import attempts_of, pairs

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., subprocess.Popen[str]]
    Cli = Callable[..., tuple[int, str, str]]

ROOM = 16


def command(rows: Path, out: Path, log: Path, **engine: object) -> list[object]:
    line: list[object] = ["run", rows, "--rubric", "pairwise", "--engine", "logged", "--out", out]
    for name, value in ({"log": log, "room": ROOM} | engine).items():
        line += ["--engine-arg", f"{name}={value}"]
    return line


def asked(log: Path) -> Counter[str]:
    return Counter(line.split()[0] for line in log.read_text().splitlines())


def results(stdout: str) -> str:
    """The part of the report that may not depend on what happened on the way."""
    return json.dumps(json.loads(stdout)["results"], indent=1)


def unbroken(cli: Cli, rows: Path, folder: Path) -> str:
    folder.mkdir()
    status, out, err = cli(*command(rows, folder / "run", folder / "log"), "--json")
    assert status == 0, err
    return results(out)


def test_killed_at_random_moments_a_run_asks_only_for_what_is_missing(
    cli: Cli, judgefast_command: Command, write_rows: Callable[..., Path], tmp_path: Path
) -> None:
    rows = write_rows(pairs(150))
    expected = unbroken(cli, rows, tmp_path / "whole")
    moments = random.Random(11)  # noqa: S311 - moments, not secrets
    out, log = tmp_path / "run", tmp_path / "log"
    log.touch()
    line = command(rows, out, log, seconds=0.02)
    kills = 0
    for _ in range(6):
        process = judgefast_command(*line)
        if kills % 2:  # half of them while it judges, whatever the machine does beside it
            before = log.stat().st_size
            while log.stat().st_size <= before and process.poll() is None:
                time.sleep(0.01)
            time.sleep(moments.uniform(0, 0.15))
        else:
            time.sleep(moments.uniform(0.1, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += process.returncode == -signal.SIGKILL
    assert kills >= 4
    status, stdout, err = cli(*command(rows, out, log), "--json")
    assert status == 0, err
    assert results(stdout) == expected
    counts = asked(log)
    assert len(counts) == 300
    assert sum(counts.values()) - 300 <= kills * ROOM
    assert Counter(row["request_id"].hex() for row in attempts_of(out)).keys() == counts.keys()
    assert json.loads(stdout)["results"]["counts"]["planned"] == 300


MOMENTS = [
    "judgefast.pipeline.directory:snapshot:1",
    "judgefast.datasets.run_order:_Parts.close:1",
    "judgefast.pipeline.directory:data_facts:1",
    "judgefast.journal.manifest:write_whole:1",
    "judgefast.journal.run_directory:RunDirectory._repair:1",
    "judgefast.pipeline.plan:_written:1",
    "judgefast.journal.plan:PlanStore.seal:1",
    "judgefast.pipeline.run:read_journal:1",
    "judgefast.journal.open_segment:OpenSegment.write:3",
    "judgefast.journal.writer:close_segment:1",
    "judgefast.journal.segments:write_whole:1",
    "judgefast.pipeline.run:read_run:1",
    "judgefast.pipeline.run:finished:1",
]


@pytest.fixture(scope="module")
def expected_of_twelve(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    from tests.pipeline.judging import judge_rows, results_json  # noqa: PLC0415 - beside the processes

    del environment
    folder = tmp_path_factory.mktemp("whole")
    rows = folder / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in pairs(12)))
    assert judge_rows(folder / "run", [str(rows)]).status == 0
    return rows, json.dumps(json.loads(results_json(folder / "run")), indent=1)


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_a_given_moment_the_same_command_ends_as_if_nothing_had_been(
    moment: str, cli: Cli, tmp_path: Path, expected_of_twelve: tuple[Path, str]
) -> None:
    rows, expected = expected_of_twelve
    out, log = tmp_path / "run", tmp_path / "log"
    log.touch()
    # The answers come one after the other: together they might be written at once.
    slow = {"seconds": 0.05} if "write:" in moment else {}
    status, _, err = cli(*command(rows, out, log, die_at=moment, **slow))
    assert status == -signal.SIGKILL, err
    before = asked(log)
    status, stdout, err = cli(*command(rows, out, log), "--json")
    assert status == 0, err
    assert results(stdout) == expected
    after = asked(log)
    assert len(after) == 24
    assert sum(after.values()) - 24 <= ROOM
    if "run:" in moment and before:
        assert sum(after.values()) == 24, "everything was journaled before"
    assert [path.name for path in out.iterdir() if path.name.startswith(".rows-")] == []


@pytest.mark.parametrize(
    "moment",
    [
        "judgefast.pipeline.directory:snapshot:1",
        "judgefast.journal.extension:write_manifest:1",
        "judgefast.journal.extension:_put_in_place:1",
        "judgefast.journal.extension:sync_folder:1",
        "judgefast.journal.extension:_move:1",
        "judgefast.journal.extension:_move:2",
        "judgefast.journal.extension:_move:3",
        "judgefast.journal.extension:_move:4",
        "judgefast.journal.extension:shutil.rmtree:2",
    ],
)
def test_killed_amid_an_extension_the_run_is_whole_or_what_it_was(
    moment: str, cli: Cli, write_rows: Callable[..., Path], tmp_path: Path
) -> None:
    few, more = write_rows(pairs(6), "few.jsonl"), write_rows(pairs(9), "more.jsonl")
    out, log = tmp_path / "run", tmp_path / "log"
    assert cli(*command(few, out, log))[0] == 0
    status, _, err = cli(*command(more, out, log, die_at=moment), "--extend")
    assert status == -signal.SIGKILL, err
    status, stdout, err = cli("resume", out, "--json")
    assert status == 0, err
    counts: dict[str, Any] = json.loads(stdout)["results"]["counts"]
    assert (counts["items"], counts["planned"]) in {(6, 12), (9, 18)}
    assert not (out / ".extension").exists()
    status, stdout, err = cli(*command(more, out, log), "--extend", "--json")
    assert status == 0, err
    assert json.loads(stdout)["results"]["counts"]["parsed"] == 18
    assert set(asked(log).values()) == {1}
