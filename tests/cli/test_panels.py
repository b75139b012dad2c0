"""`judgefast run --judge`, `agree` and what else takes several judges, as a whole."""

from __future__ import annotations

import json
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
from tests.recorded import always_first, pairs, record, write_lines

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

RIGHT = "name=right,engine=replay,recorded=recorded.jsonl"
FIRST = "name=first,engine=replay,recorded=first.jsonl"
RUN = ("run", "pairs.jsonl", "--rubric", "pairwise-reasons")


@pytest.fixture
def panel(folder: Path, judgefast: Callable[..., str]) -> str:
    """What is seen of two judges over the examples, kept in `p`."""
    write_lines(folder / "first.jsonl", record(pairs(), always_first))
    return judgefast(*RUN, "--judge", RIGHT, "--judge", FIRST, "--out", "p")


def test_one_table_says_who_says_what_and_where_they_differ(
    panel: str, folder: Path, judgefast: Callable[..., str]
) -> None:
    status, _, seen = panel.partition("\n")
    assert status == "exit 0"
    lines = seen.splitlines()
    assert "right            0.618  [0.447, 0.763]     1.000  +0.000       0" in seen
    for part in (
        "Judges        win_rate",
        "first            0.500",
        "majority         ",
        "mean             ",
        "Agreement ",
        "right, first     36",
        "levels        2 high, 34 medium, 0 low",
        "look at       34 units of low and medium agreement: p/disagreements.jsonl",
    ):
        assert any(line.startswith(part) for line in lines), (part, seen)
    assert "judge 1 of 2: right\njudge 2 of 2: first\n" in seen
    rows = [json.loads(line) for line in (folder / "p/disagreements.jsonl").open()]
    assert [row["level"] for row in rows] == ["medium"] * 34
    report = judgefast("report", "p", "--json", "--disagreements", "look.csv")
    assert report.startswith("exit 0")
    body = json.loads(report.partition("--- stdout\n")[2].partition("--- stderr")[0])
    assert (body["disagreements"], body["listed"], body["disagreements_file"]) == (
        34,
        34,
        "look.csv",
    )
    assert (folder / "look.csv").read_text().count("\n") >= 35
    assert "`look.csv` is there already" in judgefast("report", "p", "--disagreements", "look.csv")


def test_finished_runs_agree_as_a_panel_does(
    panel: str, folder: Path, judgefast: Callable[..., str]
) -> None:
    del panel
    joined = judgefast(
        "agree", "right=p/judges/right", "p/judges/first", "--json", "--disagreements", "d.jsonl"
    )
    assert joined.startswith("exit 0")
    one = json.loads(joined.partition("--- stdout\n")[2].partition("--- stderr")[0])
    two = json.loads(
        judgefast("report", "p", "--json").partition("--- stdout\n")[2].partition("---")[0]
    )
    for part in ("agreement", "levels", "together", "joining", "effective"):
        assert one[part] == two[part]
    assert (folder / "d.jsonl").read_bytes() == (folder / "p/disagreements.jsonl").read_bytes()


def test_what_takes_one_run_says_which_runs_a_panel_has(
    panel: str, judgefast: Callable[..., str]
) -> None:
    del panel
    for command in (
        ("gate", "p", "--rule", "win_rate >= 0.1"),
        ("export", "p", "--to", "x.csv"),
        ("compare", "p", "p"),
        (*RUN, "--engine", "replay", "--recorded", "recorded.jsonl", "--out", "p"),
        ("agree", "p", "p"),
    ):
        seen = judgefast(*command)
        assert seen.startswith("exit 2"), seen
        assert "`p` holds several judges, and this takes the run of one" in seen
        assert "name one of them: `p/judges/first`, `p/judges/right`" in seen
    assert "exit 0" in judgefast("gate", "p/judges/right", "--rule", "win_rate >= 0.1")


def test_an_item_is_shown_once_with_what_each_judge_said(
    panel: str, judgefast: Callable[..., str]
) -> None:
    del panel
    seen = judgefast("show", "p", "--id", "facts-cows")
    assert seen.count("What do cows eat?") == 1
    assert seen.index("== judge right") < seen.index("== judge first")


def test_a_config_file_has_tables_of_judges(folder: Path, judgefast: Callable[..., str]) -> None:
    write_lines(folder / "first.jsonl", record(pairs(), always_first))
    tables = [
        'rubric = "pairwise-reasons"\nengine = "replay"\n',
        '[[judges]]\nname = "right"\nrecorded = "recorded.jsonl"\n',
        '[[judges]]\nname = "first"\nrecorded = "first.jsonl"\n',
    ]
    (folder / "c.toml").write_text("".join(tables))
    seen = judgefast("run", "pairs.jsonl", "--config", "c.toml", "--out", "p")
    assert "levels        2 high, 34 medium, 0 low" in seen
    assert "names several judges, and this is for one" in judgefast(
        "plan", "pairs.jsonl", "--config", "c.toml"
    )


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--judge", "embeded", "--out", "p"), "did you mean `embedded`?"),
        (("--judge", RIGHT), "add --out DIR"),
        (("--side-by-side", "--out", "p"), "--side-by-side is for several judges"),
        (("--disagreements", "d.csv", "--out", "p"), "--disagreements is for several judges"),
        (("--judge", RIGHT, "--out", "p", "--disagreements", "d.txt"), "end it in one of"),
    ],
)
def test_mistakes_end_with_status_2(
    args: tuple[str, ...], words: str, folder: Path, judgefast: Callable[..., str]
) -> None:
    seen = judgefast(*RUN, *args)
    assert seen.startswith("exit 2"), seen
    assert words in seen
    assert not (folder / "p").exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("flags", [(), ("--side-by-side",)])
def test_a_panel_that_was_ended_goes_on_by_resume(
    how: signal.Signals,
    flags: tuple[str, ...],
    folder: Path,
    start: Callable[..., subprocess.Popen[str]],
    judgefast: Callable[..., str],
) -> None:
    judges = ["name=a,engine=own,arg.seconds=0.02", "name=b,engine=own,arg.seconds=0.02"]
    named = [part for judge in judges for part in ("--judge", judge)]
    process = start(*RUN, *named, "--out", "p", *flags)
    until = time.monotonic() + 50
    seats = ("a", "b") if flags else ("b",)
    while time.monotonic() < until and process.poll() is None:
        if all(any((folder / "p/judges" / s).glob("journal/*.open")) for s in seats):
            break
        time.sleep(0.02)
    os.kill(process.pid, how)
    stdout, stderr = process.communicate(timeout=30)
    if how is signal.SIGINT:
        assert (process.returncode, stdout) == (130, ""), stderr
        assert "go on with: judgefast resume p" in stderr
    seen = judgefast("resume", "p", "--json")
    assert seen.startswith("exit 0"), seen
    body = json.loads(seen.partition("--- stdout\n")[2].partition("--- stderr")[0])
    assert [row["counts"]["parsed"] for row in body["judges"]] == [72, 72]
    assert body["levels"] == {"high": 36, "medium": 0, "low": 0, "none": 0}


def test_rows_from_stdin_are_for_all_judges(
    folder: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    write_lines(folder / "first.jsonl", record(pairs(), always_first))
    process = start(
        "run", "-", *RUN[2:], "--judge", RIGHT, "--judge", FIRST, "--out", "p", "--json"
    )
    stdout, stderr = process.communicate((folder / "pairs.jsonl").read_text(), timeout=60)
    assert process.returncode == 0, stderr
    assert [row["counts"]["items"] for row in json.loads(stdout)["judges"]] == [36, 36]
