"""`docs/plan.md`, its picture and the README's plans are those of the code."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import msgspec
import pytest
from benches.plan_picture import bars, computed, picture

from judgefast.pipeline import cached
from judgefast.reports import plan_report as structs
from judgefast.reports.plan_text import _ORDERS as ORDERS

from .test_pages import FENCE, Block, run_console

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(text: str) -> list[str]:
    rows = [row.split("|")[1] for row in text.splitlines() if row.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row)]


def test_the_picture_is_what_the_script_draws() -> None:
    assert (ROOT / "docs" / "plan.svg").read_text(encoding="utf-8") == picture()
    assert computed(bars(planned=True)) < 0.6 * computed(bars(planned=False))


def test_every_field_of_the_json_is_documented_and_no_other() -> None:
    assert sorted(first_cells(section("JSON"))) == sorted(structs.PlanReport.__struct_fields__)
    inner = {
        field
        for name, struct in vars(structs).items()
        if isinstance(struct, type) and issubclass(struct, msgspec.Struct) and name != "PlanReport"
        for field in struct.__struct_fields__
    }
    seconds = [row.split("|")[2] for row in section("JSON").splitlines() if row.startswith("| `")]
    named = {name for row in seconds for name in re.findall(r"`([^`]+)`", row)}
    assert inner <= named
    assert named - inner == {"null", *ORDERS}


def test_lines_codes_and_assumptions_are_those_of_the_code() -> None:
    assert set(ORDERS.values()) <= set(first_cells(section("What it says")))
    sources = [
        (ROOT / "python/judgefast/pipeline" / f"lint_{of}.py").read_text("utf-8")
        for of in ("rubric", "texts")
    ]
    codes = set(re.findall(r'code(?:, differ)? ?= ?"(\w+)"', "".join(sources)))
    listed = first_cells(section("What keeps prompts from sharing"))
    assert sorted(listed) == sorted(codes)
    table = section("The cache")
    for name, value in cached.ASSUMED.items():
        assert re.search(rf"`--{name.replace('_', '-')}`.*\| {value:,} \|", table)


@pytest.mark.slow
@pytest.mark.embedded
def test_the_readme_shows_what_plan_prints(shared: Path, tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = [Block(one[2], one[3], needs_model=True, line=0) for one in FENCE.finditer(text)]
    blocks = [one for one in found if one.text.startswith("$ judgefast plan")]
    assert len(blocks) == 1
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copy(shared / "data" / "pairs" / "llmbar_pairs.jsonl", tmp_path / "llmbar.jsonl")
    run_console(blocks[0], "README.md", tmp_path)
