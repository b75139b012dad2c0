"""The tables of coverage are those of their records, which keep what the project promises."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "statistics.md"
ADAPTIVE_PAGE = ROOT / "docs" / "adaptive.md"


def record(bench: str) -> dict[str, Any]:
    path = ROOT / "benches" / "results" / f"{bench}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


RECORD = record("coverage")
FEW = record("few_changes")
ADAPTIVE = record("null_adaptive")
AGREEMENT = record("agreement_coverage")


def check(bench: str, page: Path) -> int:
    words = [sys.executable, "-m", f"benches.{bench}", "--check", "--page", str(page)]
    return subprocess.run(words, cwd=ROOT, timeout=60, check=False).returncode


@pytest.mark.parametrize(
    ("bench", "row", "page"),
    [
        ("coverage", "| 0.03 | ", PAGE),
        ("few_changes", "| 3, 0 | ", PAGE),
        ("null_adaptive", "| additive | average | ", ADAPTIVE_PAGE),
        ("agreement_coverage", "| 0.8, 0.2 (of 2) | 3 | 0.7 | ", PAGE),
    ],
)
def test_the_table_is_that_of_the_record(bench: str, row: str, page: Path, tmp_path: Path) -> None:
    assert check(bench, page) == 0
    text = page.read_text(encoding="utf-8")
    assert row in text
    (tmp_path / "statistics.md").write_text(text.replace(row, row + "0"), encoding="utf-8")
    assert check(bench, tmp_path / "statistics.md") == 1


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


def test_where_few_clusters_differ_it_holds_in_at_least_94_percent() -> None:
    assert FEW["runs"] >= 20_000
    assert len(FEW["cells"]) == 16
    assert min(cell["coverage"] for cell in FEW["cells"]) >= 0.94
    assert min(cell["without"] for cell in FEW["cells"]) < 0.5, "what the rule is for"


def test_with_adaptive_orders_it_holds_and_more_often_only_where_few_were_audited() -> None:
    assert ADAPTIVE["runs"] >= 5_000
    given = [cell for cell in ADAPTIVE["cells"] if cell["undefined"] < 0.5]
    assert len(given) > 40
    assert min(cell["coverage"] for cell in given) >= 0.94
    assert min(cell["of_asked"] for cell in given) >= 0.96
    many = [cell for cell in given if cell["audited"] >= ADAPTIVE["from"]]
    assert max(cell["coverage"] for cell in many) <= 0.962, "96 %, and most of a standard error"


def test_agreement_holds_in_93_to_98_percent_from_200_clusters_on() -> None:
    assert AGREEMENT["runs"] >= 1000
    assert len(AGREEMENT["cells"]) == 240
    many = [cell["coverage"] for cell in AGREEMENT["cells"] if cell["clusters"] == 200]
    assert (min(many), max(many)) == (
        pytest.approx(0.936, abs=5e-4),
        pytest.approx(0.973, abs=5e-4),
    )
    high = [cell["coverage"] for cell in AGREEMENT["cells"] if cell["truth"] >= 0.7]
    assert min(high) > 0.91
