"""Many judges, and one: the report stays one that a person reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.published.replays import write_rubric

import judgefast
from judgefast.pipeline import panel_findings
from judgefast.reports import panel_text
from judgefast.reports.panel_text import render_panel

if TYPE_CHECKING:
    from pathlib import Path

SCORES = (1, 2, 3, 5, 4, 2)


def _panel(folder: Path, judges: int, *, same: bool = False) -> judgefast.Panel:
    """Judges a step apart from each other, or all of one score throughout."""
    named: list[dict[str, Any]] = [
        {
            "name": f"j{judge}",
            "engine": "replay",
            "recorded": [
                {"id": f"i{at}", "score": 3 if same else (score + judge * at) % 5 + 1}
                for at, score in enumerate(SCORES)
            ],
        }
        for judge in range(judges)
    ]
    rubric = write_rubric(folder / "scores.toml", "scalar", 'name = "json"', scale=(1, 5))
    rubric.write_text(rubric.read_text("utf-8").replace("integer = false", ""), encoding="utf-8")
    return judgefast.run(judges=named, rubric=rubric, out=folder / f"p{judges}")


def test_of_very_many_pairs_the_first_are_shown_and_json_has_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (panel_text, panel_findings):
        monkeypatch.setattr(module, "MOST_PAIRS", 2)
    report = _panel(tmp_path, 3, same=True).report
    lines = render_panel(report).splitlines()
    assert report.agreement is not None
    assert len(report.agreement.pairs) == 3
    shown = [line.split("  ")[0] for line in lines if line.startswith(("j0, ", "j1, "))]
    assert shown == ["j0, j1", "j0, j2"] * 2  # kappas, and weighted ones
    assert "and 1 more pair in --json" in lines
    kinds = {finding.kind for finding in report.agreement.findings}
    assert {"undefined_agreement", "mostly_chance"} <= kinds
    (only,) = report.findings
    assert only.startswith("Krippendorff's ordinal alpha is undefined")


def test_weighted_kappas_of_three_judges_are_a_table_and_that_of_two_a_line(tmp_path: Path) -> None:
    lines = render_panel(_panel(tmp_path, 3).report).splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("By steps apart, squared"))
    shown = [line.split("  ")[0] for line in lines[at + 1 : at + 4]]
    assert shown == ["j0, j1", "j0, j2", "j1, j2"]
    two = render_panel(_panel(tmp_path, 2).report).splitlines()
    assert sum(line.startswith("weighted") for line in two) == 1
    assert not any(line.startswith("By steps") for line in two)


def test_one_judge_says_nothing_together(tmp_path: Path) -> None:
    text = render_panel(_panel(tmp_path, 1).report)
    assert "majority" not in text
