"""Units that an empty answer lost, which no judge saw: they are no agreement of judges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import judgefast
from judgefast.reports.panel_text import render_panel

if TYPE_CHECKING:
    from pathlib import Path

EMPTY, SEEN = 8, 12


def _judge(name: str, ones: str) -> dict[str, Any]:
    """Chooses `ones` in turn, in both orders."""
    said = []
    for at in range(SEEN):
        letter = ones[at % len(ones)]
        turned = {"A": "B", "B": "A"}[letter]
        said += [
            {"id": f"q{at}", "order": order, "text": text}
            for order, text in (("ab", letter), ("ba", turned))
        ]
    return {"name": name, "engine": "replay", "recorded": said}


def _report(out: Path, rows: list[dict[str, Any]]) -> Any:
    judges = [_judge("one", "AB"), _judge("two", "AABB")]
    return judgefast.run(rows, judges=judges, rubric="pairwise", on_empty="lose", out=out).report


def test_what_no_judge_saw_is_no_agreement_and_is_counted(tmp_path: Path) -> None:
    rows = [
        {
            "id": f"q{at}",
            "question": f"?{at}",
            "answer_a": "x",
            "answer_b": "" if at >= SEEN else "y",
            "gold": "a",
        }
        for at in range(SEEN + EMPTY)
    ]
    whole, seen = _report(tmp_path / "whole", rows), _report(tmp_path / "seen", rows[:SEEN])
    pair, alone = whole.agreement.pairs[0], seen.agreement.pairs[0]
    assert (pair.units, pair.missing) == (SEEN, EMPTY)
    assert (pair.percent.value, pair.chance) == (alone.percent.value, alone.chance) == (0.5, 0.5)
    assert pair.kappa.value == alone.kappa.value == pytest.approx(0)
    assert whole.agreement.alpha.value == seen.agreement.alpha.value
    assert (whole.levels.high, whole.levels.low) == (seen.levels.high, seen.levels.low) == (6, 6)
    assert whole.levels.none == EMPTY
    assert whole.effective.pairs == seen.effective.pairs
    assert (whole.joining.unseen, seen.joining.unseen) == (EMPTY, 0)
    for row in (*whole.judges, *whole.together):  # the rule for empty answers is in the rates
        assert row.headline.outcomes == SEEN + EMPTY
    words = " ".join(render_panel(whole).split())
    assert "8 comparisons that an empty answer lost, which no judge saw: in no agreement" in words
    assert "an empty answer lost" not in render_panel(seen)
