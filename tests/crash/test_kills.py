"""`kill -9` of all processes of a run at random moments: nothing is lost, nothing counts twice.

`JUDGEFAST_KILLS=1000` kills so often on recorded outputs (`make crash`).
"""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import judgefast
from tests.crash.killing import Killing, journaled
from tests.crash.things import MOST_TWICE
from tests.pipeline.judging import pairs
from tests.pipeline.test_crash import asked, results
from tests.recorded import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
KILLS = int(os.environ.get("JUDGEFAST_KILLS", "50"))
RESUME = ["resume", "run", "--json"]
ITEMS = 300
MORE = 330

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables under which `--engine served` is `ServedEngine`."""
    site = tmp_path_factory.mktemp("site")
    info = site / "served_judge-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: served-judge\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[judgefast.engines]\nserved = tests.crash.served_engine:ServedEngine\n"
    )
    paths = [str(site), str(ROOT), str(Path(judgefast.__file__).parents[1])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def write_recorded(path: Path, items: int, verdict: str = "[[{}]]") -> None:
    """Both orders of each item; one text in eleven holds no verdict."""
    with path.open("w") as file:
        for item in range(items):
            for place, order in enumerate(("ab", "ba")):
                number = 2 * item + place
                text = "?" if number % 11 == 0 else verdict.format("ABC"[number % 3])
                row = {"id": f"q{item}", "order": order, "text": text}
                file.write(json.dumps(row) + "\n")


def replay(recorded: Path, out: str, *more: object) -> list[object]:
    line = ["run", "--engine", "replay", "--recorded", recorded, "--rubric", "pairwise-bracket"]
    return [*line, "--out", out, "--json", *more]


def order_of(stdout: str, run: Path) -> str:
    """The order of sending of a whole run: one digest, whoever tells of it."""
    order = json.loads(stdout)["operations"]["order"]
    assert order["known"] == order["requests"]
    assert order["sent"] == order["planned"]
    assert order["planned"] == json.loads((run / "plan" / "plan.json").read_bytes())["digest"]
    digest: str = order["planned"]
    return digest


def print_phases(
    capsys: pytest.CaptureFixture[str], engine: str, phases: Counter[str], starts: int
) -> None:
    with capsys.disabled():
        hit = ", ".join(f"{count} {phase}" for phase, count in phases.most_common())
        print(f"\n{engine}: {phases.total()} kills in {starts} starts: {hit}")  # noqa: T201 - a record of what was hit


@pytest.mark.timeout(max(900, 12 * KILLS))
def test_on_recorded_outputs_the_report_is_that_of_an_undisturbed_run(
    tmp_path: Path, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    moments = random.Random(9)  # noqa: S311 - moments, not secrets
    few, more = tmp_path / "few.jsonl", tmp_path / "more.jsonl"
    write_recorded(few, ITEMS)
    write_recorded(more, MORE)
    plain = Killing(tmp_path / "whole", "run", environment, "tests.crash.paced")
    began = time.monotonic()
    expected = results(plain.whole(replay(few, "run")))
    seconds = time.monotonic() - began
    grown = results(plain.whole(replay(more, "run", "--extend")))
    phases: Counter[str] = Counter()
    starts = 0
    # Where a random moment falls is luck: it goes on until all that was meant to be hit is hit.
    while phases.total() < KILLS or phases["judging"] < KILLS / 4 or len(phases) < 5:
        killing = Killing(tmp_path / "killed", "run", environment, "tests.crash.paced")
        for first, wanted in (
            (replay(few, "run"), expected),
            (replay(more, "run", "--extend"), grown),
        ):
            words = first
            while killing.until_killed(words, moments, seconds):
                starts += 1
                is_same = first[-1] == "--extend" or not (killing.run / "manifest.json").exists()
                words = first if is_same or moments.random() < 0.5 else RESUME
            assert results(killing.whole(first)) == wanted
            starts += 2
        phases += killing.phases
        killing.begin_anew()
    print_phases(capsys, "replay", phases, starts)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Address and log of a judge that no kill of the test reaches."""
    address, log = tmp_path / "judge", tmp_path / "log"
    log.touch()
    command = [sys.executable, str(Path(__file__).with_name("judge_server.py")), address, log]
    with subprocess.Popen(command, start_new_session=True) as process:
        while not address.exists():
            assert process.poll() is None
            time.sleep(0.01)
        yield address, log
        process.kill()


@pytest.mark.timeout(900)
def test_a_judge_of_its_own_serves_twice_at_most_what_was_in_flight_or_waited_for_the_journal(
    tmp_path: Path,
    environment: dict[str, str],
    server: tuple[Path, Path],
    write_rows: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    moments = random.Random(10)  # noqa: S311 - moments, not secrets
    address, log = server
    words: list[object] = ["run", write_rows(pairs(300)), "--rubric", "pairwise", "--json"]
    words += ["--engine", "served", "--engine-arg", f"address={address}", "--out", "run"]
    began = time.monotonic()
    plain = Killing(tmp_path / "whole", "run", environment, "tests.crash.paced")
    undisturbed = plain.whole(words)
    expected, order = results(undisturbed), order_of(undisturbed, plain.run)
    seconds = time.monotonic() - began
    phases: Counter[str] = Counter()
    runs = 0
    while phases.total() < 12 or phases["judging"] < 3:
        log.write_bytes(b"")
        killing = Killing(tmp_path / "killed", "run", environment, "tests.crash.paced")
        while killing.kills < 12 and killing.until_killed(words, moments, seconds):
            served = asked(log)
            kept = {written.request_id for written in journaled(killing.run).values()}
            assert kept <= served.keys()
            assert len(served.keys() - kept) <= MOST_TWICE
        report = killing.whole(words)
        assert results(report) == expected
        assert order_of(report, killing.run) == order
        served = asked(log)
        assert len(served) == len(journaled(killing.run)) == 600
        assert sum(served.values()) - 600 <= killing.kills * MOST_TWICE
        phases += killing.phases
        runs += 1
        killing.begin_anew()
    print_phases(capsys, "a judge of its own", phases, phases.total() + runs)


def test_killed_ten_times_the_eleventh_start_reports_as_if_nothing_had_been(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    [line] = re.findall(r"^\$ judgefast (run --engine replay .*)$", README, flags=re.MULTILINE)
    words = shlex.split(line)
    moments = random.Random(11)  # noqa: S311 - moments, not secrets
    reports = []
    seconds = 0.0
    for name in ("undisturbed", "killed"):
        out = words[words.index("--out") + 1]
        began = time.monotonic()
        killing = Killing(tmp_path / name, out, environment, "tests.crash.paced")
        write_recorded(tmp_path / name / words[words.index("--recorded") + 1], 2 * ITEMS, "{}")
        while name == "killed" and killing.kills < 10:
            if not killing.until_killed(words, moments, seconds / 3):
                killing.begin_anew()  # it had ended: ten in a row, from the start
                killing.phases.clear()
        reports.append(killing.whole(words).partition("\nRun\n")[0])
        seconds = time.monotonic() - began
    assert killing.kills == 10
    assert reports[0].startswith("replayed  rubric pairwise (")
    assert reports[0] == reports[1], "all but how it went"


@pytest.mark.embedded
@pytest.mark.timeout(900)
def test_on_the_embedded_engine_nothing_that_was_journaled_changes(
    tmp_path: Path, environment: dict[str, str], weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert weights.is_file()
    moments = random.Random(12)  # noqa: S311 - moments, not secrets
    killing = Killing(tmp_path, "run", environment, "judgefast")
    words: list[object] = ["run", EXAMPLES / "pairs.jsonl", "--rubric", "pairwise", "--json"]
    words += ["--engine", "embedded", "--limit", "20", "--out", "run"]
    starts = 0
    while killing.kills < 10:
        if not killing.until_killed(words, moments, 8):
            killing.begin_anew()
        starts += 1
    report = killing.whole(words)
    order_of(report, killing.run)
    counts = json.loads(report)["results"]["counts"]
    assert counts["parsed"] + sum(counts["unparsed"].values()) == counts["planned"]
    print_phases(capsys, "embedded", killing.phases, starts + 1)
