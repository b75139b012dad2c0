"""The first table of a panel: every figure in a column is of the same, and says of how many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.facade.test_panel_models import _judge

import judgefast
from judgefast.reports.panel_text import render_panel

if TYPE_CHECKING:
    from pathlib import Path


def _rows(models: str, gold: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "id": f"q{item}",
            "question": "?",
            "answers": [
                {"model": model, "text": f"{at} {item}"} for at, model in enumerate(models)
            ],
        }
        | ({"gold": "a"} if item < gold else {})
        for item in range(6)
    ]


def test_a_judge_whose_models_are_others_has_no_figure_in_the_column_of_the_first(
    tmp_path: Path,
) -> None:
    """Both chose the same texts; the names of the models are exchanged."""
    for name, models in (("one", "xy"), ("two", "yx")):
        rows = _rows(models)
        judge = _judge(name, rows, is_right=True)
        judgefast.run(
            rows,
            engine="replay",
            recorded=judge["recorded"],
            rubric="pairwise-reasons",
            out=tmp_path / name,
        )
    panel = judgefast.agree([tmp_path / "one", tmp_path / "two"], across=["data"])
    text = render_panel(panel.report)
    lines = [line.split() for line in text.partition("\n\n")[2].splitlines()[1:5]]
    assert lines[0][:2] == ["one", "0.000"]
    assert lines[1][:3] == ["two", "-", "-"]
    assert [line[0] for line in lines[2:]] == ["majority", "mean"]
    words = " ".join(text.split())
    assert "win_rate of candidate=y baseline=x two has none; its first figure is win_rate" in words
    assert "win_rate of candidate=x baseline=y" in words


def test_figures_of_other_numbers_than_the_headline_say_of_how_many(tmp_path: Path) -> None:
    """Three pairs of models, and gold for two in three: the headline is of one pair alone."""
    rows = _rows("xyz", gold=4)
    judges = [_judge(name, rows, is_right=name == "right") for name in ("right", "wrong")]
    panel = judgefast.run(rows, judges=judges, rubric="pairwise-reasons", out=tmp_path / "p")
    facts = [" ".join(line.split()) for line in render_panel(panel.report).splitlines()]
    number = panel.report.judges[0].accuracy
    assert number is not None
    assert f"accuracy of {number.outcomes} comparisons with gold" in facts
    assert "first of 18 comparisons" in facts
    one_pair = [_judge(name, _rows("xy", 6), is_right=True) for name in ("one", "two")]
    same = judgefast.run(
        _rows("xy", 6), judges=one_pair, rubric="pairwise-reasons", out=tmp_path / "q"
    )
    assert not any(
        line.startswith(("accuracy ", "first ")) for line in render_panel(same.report).splitlines()
    )
