"""`docs/published.md` holds what `benches/published.py` makes of the replays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

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


def test_each_cell_of_both_sources_has_a_row() -> None:
    rows = [
        line for line in PAGE.splitlines() if line.startswith(("| ChatGPT", "| LLaMA2", "| PaLM2"))
    ]
    assert len(rows) == len(set(rows)) == 36
    assert (
        sum(line.startswith(("| claude", "| gemini", "| gpt-3.5")) for line in PAGE.splitlines())
        == 9
    )
