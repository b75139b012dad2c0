"""`docs/formats.md` beside a run directory that a run has left."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pytest
from click.testing import CliRunner
from tests.engines.scripted import ScriptedEngine, answered, failed

from judgefast.batches.tables import PLANNED, asks_schema, requests_schema
from judgefast.cli.app import app
from judgefast.config import RunConfig
from judgefast.engines.base import Completion
from judgefast.journal.open_segment import OpenSegment
from judgefast.pipeline.run import run

if TYPE_CHECKING:
    import pyarrow as pa

    from judgefast.batches.request import Request

ROOT = Path(__file__).resolve().parents[2]
DOCS = {page.name: page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")}
PAGE = DOCS["formats.md"]
[SQL] = re.findall(r"```sql\n(.*?)```", PAGE, flags=re.DOTALL)
[POLARS] = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of eight pairs, of which one order of each even one failed."""
    folder = tmp_path_factory.mktemp("formats") / "run"
    failing: set[str] = set()

    def answer(request: Request) -> Completion:
        if request.item_id not in failing and len(failing) < 3:
            failing.add(request.item_id)
            return failed(request)
        return answered(request, "A")

    config = RunConfig(
        data=(str(ROOT / "examples/pairs.jsonl"),), rubric="pairwise", out=str(folder), limit=8
    )
    finished = run(config, engine=ScriptedEngine(answer, takes="chat"), show_progress=False)
    assert finished.status == 3
    return folder


def test_the_lines_for_duckdb_run_as_they_stand(directory: Path) -> None:
    lines = SQL.replace("DIR", str(directory)).split(";\n")
    failures, shown, tokens, without_gold = (
        duckdb.sql(line).fetchall() for line in lines if line.strip()
    )
    assert [(count, why) for _, count, why in failures] == [(1, "the engine said no")] * 3
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key, _, _ in failures)
    assert len(shown) == 16
    assert {order for _, order, _ in shown} == {"forward", "swapped"}
    assert tokens == [(130, 13)]
    assert without_gold == []


def test_the_lines_for_polars_run_as_they_stand(directory: Path) -> None:
    lines = POLARS.replace("DIR", str(directory)).splitlines()
    ended, planned = (
        eval(line, {"pl": pl})  # noqa: S307 - the page is ours
        for line in lines
        if not line.startswith("#")
    )
    assert dict(ended.rows()) == {"stop": 13, "error": 3}
    assert len(planned) == 16
    assert planned["key"].to_list() == planned["request_id"].to_list()


def test_the_lines_of_the_readme_read_a_journal(directory: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8").replace("runs/today", str(directory))
    [sql] = re.findall(r"```sql\n(.*)  -- DuckDB\n```", readme)
    assert {row[0]: row[1:] for row in duckdb.sql(sql).fetchall()} == {
        "stop": (13, 13),
        "error": (3, None),
    }
    [line] = re.findall(r"```python\n(pl.*)  # polars\n```", readme)
    ended = eval(line, {"pl": pl})  # noqa: S307 - the page is ours
    assert dict(ended.rows()) == {"stop": 13, "error": 3}


def test_the_line_for_open_segments_gives_their_json(tmp_path: Path) -> None:
    for number in range(2):
        segment = OpenSegment(tmp_path / f"{number}.open")
        segment.write(
            [Completion(request_id=bytes(16), attempt=1, lane=0, text="A", finish_reason="stop")]
        )
        segment.close()
    [line] = re.findall(r"`(grep .*?-f 2-)`", PAGE)
    words = ["bash", "-c", line.replace("DIR/journal", str(tmp_path))]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [json.loads(each)["text"] for each in said] == ["A", "A"]


def test_the_line_of_the_reports_page_reads_an_exported_table(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    to = ["export", str(directory), "--to", "judgments.parquet"]
    assert CliRunner().invoke(app, to).exit_code == 0
    [line] = re.findall(r"```sql\n(.*?)  -- DuckDB\n```", DOCS["reports.md"])
    values = dict(duckdb.sql(line).fetchall())
    assert values
    assert all(0 <= value <= 1 for value in values.values())


def test_a_run_leaves_the_files_of_the_page_and_no_other(directory: Path) -> None:
    tree = section("The run directory").strip("\n").split("\n\n")[0]
    named = {line.split()[0].rstrip("/") for line in tree.splitlines()}
    assert {path.name for path in directory.iterdir()} == named - {".extension"}
    launch = r"[0-9a-f]{32}"
    forms = {
        "rows": r"part-\d{5}\.parquet",
        "plan": rf"(requests|asks)-\d{{6}}-{launch}\.parquet|plan\.json",
        "journal": rf"{launch}-\d{{6}}\.parquet(\.json)?",
        "launches": rf"{launch}\.json",
    }
    for folder, form in forms.items():
        names = [path.name for path in (directory / folder).iterdir()]
        assert names
        assert all(re.fullmatch(form, name) for name in names), names


@pytest.mark.parametrize(
    ("title", "schema"), [("Requests", requests_schema()), ("Asks", asks_schema())]
)
def test_the_columns_of_the_plan_are_those_of_the_page(title: str, schema: pa.Schema) -> None:
    text = PAGE.split(f"\n### {title}\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \|", text, flags=re.MULTILINE)
    assert rows == [(field.name, str(field.type)) for field in schema]
    if title == "Requests":
        assert all(f"`{name}`" in text for name in PLANNED)


def facts(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_facts_of_manifest_and_launch_are_on_the_page(directory: Path) -> None:
    manifest = facts(directory / "manifest.json")
    named = set(re.findall(r"`(\w+)`", section("Manifest")))
    parts = ("rubric", "data", "model", "engine", "seeds", "options")
    inner = {name for part in parts for name in manifest[part]}
    assert (manifest.keys() | inner) <= named
    assert facts(directory / "plan" / "plan.json").keys() <= set(
        re.findall(r"`(\w+)`", section("Plan"))
    )
    [launch] = map(facts, (directory / "launches").iterdir())
    said = set(re.findall(r"`(\w+)`", section("Launches")))
    assert launch.keys() | launch["seconds"].keys() <= said


def test_every_tag_of_a_hash_is_on_a_page_and_no_other() -> None:
    tag = re.compile(r"judgefast [a-z]+ \d+(?=[`\"\\])")
    sources = [*ROOT.glob("python/**/*.py"), *ROOT.glob("rust/*/src/**/*.rs")]
    used = {one for path in sources for one in tag.findall(path.read_text(encoding="utf-8"))}
    named = {one for text in DOCS.values() for one in tag.findall(text)}
    assert used == named
