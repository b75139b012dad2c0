"""Panels over answers of several models: each pair has its figures by every judge."""

from __future__ import annotations

import json
from itertools import permutations
from typing import TYPE_CHECKING, Any

from tests.recorded import replayed

import judgefast
from judgefast.reports.panel_models import MOST
from judgefast.reports.panel_text import render_panel

if TYPE_CHECKING:
    from pathlib import Path

MODELS = ("x", "y", "z")
"""The better, the earlier."""


def _judge(name: str, rows: list[dict[str, Any]], *, is_right: bool) -> dict[str, Any]:
    """A judge who prefers what comes earlier in the row, or later, and in both orders."""
    said = []
    for row in rows:
        for shown in permutations(range(len(row["answers"])), 2):
            letter = "A" if (shown[0] < shown[1]) == is_right else "B"
            words = json.dumps({"verdict": letter, "reason": name})
            said.append({"id": row["id"], "shown": list(shown), "text": words})
    return replayed(name, said)


def _shown(out: Path, models: tuple[str, ...]) -> list[str]:
    rows: list[dict[str, Any]] = [
        {
            "id": f"q{item}",
            "question": "?",
            "answers": [{"model": model, "text": f"{model} {item}"} for model in models],
        }
        for item in range(6)
    ]
    judges = [_judge("right", rows, is_right=True), _judge("wrong", rows, is_right=False)]
    panel = judgefast.run(rows, judges=judges, rubric="pairwise-reasons", out=out / "p")
    return render_panel(panel.report).splitlines()


def test_every_pair_of_models_has_a_row_of_each_judge_and_of_both_together(tmp_path: Path) -> None:
    lines = _shown(tmp_path, MODELS)
    start = next(at for at, line in enumerate(lines) if line.startswith("win_rate "))
    end = lines.index("", start)
    cells = [line.split("  ") for line in lines[start + 1 : end]]
    shown = [[cell.strip() for cell in row if cell.strip()][:3] for row in cells]
    assert [row[:2] for row in shown if len(row) == 3 and row[0].startswith("candidate=")] == [
        ["candidate=y baseline=x", "right"],
        ["candidate=z baseline=x", "right"],
        ["candidate=z baseline=y", "right"],
    ]


def test_data_of_one_pair_have_no_second_table(tmp_path: Path) -> None:
    assert not any(line.endswith("outcomes") for line in _shown(tmp_path, MODELS[:2]))


def test_of_many_pairs_the_first_are_shown_and_the_rest_are_counted(tmp_path: Path) -> None:
    lines = _shown(tmp_path, tuple("abcdefgh"))
    assert sum(line.startswith("candidate=") for line in lines) == MOST == 20
    assert "and 8 more such rows of each judge in --json" in lines
