"""Panels of a rubric with several aspects: each is measured by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.recorded import answered_once, replayed

import judgefast
from judgefast.reports.panel_text import render_panel

if TYPE_CHECKING:
    from pathlib import Path

ASPECTS = {"correctness": 4, "completeness": 1, "clarity": 2}


def _judge(name: str, shift: int) -> dict[str, Any]:
    """Far apart on aspects, and beyond that by a pattern of its own."""
    said = [
        {"id": f"i{at}", "aspect": aspect, "text": str(score + ((at >> shift) & 1))}
        for at in range(16)
        for aspect, score in ASPECTS.items()
    ]
    return replayed(name, said)


def test_what_aspects_differ_in_is_no_agreement(tmp_path: Path) -> None:
    rows = answered_once(16)
    judges = [_judge("a", 0), _judge("b", 1)]
    report = judgefast.run(rows, judges=judges, rubric="aspects-1-5", out=tmp_path / "p").report
    assert report.agreement is None
    assert report.effective is None
    assert list(report.agreement_by_aspect) == [f"aspect={name}" for name in ASPECTS]
    for agreement in report.agreement_by_aspect.values():
        (pair,) = agreement.pairs
        assert pair.units == 16
        assert pair.kappa is not None
        assert pair.kappa.value == 0
    assert any(words.startswith("aspect=clarity: ") for words in report.findings)
    text = render_panel(report)
    assert [line.split()[0] for line in text.splitlines() if line.startswith("aspect=")] == [
        f"aspect={name}" for name in ASPECTS
    ]
