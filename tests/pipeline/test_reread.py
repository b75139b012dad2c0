"""A run that is written as another rubric reads it: whole, or not there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.errors import RunDirectoryError
from judgefast.pipeline import reread
from judgefast.pipeline.reread import write_reread
from judgefast.pipeline.results import read_run
from tests.pipeline.judging import judge_rows, pairs

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.pipeline.results import Reading


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    judge_rows(tmp_path / "run", pairs(3))
    return read_run(tmp_path / "run")


def test_a_folder_that_somebody_makes_meanwhile_stays_theirs(
    reading: Reading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = reread.WriteLock

    def meanwhile(path: Path) -> Any:
        (tmp_path / "new").mkdir()
        (tmp_path / "new" / "theirs").write_text("x")
        return lock(path)

    monkeypatch.setattr(reread, "WriteLock", meanwhile)
    with pytest.raises(RunDirectoryError, match="File exists"):
        write_reread(reading, tmp_path / "new")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["theirs"]


@pytest.mark.parametrize("what", [KeyboardInterrupt(), RunDirectoryError("no room")])
def test_nothing_is_left_of_a_copy_that_was_cut_short(
    reading: Reading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: BaseException
) -> None:
    def fails(*_: object) -> None:
        raise what

    monkeypatch.setattr(reread, "write_manifest", fails)
    with pytest.raises(type(what)):
        write_reread(reading, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_copies_are_on_the_disk_before_the_manifest_says_that_there_is_a_run(
    reading: Reading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[Path] = set()

    def no_links(*_: object) -> None:
        raise OSError

    def checked(*_: object) -> None:
        new = tmp_path / "new"
        made = {new.parent, new, *new.rglob("*")}
        assert made <= synced
        assert len(made) > 8

    for name in ("sync_file", "sync_folder"):
        monkeypatch.setattr(reread, name, synced.add)
    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(reread, "write_manifest", checked)
    write_reread(reading, tmp_path / "new")
