"""The list of what a person should look at: in its own order, whole, and in bounded memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import judgefast
from judgefast.errors import RunDirectoryError
from judgefast.pipeline import panel_lists, panel_rows
from judgefast.pipeline.listed_texts import listed_texts
from judgefast.pipeline.panel_lists import reported, write_own
from judgefast.pipeline.panel_read import read_judges
from judgefast.pipeline.placed_rows import PlacedRows, part_rows_of
from judgefast.reports.panel_text import render_panel
from tests.facade.seated import RUBRIC, replays
from tests.recorded import always_first, pairs, reasoned

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from judgefast.pipeline.results import Reading

NAMES = ["question", "forward_text", "swapped_text"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A judge who agrees with gold, and one who follows the place: all 36 units are to look at."""
    out = tmp_path_factory.mktemp("listed") / "p"
    judges = replays(right=reasoned, first=always_first)
    judgefast.run(pairs(), judges=judges, rubric=RUBRIC, out=out)
    return out


@pytest.fixture(scope="module")
def reading(folder: Path) -> Reading:
    """The first judge's run."""
    return read_judges(folder).joined.readings[0]


@pytest.fixture(scope="module")
def told(folder: Path) -> list[dict[str, Any]]:
    """Texts of each outcome of the first judge."""
    table = judgefast.Run.open(folder / "judges" / "right").table("judgments")
    rows: list[dict[str, Any]] = table.select(NAMES).to_pylist()
    return rows


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.integers(-1, 35), max_size=60), part_rows=st.integers(1, 40))
def test_texts_come_in_the_order_of_the_list_whatever_its_parts(
    rows: list[int], part_rows: int, reading: Reading, told: list[dict[str, Any]]
) -> None:
    found: list[dict[str, Any]] = []
    with listed_texts(reading, np.array(rows, np.int64), NAMES, part_rows) as texts:
        for start in range(0, len(rows), part_rows):
            columns = texts.slice(start, min(start + part_rows, len(rows)))
            lists = [columns[name].to_pylist() for name in NAMES]
            found += [dict(zip(NAMES, row, strict=True)) for row in zip(*lists, strict=True)]
    assert found == [dict.fromkeys(NAMES) if row < 0 else told[row] for row in rows]


def test_a_full_disk_of_temporary_files_is_said(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("judgefast.pipeline.placed_rows.pa.ipc.new_stream", full)
    with (
        pytest.raises(RunDirectoryError, match=r"00000\.arrows`: No space left on device"),
        listed_texts(reading, np.arange(9), NAMES, 4),
    ):
        pass


@pytest.mark.parametrize(
    ("length", "rows"), [(0, 8), (9, 8), (8 * 256, 8), (8 * 256 + 1, 9), (10**6, 3907)]
)
def test_a_long_list_has_longer_parts_and_never_more_files(length: int, rows: int) -> None:
    assert part_rows_of(length, 8) == rows
    assert length <= rows * 256


def test_what_is_asked_for_is_whole_and_the_panels_own_list_says_that_it_is_cut(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = judgefast.Panel.open(folder).disagreements.to_pylist()
    assert len(whole) == 36
    monkeypatch.setattr(panel_rows, "BATCH_UNITS", 7)
    monkeypatch.setattr(panel_lists, "MOST_LISTED", 10)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folders: list[Path] = []

    class Watched(PlacedRows):
        def slice(self, start: int, end: int) -> dict[str, pa.Array[Any]]:
            folders.extend(tmp_path.glob("judgefast-*"))
            return super().slice(start, end)

    monkeypatch.setattr("judgefast.pipeline.listed_texts.PlacedRows", Watched)
    own = folder / "disagreements.jsonl"
    reading = read_judges(folder)
    cut = reported(reading, own=write_own(reading))
    assert (cut.disagreements, cut.listed, cut.disagreements_file) == (36, 10, str(own))
    said = " ".join(render_panel(cut).split())
    assert f"the first 10 of 36 units of low and medium agreement: {own}" in said
    assert said.count("(--disagreements FILE lists all)") == 1
    assert [json.loads(line) for line in own.read_text("utf-8").splitlines()] == whole[:10]
    look = tmp_path / "look.jsonl"
    every = reported(reading, look, own=write_own(reading))
    assert (every.listed, every.disagreements_file) == (36, str(look))
    assert "lists all" not in render_panel(every)
    assert [json.loads(line) for line in look.read_text("utf-8").splitlines()] == whole
    assert len(own.read_text("utf-8").splitlines()) == 10
    panel = judgefast.Panel.open(folder)
    assert panel.export(tmp_path / "all.jsonl", table="disagreements") == 36
    assert (tmp_path / "all.jsonl").read_bytes() == look.read_bytes()
    assert [batch.num_rows for batch in panel.batches("disagreements")] == [7] * 5 + [1]
    assert len(set(folders)) == 10  # five lists of two judges
    assert not any(one.exists() for one in folders)
