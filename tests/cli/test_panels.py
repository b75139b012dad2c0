"""`judgefast run --judge`, `agree` and what else takes several judges, as a whole."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.program import program
from tests.recorded import EXAMPLES, always_first, pairs, record, write_lines

if TYPE_CHECKING:
    from collections.abc import Callable

SNAPSHOT = Path(__file__).parent / "snapshots" / "panel.txt"
RIGHT = "name=right,engine=replay,recorded=recorded.jsonl"
FIRST = "name=first,engine=replay,recorded=first.jsonl"
RUN = ("run", "pairs.jsonl", "--rubric", "pairwise-reasons")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recordings of two judges."""
    folder = tmp_path_factory.mktemp("panels")
    shutil.copy(EXAMPLES / "pairs.jsonl", folder)
    write_lines(folder / "recorded.jsonl", record(pairs()))
    write_lines(folder / "first.jsonl", record(pairs(), always_first))
    return folder


@pytest.fixture(scope="module")
def printed(stored: Path) -> str:
    """What two judges over the examples print; they are kept in `p`."""
    return _seen(stored, *RUN, "--judge", RIGHT, "--judge", FIRST, "--out", "p")


def _seen(folder: Path, *args: str) -> str:
    done = subprocess.run(
        [*program(), *args],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    return f"exit {done.returncode}\n--- stdout\n{done.stdout}--- stderr\n{done.stderr}"


def _body(seen: str) -> Any:
    return json.loads(seen.partition("--- stdout\n")[2].partition("--- stderr")[0])


def test_one_table_says_who_says_what_and_where_they_differ(printed: str, stored: Path) -> None:
    """Look at the table before `JUDGEFAST_WRITE_SNAPSHOTS=1` writes it anew."""
    seen = re.sub(r"\d+\.\d s\b", "... s", printed)
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        SNAPSHOT.write_text(seen, encoding="utf-8")
    assert seen == SNAPSHOT.read_text(encoding="utf-8")
    listed = (stored / "p/disagreements.jsonl").read_text("utf-8")
    rows = [json.loads(line) for line in listed.splitlines()]
    assert [row["level"] for row in rows] == ["medium"] * 36


def test_finished_runs_agree_as_a_panel_does(printed: str, stored: Path) -> None:
    del printed
    runs = ("right=p/judges/right", "p/judges/first")
    alpha = ("--alpha", "ordinal")
    one = _body(_seen(stored, "agree", *runs, "--json", "--disagreements", "d.jsonl", *alpha))
    two = _body(_seen(stored, "report", "p", "--json", "--disagreements", "look.csv", *alpha))
    assert two["agreement"]["scale"] == "ordinal"
    for part in ("agreement", "levels", "together", "joining", "effective"):
        assert one[part] == two[part]
    assert (stored / "d.jsonl").read_bytes() == (stored / "p/disagreements.jsonl").read_bytes()
    assert (two["disagreements"], two["listed"], two["disagreements_file"]) == (36, 36, "look.csv")


def test_the_same_command_goes_on_where_it_has_left_its_list(stored: Path) -> None:
    command = (*RUN, "--judge", RIGHT, "--judge", FIRST, "--out", "l", "--disagreements", "l.csv")
    for _ in range(2):
        seen = _seen(stored, *command)
        assert seen.startswith("exit 0"), seen
        assert "look at       36 units of low and medium agreement: l.csv" in seen
    own = stored / "l" / "disagreements.jsonl"
    own.unlink()
    seen = _seen(stored, "resume", "l")
    assert seen.startswith("exit 0"), seen
    assert own.exists()
    (stored / "l.csv").write_text("notes,of,mine\n", encoding="utf-8")
    for again in (command, ("report", "l", "--disagreements", "l.csv")):
        seen = _seen(stored, *again)
        assert seen.startswith("exit 2"), seen
        assert "`l.csv` is there already, and it is no list of disagreements" in seen
        assert "choose another name, or move the file away" in seen
    assert (stored / "l.csv").read_text("utf-8") == "notes,of,mine\n"


@pytest.mark.parametrize(
    "command",
    [
        ("gate", "p", "--rule", "win_rate >= 0.1"),
        ("agree", "p", "p"),
    ],
)
def test_what_takes_one_run_says_which_runs_a_panel_has(
    command: tuple[str, ...], printed: str, stored: Path
) -> None:
    del printed
    seen = _seen(stored, *command)
    assert seen.startswith("exit 2"), seen
    assert "`p` holds several judges, and this takes the run of one" in seen
    assert "name one of them: `p/judges/first`, `p/judges/right`" in seen


def test_data_that_are_not_there_leave_a_panel_as_it_was(stored: Path) -> None:
    judges = ("--judge", RIGHT, "--judge", FIRST, "--out", "t")
    assert _seen(stored, *RUN, *judges).startswith("exit 0")
    before = (stored / "t" / "panel.json").read_bytes()
    seen = _seen(stored, "run", "none.jsonl", *RUN[2:], *judges, "--level", "0.5")
    assert seen.startswith("exit 2"), seen
    assert "there is no file `none.jsonl`" in seen
    assert (stored / "t" / "panel.json").read_bytes() == before


def test_a_new_run_is_not_put_into_a_panel(printed: str, stored: Path) -> None:
    del printed
    one = ("--engine", "replay", "--recorded", "recorded.jsonl", "--out", "p")
    seen = _seen(stored, *RUN, *one)
    assert "error: `p` holds several judges, and a run takes a folder of its own" in seen
    assert "hint: choose a new or an empty folder" in seen


def test_an_item_is_shown_once_with_what_each_judge_said(printed: str, stored: Path) -> None:
    del printed
    seen = _seen(stored, "show", "p", "--id", "facts-cows")
    assert seen.count("What do cows eat?") == 1
    assert seen.index("== judge right") < seen.index("== judge first")
    assert "a (atlas), aspect quality: majority tied, mean 0.750; agreement medium" in seen


def test_tables_of_a_panel_are_exported(printed: str, stored: Path) -> None:
    del printed
    seen = _seen(stored, "export", "p", "--table", "panel", "--to", "panel.parquet", "--json")
    assert _body(seen) == {"path": "panel.parquet", "table": "panel", "rows": 36}


def test_a_config_file_has_tables_of_judges(stored: Path) -> None:
    tables = [
        'rubric = "pairwise-reasons"\nengine = "replay"\nalpha = "interval"\n',
        '[[judges]]\nname = "right"\nrecorded = "recorded.jsonl"\n',
        '[[judges]]\nname = "first"\nrecorded = "first.jsonl"\n',
    ]
    (stored / "c.toml").write_text("".join(tables))
    seen = _seen(stored, "run", "pairs.jsonl", "--config", "c.toml", "--out", "q")
    assert "levels        0 high, 36 medium, 0 low" in seen
    assert re.search(r"^alpha .*\]  interval$", seen, re.MULTILINE)
    assert "names several judges, and this is for one" in _seen(
        stored, "plan", "pairs.jsonl", "--config", "c.toml"
    )
    (stored / "wrong.toml").write_text("".join(tables) + 'dialekt = "openai"\n')
    command = ("run", "pairs.jsonl", "--config", "wrong.toml", "--out", "none")
    assert "error: `wrong.toml`, judge 2: unknown option `dialekt`" in _seen(stored, *command)
    for wrong, words in (
        ('judges = "embedded"', "`judges` is one thing, and takes a list of them"),
        ('[judges]\nname = "a"', "`judges` is one thing, and takes a list of them"),
        ("judges = []", "`wrong.toml`: a panel without judges"),
        ("[[judges]]\narg.x = 1", "hint: write engine_args = { NAME = VALUE }"),
    ):
        (stored / "wrong.toml").write_text('rubric = "pairwise"\n' + wrong)
        assert words in _seen(stored, *command)
    given = ("--judge", RIGHT, "--judge", f"{FIRST},dialect=klingon")
    seen = _seen(stored, *command, *given)
    assert "error: command line, judge 2: `dialect`: Invalid enum value 'klingon'" in seen
    assert "hint: it takes auto, systemone, openai, sglang" in seen


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--judge", "embeded", "--out", "none"), "did you mean `embedded`?"),
        (("--judge", RIGHT), "add --out DIR"),
        (("--side-by-side", "--out", "none"), "--side-by-side is for several judges"),
        (("--alpha", "ordinal", "--out", "none"), "--alpha is for several judges"),
        (("--disagreements", "d.csv", "--out", "none"), "--disagreements is for several judges"),
        (("--judge", RIGHT, "--out", "none", "--disagreements", "d.txt"), "end it in one of"),
    ],
)
def test_mistakes_end_with_status_2(args: tuple[str, ...], words: str, stored: Path) -> None:
    seen = _seen(stored, *RUN, *args)
    assert seen.startswith("exit 2"), seen
    assert words in seen
    assert not (stored / "none").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "flags"), [(signal.SIGINT, ("--side-by-side",)), (signal.SIGKILL, ())]
)
def test_a_panel_that_was_ended_goes_on_by_resume(
    how: signal.Signals,
    flags: tuple[str, ...],
    folder: Path,
    start: Callable[..., subprocess.Popen[str]],
    judgefast: Callable[..., str],
) -> None:
    judges = ["name=a,engine=own,arg.seconds=0.02", "name=b,engine=own,arg.seconds=0.021"]
    named = [part for judge in judges for part in ("--judge", judge)]
    process = start(*RUN, *named, "--out", "p", *flags)
    until = time.monotonic() + 120
    seats = ("a", "b") if flags else ("b",)
    while time.monotonic() < until and process.poll() is None:
        if all(any((folder / "p/judges" / s).glob("journal/*.open")) for s in seats):
            break
        time.sleep(0.02)
    os.kill(process.pid, how)
    stdout, stderr = process.communicate(timeout=120)
    if how is signal.SIGINT:
        assert (process.returncode, stdout) == (130, ""), stderr
        assert "go on with: judgefast resume p" in stderr
    seen = judgefast("resume", "p", "--json")
    assert seen.startswith("exit 0"), seen
    body = json.loads(seen.partition("--- stdout\n")[2].partition("--- stderr")[0])
    assert [row["counts"]["parsed"] for row in body["judges"]] == [72, 72]
    assert body["levels"] == {"high": 0, "medium": 36, "low": 0, "held_back": 36, "none": 0}


def test_rows_from_stdin_are_for_all_judges(stored: Path) -> None:
    args = ("run", "-", *RUN[2:], "--judge", RIGHT, "--judge", FIRST, "--out", "s", "--json")
    done = subprocess.run(
        [*program(), *args],
        cwd=stored,
        input=(stored / "pairs.jsonl").read_text("utf-8"),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert [row["counts"]["items"] for row in json.loads(done.stdout)["judges"]] == [36, 36]
