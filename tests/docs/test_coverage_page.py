"""The table of coverage is that of the record, and the record keeps what the project promises."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "statistics.md"
RECORD = json.loads((ROOT / "benches" / "results" / "coverage.json").read_text(encoding="utf-8"))


def check(page: Path) -> int:
    words = [sys.executable, "-m", "benches.coverage", "--check", "--page", str(page)]
    return subprocess.run(words, cwd=ROOT, timeout=60, check=False).returncode


def test_the_table_is_that_of_the_record(tmp_path: Path) -> None:
    assert check(PAGE) == 0
    text = PAGE.read_text(encoding="utf-8")
    held = f"{100 * RECORD['cells'][0]['coverage']:.1f} |"
    assert held in text
    (tmp_path / "statistics.md").write_text(text.replace(held, "95.0 |"), encoding="utf-8")
    assert check(tmp_path / "statistics.md") == 1


def test_the_record_is_of_the_whole_grid() -> None:
    cells = {(cell["clusters"], cell["share"]) for cell in RECORD["cells"]}
    shares = (0.03, 0.1, 0.2, 0.5, 0.8, 0.9, 0.97)
    assert cells == {(number, share) for number in (20, 40, 100, 200, 400) for share in shares}
    assert RECORD["runs"] >= 20_000
    assert (RECORD["level"], RECORD["host"]["cores"] > 0) == (0.95, True)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("clusters", [200, 400])
def test_it_holds_in_94_to_96_percent_from_200_clusters_on(clusters: int, share: float) -> None:
    (cell,) = [c for c in RECORD["cells"] if (c["clusters"], c["share"]) == (clusters, share)]
    assert 0.94 <= cell["coverage"] <= 0.96
    assert cell["methods"] == {"poisson-percentile": 1.0}
