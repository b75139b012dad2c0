"""What `docs/formats.md` says of several judges is what their directory, tables and report hold."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.recorded import always_first, pairs, record

import judgefast
from judgefast.pipeline import panel_directory
from judgefast.pipeline.panel_rows import (
    DISAGREEMENTS_FORMAT,
    MOST_LISTED,
    PANEL_FORMAT,
    disagreements_schema,
    panel_schema,
)
from judgefast.reports import panel_report
from judgefast.stats import agreed

if TYPE_CHECKING:
    import msgspec
    import pyarrow as pa

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
SECTION = PAGE.split("\n## Several judges\n")[1].split("\n## ")[0]
OBJECTS: dict[str, type[msgspec.Struct]] = {
    "the report": panel_report.PanelReport,
    "one of `judges`": panel_report.JudgeRow,
    "`cost`": panel_report.JudgeCost,
    "one of `together`": panel_report.TogetherRow,
    "`joining`": panel_report.Joining,
    "an agreement": agreed.Agreement,
    "one of `pairs`": agreed.PairAgreement,
    "`levels`": panel_report.Levels,
    "`effective`": agreed.EffectiveJudges,
}


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of two judges of one tokenizer, as the command line leaves it."""
    from click.testing import CliRunner  # noqa: PLC0415 - with the command line
    from tests.recorded import EXAMPLES, write_lines  # noqa: PLC0415 - as above

    from judgefast.cli.app import app  # noqa: PLC0415 - as above

    folder = tmp_path_factory.mktemp("formats")
    command = ["run", str(EXAMPLES / "pairs.jsonl"), "--rubric", "pairwise-reasons"]
    for name, said in (("a", record(pairs())), ("b", record(pairs(), always_first))):
        path = write_lines(folder / f"{name}.jsonl", said)
        command += ["--judge", f"name={name},engine=replay,recorded={path}"]
    done = CliRunner().invoke(app, [*command, "--out", str(folder / "p")])
    assert done.exit_code == 0, done.output
    return folder / "p"


def part(title: str) -> str:
    return SECTION.split(f"\n### {title}\n")[1].split("\n### ")[0]


def rows_of(text: str) -> list[list[str]]:
    """Cells of every row of the tables in a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rules = [at for at, row in enumerate(cells) if row[0].startswith("---")]
    return [row for at, row in enumerate(cells) if at not in rules and at + 1 not in rules]


def test_a_panel_leaves_the_files_of_the_page_and_no_other(panel: Path) -> None:
    tree = SECTION.split("\n\n")[1]
    named = {line.split()[0].split("/")[0] for line in tree.splitlines() if line.strip()}
    left = {path.name for path in panel.iterdir()}
    assert left == named - {panel_directory.TOKENS}  # recordings are given no prompts
    constants = {
        panel_directory.NAME,
        panel_directory.JUDGES,
        panel_directory.TOKENS,
        panel_directory.DISAGREEMENTS,
        panel_directory.LISTS,
    }
    assert named == constants | {"lock"}
    assert {path.name for path in (panel / "judges").iterdir()} == {"a", "b"}


def test_the_fields_of_panel_json_are_on_the_page_and_no_other(panel: Path) -> None:
    told = [name for row in rows_of(SECTION)[:3] for name in re.findall(r"`(\w+)`", row[0])]
    assert told == list(panel_directory.PanelFile.__struct_fields__)
    held = json.loads((panel / panel_directory.NAME).read_text("utf-8"))
    assert list(held) == told
    [row] = [row for row in rows_of(SECTION) if row[0] == "`judges`"]
    for judge in held["judges"]:
        assert all(f"`{name}`" in row[1] for name in judge)
        assert "out" not in judge["config"]
    [row] = [row for row in rows_of(SECTION) if row[0].startswith("`format`")]
    assert row[1].startswith(f"{held['format']};")


@pytest.mark.parametrize(
    ("title", "schema", "version"),
    [
        ("The table panel", panel_schema(["NAME"]), PANEL_FORMAT),
        ("The table disagreements", disagreements_schema(["NAME"]), DISAGREEMENTS_FORMAT),
    ],
)
def test_the_columns_of_a_table_are_those_of_the_page(
    title: str, schema: pa.Schema, version: str
) -> None:
    told = [(row[0].strip("`"), row[1].strip("`")) for row in rows_of(part(title))]
    assert told == [(field.name, str(field.type)) for field in schema]
    assert f"`{version}`" in part(title)


def test_the_file_of_disagreements_is_the_table(panel: Path) -> None:
    lines = (panel / panel_directory.DISAGREEMENTS).read_text("utf-8").splitlines()
    assert lines
    for line in lines:
        assert list(json.loads(line)) == disagreements_schema(["a", "b"]).names
    assert f"at most {MOST_LISTED:,}" in part("The table disagreements")


def test_the_fields_of_the_report_are_on_the_page_and_no_other() -> None:
    text = part("The report of several judges")
    told = {}
    for row in rows_of(text):
        words = re.sub(r"\([^)]*\)|\{[^}]*\}+", "", row[1])
        told[row[0]] = re.findall(r"`(\w+)`", words)
    assert told == {name: list(struct.__struct_fields__) for name, struct in OBJECTS.items()}
    assert f"`format` is {panel_report.PANEL_FORMAT}" in text


def test_no_struct_of_the_report_is_left_out(panel: Path) -> None:
    own = {
        struct
        for module in (panel_report, agreed)
        for struct in vars(module).values()
        if isinstance(struct, type) and struct.__module__ == module.__name__
    }
    assert own == set(OBJECTS.values())
    report = judgefast.Panel.open(panel).report
    assert report.agreement is not None
    assert report.effective is not None
