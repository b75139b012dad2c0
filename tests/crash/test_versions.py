"""Every file of a run says of which version it is, and an unknown one is refused by its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from pyarrow import parquet

from judgefast import _native, formats
from judgefast.errors import RunDirectoryError
from tests.crash.things import rows_of
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.judging import by_hash, go_on, judge_rows, results_json, results_of
from tests.pipeline.test_interrupt import run_with

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WRITERS = {
    "rows": "judgefast.datasets.run_order.mark",
    "requests": "judgefast.journal.plan.mark",
    "asks": "judgefast.journal.plan.mark",
    "completions": "judgefast.journal.segments.mark",
}
FILES = {
    "rows": "rows/part-*.parquet",
    "requests": "plan/requests-*.parquet",
    "asks": "plan/asks-*.parquet",
    "completions": "journal/*.parquet",
}
JSON = ["manifest.json", "plan/plan.json", "launches/*.json", "journal/*.parquet.json"]


def refused(run: Path, pattern: str) -> None:
    """Reading and going on are refused, and nothing is set aside or removed."""
    before = sorted(run.rglob("*"))
    [path] = run.glob(pattern)
    for attempt in (lambda: results_of(run), lambda: go_on(run)):
        with pytest.raises(RunDirectoryError) as refusal:
            attempt()
        assert f"`{path}` has format 2; this judgefast reads 1" in str(refusal.value)
        assert str(refusal.value.hint).startswith("update judgefast")
    kept = [file for file in before if file.parent.name != "launches"]
    assert set(kept) <= set(run.rglob("*"))


@pytest.mark.parametrize("table", WRITERS)
def test_a_table_of_version_2_is_refused(
    table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def newer(name: str) -> dict[str, str]:
        return {formats.KEY: f"{name} {2 if name == table else 1}"}

    with monkeypatch.context() as patch:
        patch.setattr(WRITERS[table], newer)
        patch.setattr("judgefast.datasets.rows.check_table", lambda *_: None)
        patch.setattr("judgefast.journal.segments.check_table", lambda *_: None)
        patch.setattr("judgefast.journal.plan.check_table", lambda *_: None)
        judge_rows(tmp_path / "run", rows_of(2))
    refused(tmp_path / "run", FILES[table])


@pytest.mark.parametrize("pattern", JSON)
def test_a_json_file_of_version_2_is_refused(pattern: str, tmp_path: Path) -> None:
    judge_rows(tmp_path / "run", rows_of(2))
    [path] = (tmp_path / "run").glob(pattern)
    newer, count = re.subn(r'("format": ?)1', r"\g<1>2", path.read_text(), count=1)
    assert count == 1
    path.write_text(newer)
    refused(tmp_path / "run", pattern)


@pytest.fixture
def interrupted(tmp_path: Path, write_rows: Callable[..., Path]) -> Path:
    """A run whose segment is still open."""
    from judgefast.stopping import Stop  # noqa: PLC0415 - here alone

    stop = Stop()

    def answer(request: object) -> object:
        stop.requested = stop.requested or len(engine.submitted) > 8
        return by_hash(request)  # type: ignore[arg-type]  # a request

    engine = ScriptedEngine(answer, room=4, batch=2)  # type: ignore[arg-type]  # gives what `by_hash` gives
    assert run_with(stop, tmp_path / "run", write_rows(rows_of(9)), engine) == 130
    return tmp_path / "run"


def test_an_open_segment_of_version_2_is_refused(interrupted: Path) -> None:
    [path] = (interrupted / "journal").glob("*.open")
    head, rest = path.read_bytes().split(b"\n", 1)
    assert head[9:] == b'{"format":1,"table":"completions"}'
    path.write_bytes(_native.frame_lines(head[9:].replace(b"1", b"2") + b"\n") + rest)
    refused(interrupted, "journal/*.open")


def test_a_file_in_the_place_of_another_is_refused(tmp_path: Path) -> None:
    judge_rows(tmp_path / "run", rows_of(2))
    [rows] = (tmp_path / "run").glob(FILES["rows"])
    [asks] = (tmp_path / "run").glob(FILES["asks"])
    rows.write_bytes(asks.read_bytes())
    with pytest.raises(RunDirectoryError, match=r"part-00000.parquet` holds a part of `asks`"):
        results_of(tmp_path / "run")


def test_files_without_the_mark_are_of_the_first_version(interrupted: Path) -> None:
    before = results_json(interrupted)
    [lines] = (interrupted / "journal").glob("*.open")
    lines.write_bytes(lines.read_bytes().split(b"\n", 1)[1])
    [path] = interrupted.glob(FILES["rows"])
    table = parquet.read_table(path)
    assert table.schema.metadata[formats.KEY.encode()] == b"rows 1"
    parquet.write_table(table.replace_schema_metadata(None), path)
    assert results_json(interrupted) == before


def test_a_later_program_takes_files_without_the_mark_for_the_first_version_too(
    interrupted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = interrupted / "rows" / "part-00000.parquet"
    monkeypatch.setattr(formats, "FORMAT", 2)
    with pytest.raises(RunDirectoryError, match="has format 1; this judgefast reads 2"):
        formats.check_table(path, {}, "rows")
    with pytest.raises(RunDirectoryError, match="has format 1; this judgefast reads 2"):
        formats.decode_json(path, b"{}", dict)
