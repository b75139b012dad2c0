"""What the commands print, whole, and how they end."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.recorded import pairs

from judgefast.cli.app import app
from judgefast.pipeline.finished import DryRun

if TYPE_CHECKING:
    from collections.abc import Callable

SNAPSHOTS = Path(__file__).parent / "snapshots"
REPLAY = ["--rubric", "pairwise-reasons", "--engine", "replay", "--recorded", "recorded.jsonl"]
RUN = ["run", "pairs.jsonl", *REPLAY, "--out", "r"]
SLOW = [
    *("run", "pairs.jsonl", "--rubric", "pairwise-reasons", "--engine", "own"),
    *("--engine-arg", "seconds=0.5", "--out", "r"),
]
"""Two judgments a second, and 8 s of them in flight."""
LIMIT_SECONDS = 120
"""Of what comes at once where nothing else runs."""


def steady(seen: str) -> str:
    """Leave out what differs from start to start: times, launches, machines."""
    seen = re.sub(r"(?m)^(time|speed) .*$", r"\1 ...", seen)
    return re.sub(r"(?m)^launch .*\n( .*\n)*", "launch ...\n", seen)


def matches(seen: str, name: str) -> bool:
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        path.write_text(steady(seen), encoding="utf-8")
    return steady(seen) == path.read_text(encoding="utf-8")


def test_a_run_and_its_report_print_the_same(judgefast: Callable[..., str]) -> None:
    seen = judgefast(*RUN)
    assert matches(seen, "run")
    again = judgefast("report", "r")
    assert steady(again).split("\nlaunch")[0] == steady(seen).split("\nlaunch")[0]
    assert again.endswith("--- stderr\n")


def test_json_is_the_report_and_nothing_else(judgefast: Callable[..., str]) -> None:
    by_run = judgefast(*RUN, "--json").split("--- stdout\n")[1].split("--- stderr\n")[0]
    by_report = judgefast("report", "r", "--json").split("--- stdout\n")[1].split("--- std")[0]
    results = json.loads(by_run)["results"]
    assert results == json.loads(by_report)["results"]
    assert results["counts"]["parsed"] == 72


def test_what_was_not_recorded_is_incomplete_and_says_how_to_go_on(
    judgefast: Callable[..., str], folder: Path
) -> None:
    half = [part.replace("recorded.jsonl", "half.jsonl") for part in RUN]
    seen = judgefast(*half)
    assert seen.startswith("exit 3\n")
    assert seen.endswith(
        "--- stderr\n52 judgments failed: 20 of 72 judgments are done\n"
        "go on with: judgefast resume r\n"
    )
    assert judgefast("report", "r").startswith("exit 3\n")
    assert judgefast("resume", "r", "--max-attempts", "2").endswith(
        "no attempts are left; ask again with: judgefast resume r --retry failed\n"
    )
    (folder / "half.jsonl").write_bytes((folder / "recorded.jsonl").read_bytes())
    resumed = judgefast("resume", "r")
    assert resumed.startswith("exit 0\n")
    assert "asked         176 attempts at 72 requests" in resumed


def test_a_config_file_holds_what_flags_do(judgefast: Callable[..., str], folder: Path) -> None:
    (folder / "run.toml").write_text(
        'data = ["pairs.jsonl"]\nrubric = "pairwise-reasons"\nengine = "replay"\n'
        'recorded = "recorded.jsonl"\nslices = ["topic"]\nmax-attempts = 2\n'
    )
    by_file = judgefast("run", "--config", "run.toml", "--out", "r", "--level", "0.9")
    assert by_file.startswith("exit 0\n")
    assert "meta.topic=facts" in by_file
    assert "90 % interval" in by_file


def test_a_dry_run_says_what_would_be_asked(judgefast: Callable[..., str]) -> None:
    said = re.sub("[0-9a-f]{32}", "D", judgefast(*RUN, "--dry-run"))
    assert said == (
        "exit 0\n--- stdout\n36 items, 72 judgments planned, 0 done; 72 would be asked of "
        "recorded by replay\norder of sending: D\n--- stderr\n"
    )


def test_a_dry_run_says_why_some_would_not_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = DryRun(4, 8, 0, 2, 2, 496, "judge", "own", "d" * 32, too_long=5, not_needed=1)
    monkeypatch.setattr("judgefast.pipeline.run.run", lambda *_, **__: plan)
    said = CliRunner().invoke(app, [*RUN, "--dry-run"], standalone_mode=False).stdout
    assert said.splitlines()[1:3] == [
        "not asked: 5 judgments too long for the judge's context, which fail unsent",
        "not asked: 1 judgment decided by an empty answer",
    ]


def test_one_item_whole(judgefast: Callable[..., str]) -> None:
    judgefast(*RUN)
    assert matches(judgefast("show", "r", "--id", "facts-months"), "show")
    as_json = judgefast("show", "r", "--id", "facts-months", "--json")
    view = json.loads(as_json.split("--- stdout\n")[1].split("--- stderr\n")[0])
    assert [each["verdict"] for each in view["judgments"]] == ["b", "b"]


def test_an_export_can_be_read_by_others(judgefast: Callable[..., str], folder: Path) -> None:
    judgefast(*RUN)
    seen = judgefast("export", "r", "--to", "judgments.csv")
    assert seen == "exit 0\n--- stdout\n--- stderr\n36 rows of judgments are in judgments.csv\n"
    with (folder / "judgments.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["item_id"]: row for row in csv.DictReader(file)}
    assert {row["id"]: row["gold"] for row in pairs()} == {
        item_id: row["forward_verdict"] for item_id, row in rows.items()
    }
    as_json = judgefast("export", "r", "--to", "v.jsonl", "--table", "verdicts", "--json")
    assert json.loads(as_json.splitlines()[2]) == {
        "path": "v.jsonl",
        "table": "verdicts",
        "rows": 72,
    }


def test_rubrics_are_listed_and_printed(judgefast: Callable[..., str], folder: Path) -> None:
    listed = judgefast("rubrics")
    assert matches(listed, "rubrics")
    printed = judgefast("rubrics", "show", "pairwise-reasons")
    (folder / "mine.toml").write_text(printed.split("--- stdout\n")[1].split("--- stderr\n")[0])
    mine = [part.replace("pairwise-reasons", "mine.toml") for part in RUN]
    assert judgefast(*mine).startswith("exit 0\n")
    as_json = json.loads(judgefast("rubrics", "--json").split("--- stdout\n")[1].split("---")[0])
    assert [row["name"] for row in as_json] == [
        text.split()[0] for text in listed.splitlines()[2:-1]
    ]


def test_a_judge_that_cannot_be_read_stops_the_run_with_examples(
    judgefast: Callable[..., str],
) -> None:
    seen = judgefast(
        *("run", "pairs.jsonl", "--rubric", "pairwise-reasons", "--engine", "own", "--out", "r"),
        *("--engine-arg", "text=mumble", "--repeats", "3", "--orders", "both"),
    )
    assert seen.startswith("exit 3\n")
    said = seen.split("--- stderr\n")[1]
    assert "100% of the last judgments could not be read" in said
    assert said.count("  - no_verdict: mumble\n") == 3
    assert said.endswith("go on with: judgefast resume r\n")


def judged_a_little(folder: Path) -> None:
    """Wait until the run has journaled something."""
    comes(lambda: any(path.stat().st_size for path in folder.glob("r/journal/*.open")))


def comes(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_before_what_is_in_flight_is_judged_and_resume_goes_on(
    start: Callable[..., subprocess.Popen[str]],
    judgefast: Callable[..., str],
    folder: Path,
    number: signal.Signals,
) -> None:
    process = start(*SLOW)
    judged_a_little(folder)
    process.send_signal(number)
    sent = time.monotonic()
    stdout, stderr = process.communicate(timeout=LIMIT_SECONDS)
    assert time.monotonic() - sent < 6
    assert (process.returncode, stdout) == (130, "")
    done = re.search(
        r"interrupted while judging: (\d+) of 72 judgments are done\ngo on with: (.*)\n$", stderr
    )
    assert done is not None
    assert done[2] == "judgefast resume r"
    assert 0 < int(done[1]) < 72
    assert judgefast("report", "r").startswith("exit 3\n")


def test_a_directory_that_is_written_to_is_refused(
    start: Callable[..., subprocess.Popen[str]], judgefast: Callable[..., str], folder: Path
) -> None:
    process = start(*SLOW)
    judged_a_little(folder)
    seen = judgefast("resume", "r")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=LIMIT_SECONDS)
    assert seen.startswith("exit 2\n--- stdout\n--- stderr\nerror: `r` is ")
    assert str(process.pid) in seen


def test_stdin_that_is_interrupted_leaves_nothing(
    start: Callable[..., subprocess.Popen[str]], folder: Path
) -> None:
    process = start("run", "-", *REPLAY, "--out", "r")
    comes(lambda: process.poll() is not None or any(folder.glob("r/.rows-*")))
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=LIMIT_SECONDS)
    assert (process.returncode, stdout) == (130, "")
    assert stderr == (
        "interrupted while reading the data: nothing was judged by this start, "
        "and nothing is lost\nstart the same command again\n"
    )
    assert not (folder / "r").exists()


@pytest.mark.parametrize(
    "command",
    [
        "",
        "run",
        "report",
        "resume",
        "show",
        "export",
        "rubrics",
        "rubrics show",
        "embedded fetch",
        "engines",
        "serve-judge",
    ],
)
def test_every_help_has_one_example(command: str) -> None:
    seen = CliRunner().invoke(app, [*command.split(), "--help"])
    assert seen.exit_code == 0
    assert len(re.findall(r"Example: judgefast (\w+)", seen.stdout)) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_what_stdout_does_not_take_is_said_in_one_line(
    judgefast: Callable[..., str], folder: Path, environment: dict[str, str]
) -> None:
    assert judgefast(*RUN, "--out", "r").startswith("exit 0\n")
    line = [sys.executable, "-m", "judgefast", "report", "r"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            line, cwd=folder, env=environment, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: cannot write to stdout: No space left on device\n")


def test_a_reader_who_has_gone_does_not_change_the_status(
    judgefast: Callable[..., str], folder: Path, environment: dict[str, str]
) -> None:
    for recorded, status in (("recorded.jsonl", 0), ("half.jsonl", 3)):
        judgefast("run", "pairs.jsonl", *REPLAY[:-1], recorded, "--out", recorded[:4])
        read, write = os.pipe()
        os.close(read)
        line = [sys.executable, "-m", "judgefast", "report", recorded[:4]]
        done = subprocess.run(
            line, cwd=folder, env=environment, stdout=write, stderr=subprocess.PIPE, check=False
        )
        os.close(write)
        assert (done.returncode, done.stderr) == (status, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_words_that_nobody_can_hear_end_no_run(folder: Path, environment: dict[str, str]) -> None:
    line = [sys.executable, "-m", "judgefast", *RUN, "--limit", "3"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            line, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=full, check=False
        )
    assert done.returncode == 0
    assert b"\njudgments     6 planned = 6 parsed" in done.stdout


def test_control_characters_of_a_recorded_judge_never_reach_the_terminal(
    judgefast: Callable[..., str], folder: Path
) -> None:
    row = {"id": "one", "answers": [{"text": "x"}], "text": "4", "judge": "\x1b[31mred"}
    (folder / "red.jsonl").write_text(json.dumps(row) + "\n")
    line = ["run", "--engine", "replay", "--recorded", "red.jsonl", "--rubric", "scalar-1-5"]
    for more in (["--dry-run"], []):
        seen = judgefast(*line, "--out", "red", *more)
        assert "[31mred" in seen
        assert "\x1b" not in seen
