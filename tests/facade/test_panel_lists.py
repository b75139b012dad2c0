"""The list of a panel that a person works on: anew at each start, and never over that work."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from tests.facade.seated import RUBRIC, replays
from tests.recorded import always_first, pairs, reasoned

import judgefast
from judgefast.errors import RunDirectoryError
from judgefast.pipeline.panel_lists import reported
from judgefast.pipeline.panel_read import read_judges

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TWO = {"right": reasoned, "first": always_first}


def _judge(out: Path, **said: Any) -> judgefast.Panel:
    return judgefast.run(pairs()[:9], judges=replays(**(said or TWO)), rubric=RUBRIC, out=out)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _names(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()} - {"judges", "lock", "panel.json"}


def test_from_python_as_well_it_is_written_at_each_start(tmp_path: Path) -> None:
    panel = _judge(tmp_path)
    own = tmp_path / "disagreements.jsonl"
    assert len(_rows(own)) == panel.disagreements.num_rows == 9
    both = {f"also_{n}": reasoned for n in range(5)}
    more = _judge(tmp_path, **TWO, **both)
    assert len(_rows(own)) == more.disagreements.num_rows
    assert set(_rows(own)[0]) > {"also_4_verdict", "first_reason"}
    assert _names(tmp_path) == {"disagreements.jsonl", "lists.json"}


def _noted(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        row["verdict_of_anna"] = "a"


def _filled(rows: list[dict[str, Any]]) -> None:
    rows[0]["gold"] = "tie" if rows[0]["gold"] != "tie" else "a"


def _blanked(rows: list[dict[str, Any]]) -> None:
    rows[0]["gold"] = None


def _remarked(rows: list[dict[str, Any]]) -> None:
    rows[-1]["right_reason"] += " (no!)"


def _done(rows: list[dict[str, Any]]) -> None:
    del rows[0]


@pytest.mark.parametrize("work", [_noted, _filled, _blanked, _remarked, _done])
def test_whatever_a_person_did_to_it_is_kept(
    work: Callable[[list[dict[str, Any]]], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where the rows that were worked on are listed no more, since other judges agree."""
    _judge(tmp_path / "p")
    moved = tmp_path / "moved"
    shutil.move(tmp_path / "p", moved)
    own = moved / "disagreements.jsonl"
    _judge(moved)
    assert _names(moved) == {"disagreements.jsonl", "lists.json"}, "nobody has worked on it"
    rows = _rows(own)
    work(rows)
    own.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    worked_on = own.read_bytes()
    _judge(moved, **TWO, **{f"also_{n}": reasoned for n in range(5)})
    kept = moved / "disagreements.kept.jsonl"
    assert kept.read_bytes() == worked_on
    assert f"`{own}` was not as it was written: it is kept as `{kept}`" in caplog.text
    _judge(moved, **TWO, **{f"also_{n}": reasoned for n in range(5)})
    assert _names(moved) == {"disagreements.jsonl", "disagreements.kept.jsonl", "lists.json"}


def test_a_list_that_was_asked_for_is_known_too_by_the_panel_it_is_of(tmp_path: Path) -> None:
    """Of finished runs nothing is kept: there a list is replaced by an equal one alone."""
    out, look = tmp_path / "p", tmp_path / "look.csv"
    panel = _judge(out)
    assert reported(read_judges(out), look).listed == 9
    _judge(out, **TWO, third=reasoned)
    assert reported(read_judges(out), look).disagreements_file == str(look)
    assert {each.name for each in tmp_path.iterdir()} == {"p", "look.csv"}
    apart = judgefast.agree(panel.runs)._read()
    reported(apart, look)
    reported(apart, look)
    assert {each.name for each in tmp_path.iterdir()} == {"p", "look.csv", "look.kept.csv"}


def test_a_damaged_note_of_lists_and_a_folder_that_cannot_be_written_stop_no_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "p"
    _judge(out)
    (out / "lists.json").write_text("[1", "utf-8")
    assert reported(read_judges(out), tmp_path / "a.jsonl").listed == 9

    def refuses(path: Path, data: bytes) -> None:
        message = f"cannot write `{path}`"
        raise RunDirectoryError(message)

    monkeypatch.setattr("judgefast.pipeline.panel_lists.write_whole", refuses)
    assert reported(read_judges(out), tmp_path / "b.jsonl").listed == 9


def test_a_full_disk_is_said_and_leaves_the_list_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _judge(tmp_path)
    own = tmp_path / "disagreements.jsonl"
    before = own.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("judgefast.reports.export.os.fsync", full)
    with pytest.raises(RunDirectoryError, match=r"disagreements\.jsonl`: No space left") as caught:
        reported(read_judges(tmp_path), own)
    assert "make room on the disk" in str(caught.value.hint)
    monkeypatch.undo()
    assert own.read_bytes() == before
    assert _names(tmp_path) == {"disagreements.jsonl", "lists.json"}


def test_a_file_of_the_user_s_beside_a_list_is_left_alone_whatever_its_name(tmp_path: Path) -> None:
    _judge(tmp_path)
    for name in ("disagreements.new.jsonl", "disagreements.kept.jsonl"):
        (tmp_path / name).write_text("mine", "utf-8")
    (tmp_path / "disagreements.jsonl").write_text("changed\n", "utf-8")
    _judge(tmp_path)
    for name in ("disagreements.new.jsonl", "disagreements.kept.jsonl"):
        assert (tmp_path / name).read_text("utf-8") == "mine"
    assert (tmp_path / "disagreements.kept-2.jsonl").read_text("utf-8") == "changed\n"


def test_what_was_judged_has_its_report_also_where_the_list_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(reading: object) -> None:
        message = "cannot write `look`: No space left on device"
        raise RunDirectoryError(message)

    monkeypatch.setattr("judgefast.pipeline.panel_end.write_own", full)
    assert _judge(tmp_path).report.disagreements == 9
    assert "there is no list of what a person should look at: cannot write `look`" in caplog.text
