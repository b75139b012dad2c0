"""A process that dies before any one of its system calls leaves a run that loses nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import judgefast
from judgefast.errors import RunDirectoryError
from judgefast.journal.run_directory import RunDirectory
from tests.crash.things import (
    ACKNOWLEDGED,
    FIRST,
    ITEMS,
    MOST_TWICE,
    PLANNED,
    engine_of,
    plan_part,
    rows_of,
)
from tests.journal.test_crash import numbers_of
from tests.pipeline.judging import attempts_of, go_on, judge_rows, results_json, results_of
from tests.pipeline.test_crash import asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from judgefast.engines.base import Completion
    from judgefast.journal.manifest import Manifest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
]


def left_behind(thing: str, folder: Path, *, at_least: int) -> Iterator[tuple[str, Path]]:
    """Every folder that a dying process left, with what it was about to do."""
    package = Path(judgefast.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.dying", thing, str(folder)],
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{package}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    deaths = done.stdout.splitlines()
    assert len(deaths) >= at_least, deaths
    for number, death in enumerate(deaths, 1):
        yield death, folder / str(number)


def names(run: Path) -> set[str]:
    return {str(path.relative_to(run)) for path in run.rglob("*")}


def test_completions(
    tmp_path: Path, manifest: Manifest, completion: Callable[..., Completion]
) -> None:
    run = tmp_path / "base" / "run"
    with RunDirectory.create(run, manifest) as directory:
        directory.journal.append([completion(number) for number in range(5)])
        directory.close(to_parquet=False)
    with next((run / "journal").glob("*.open")).open("ab") as file:
        file.write(b"1234abcd {")
    for death, folder in left_behind("journal", tmp_path, at_least=40):
        said = folder / ACKNOWLEDGED
        acknowledged = range(FIRST, int(said.read_text() or FIRST) if said.exists() else FIRST)
        before = names(folder / "run")
        with RunDirectory.open(folder / "run", write=False) as reader:
            seen = numbers_of(reader)
            assert not [note for note in reader.notes if "damaged" in note], death
        assert names(folder / "run") == before, "a reader changes nothing"
        assert {*range(5), *acknowledged} <= seen.keys(), death
        assert set(seen.values()) == {1}, death
        with RunDirectory.open(folder / "run", write=True) as directory:
            assert numbers_of(directory) == seen, death
            assert not [note for note in directory.notes if "damaged" in note], death
        left = {path.suffix for path in (folder / "run" / "journal").iterdir()}
        assert left <= {".parquet", ".json"}, death


def test_a_plan(tmp_path: Path, manifest: Manifest) -> None:
    with RunDirectory.create(tmp_path / "base" / "run", manifest) as directory:
        directory.write_plan(plan_part(0), plan_part(0))
    for death, folder in left_behind("plan", tmp_path, at_least=30):
        with RunDirectory.open(folder / "run", write=True) as directory:
            if not directory.plan_complete():
                assert list(directory.plan_requests()) == []
                assert not list((folder / "run" / "plan").iterdir()), death
                for number in range(PLANNED):
                    directory.write_plan(plan_part(number), plan_part(number))
                directory.seal_plan({"requests": PLANNED})
            for batches in (directory.plan_requests(), directory.plan_asks()):
                found = [number for batch in batches for number in batch[0].to_pylist()]
                assert found == [0, 10, 1, 11, 2, 12], death
            assert len(list((folder / "run" / "plan").iterdir())) == 2 * PLANNED + 1


def test_a_run_from_start_to_report(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    judge_rows(tmp_path / "whole" / "run", rows_of(ITEMS))
    expected = results_json(tmp_path / "whole" / "run")
    most = 0
    for death, folder in left_behind("whole", tmp_path, at_least=50):
        run, log = folder / "run", folder / "log"
        journaled = attempts_of(run) if (run / "manifest.json").exists() else []
        before = asked(log) if log.exists() else Counter[str]()
        assert sum(before.values()) - len(journaled) <= MOST_TWICE, death
        judge_rows(run, rows_of(ITEMS), engine=engine_of(folder))
        assert results_json(run) == expected, death
        kept = attempts_of(run)
        assert [row for row in journaled if row not in kept] == [], death
        served = asked(log)
        assert Counter(row["request_id"].hex() for row in kept) == Counter(served.keys()), death
        twice = sum(served.values()) - len(served)
        assert twice == sum(before.values()) - len(journaled), death
        most = max(most, twice)
        assert not [name for name in names(run) if name.endswith(".tmp") or ".rows-" in name], death
    assert most, "some die while requests are in flight"


def test_a_run_that_grows(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    judge_rows(tmp_path / "base" / "run", rows_of(3), engine=engine_of(tmp_path / "base"))
    shutil.copytree(tmp_path / "base", tmp_path / "five")
    judge_rows(tmp_path / "five" / "run", rows_of(5), extend=True)
    expected = results_json(tmp_path / "five" / "run")
    for death, folder in left_behind("extend", tmp_path, at_least=60):
        run = folder / "run"
        try:
            assert results_of(run).counts.items in {3, 5}, death
        except RunDirectoryError as error:
            assert "resume" in str(error.hint), (death, str(error))  # noqa: PT017 - either way
        go_on(run, engine=engine_of(folder))
        counts = results_of(run).counts
        assert (counts.items, counts.parsed) in {(3, 6), (5, 10)}, death
        assert not (run / ".extension").exists(), death
        judge_rows(run, rows_of(5), extend=True, engine=engine_of(folder))
        assert results_json(run) == expected, death
        served = asked(folder / "log")
        assert len(served) == 10, death
        assert sum(served.values()) - 10 <= MOST_TWICE, death
