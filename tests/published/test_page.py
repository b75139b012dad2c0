"""`docs/published.md` holds what `benches/published.py` makes of the replays."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "published.md").read_text(encoding="utf-8")


def make(page: Path, shared: Path) -> subprocess.CompletedProcess[str]:
    words = ["--page", str(page), "--shared", str(shared)]
    return subprocess.run(
        [sys.executable, "-m", "benches.published", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


@pytest.mark.slow
def test_the_tables_are_what_comes_out_of_the_replays(shared: Path, tmp_path: Path) -> None:
    row = "| PaLM2 | CoT | Natural | 100 | 73.0 |"
    assert row in PAGE
    copy = tmp_path / "published.md"
    copy.write_text(PAGE.replace(row, row.replace("73.0", "74.0")), encoding="utf-8")
    made = make(copy, shared)
    assert made.returncode == 0, made.stderr
    assert copy.read_text(encoding="utf-8") == PAGE


def test_a_figure_that_is_not_as_published_stops_the_script(shared: Path, tmp_path: Path) -> None:
    pairs, page = tmp_path / "data" / "pairs", tmp_path / "published.md"
    pairs.mkdir(parents=True)
    name = "llmbar_judgments.jsonl"
    (pairs / name).symlink_to(shared / "data" / "pairs" / name)
    cells = json.loads((shared / "data" / "pairs" / "llmbar_expected.json").read_text())
    (first,) = [cell for cell in cells if cell["judge"] == "ChatGPT"][:1]
    first["agreement"] += 1
    (pairs / "llmbar_expected.json").write_text(json.dumps(cells))
    page.write_text(PAGE, encoding="utf-8")
    made = make(page, tmp_path)
    assert made.returncode == 1
    assert "agreement is 64.0, published 65.0" in made.stderr
    assert page.read_text(encoding="utf-8") == PAGE


def test_each_cell_of_the_pairwise_sources_has_a_row() -> None:
    rows = [
        line for line in PAGE.splitlines() if line.startswith(("| ChatGPT", "| LLaMA2", "| PaLM2"))
    ]
    assert len(rows) == len(set(rows)) == 36
    cells = re.findall(r"^\| (?:claude|gemini|gpt-3\.5)[^|]*\| [123] \| 192 \|", PAGE, re.MULTILINE)
    assert len(cells) == len(set(cells)) == 9


def rows_that_begin(*cells: str) -> list[str]:
    return [line for line in PAGE.splitlines() if line.startswith(f"| {' | '.join(cells)} |")]


def test_each_published_figure_of_the_other_sources_has_a_row(shared: Path) -> None:
    def expected(path: str) -> Any:
        return json.loads((shared / "data" / path).read_text("utf-8"))

    for model, cell in expected("scalar/wildbench_expected.json")["models"].items():
        assert len(rows_that_begin(model, f"{cell['total']:,}", repr(cell["score"]))) == 1
    for cell in expected("scalar/composo_expected.json")["rows"]:
        words = re.fullmatch(r"n=(\d+) (\S+)% ±(\S+)pp \$(\S+)", cell["published"])
        assert words is not None
        n, share, half, usd = words.groups()
        (row,) = rows_that_begin(cell["model"], str(cell["k"]), f"{int(n):,}", f"{share} ±{half}")
        assert f"| {usd} |" in row
    for file, cell in expected("scalar/vicuna_expected.json").items():
        beside = file.rpartition("review_")[2].removesuffix("_vicuna-13b")
        totals = (f"{cell['total_1']:.1f}", f"{cell['total_2']:.1f}")
        assert len(rows_that_begin(beside, "80", *totals)) == 1
    (slots,) = expected("swap/fourway_expected.json").values()
    for slot in "ABCD":
        assert len(rows_that_begin(slot, "1,763", f"{slots[slot]:.4f}")) == 1
    low, high = slots["spread_ci95"]
    assert len(rows_that_begin("spread", "1,763", f"{slots['spread']:.4f} [{low}, {high}]")) == 1
