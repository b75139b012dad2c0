"""A judge that gave no value at all is named, and nothing asks for one of its."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.recorded import answered_once, replayed

import judgefast
from judgefast.reports.panel_text import render_panel

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.reports.panel_report import PanelReport

SCORES = {"a": [1, 2, 3, 4, 5, 5], "b": [1, 2, 3, 4, 5, 2], "none": [None] * 6}


def _report(out: Path, *names: str) -> PanelReport:
    judges = [
        replayed(
            name,
            [
                {"id": f"i{at}", "text": "I cannot say." if score is None else str(score)}
                for at, score in enumerate(SCORES[name])
            ],
        )
        for name in names
    ]
    return judgefast.run(answered_once(6), judges=judges, rubric="scalar-1-5", out=out).report


def test_what_the_others_say_together_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    three, two = _report(tmp_path / "three", "a", "b", "none"), _report(tmp_path / "two", "a", "b")
    assert (three.silent, two.silent) == (["none"], [])
    assert three.together == two.together
    assert three.levels == two.levels
    majority, mean = three.together
    for row in (majority, mean):
        assert row.headline is not None
        assert row.headline.outcomes == 6
        assert row.headline.value == pytest.approx((1 + 2 + 3 + 4 + 5 + 3.5) / 6)
    assert majority.undecided == 1
    words = "without none, which gave no value at all"
    assert words in " ".join(render_panel(three).split())
