"""Options that cannot be meant are refused before anything is asked and paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from judgefast.errors import JudgefastError
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.judging import by_hash, judge_rows, pairs, start

if TYPE_CHECKING:
    from pathlib import Path

SINGLES = [{"id": "one", "question": "Why?", "answer": "Because.", "model": "m"}]

MISFITS: dict[str, tuple[list[dict[str, Any]], dict[str, Any], str]] = {
    "baseline": (
        pairs(3),
        {"baseline": "wright"},
        "no model `wright` to serve as baseline; known: right, wrong",
    ),
    "slice": (
        pairs(3, topic="sums"),
        {"slices": ("topics",)},
        "no meta field `topics` to slice by; known: `meta.topic`",
    ),
    "rule": (
        SINGLES,
        {"rubric": "scalar-1-5", "rule": "games"},
        "the rule `games` does not apply to mode `scalar`",
    ),
    "baseline of scores": (
        SINGLES,
        {"rubric": "scalar-1-5", "baseline": "m"},
        "`baseline` names the answer to compare with, but mode `scalar` compares no two",
    ),
}


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(("rows", "options", "words"), MISFITS.values(), ids=MISFITS)
def test_a_new_run_is_refused_unasked_and_leaves_nothing(
    rows: list[dict[str, Any]],
    options: dict[str, Any],
    words: str,
    dry_run: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
) -> None:
    engine = ScriptedEngine(by_hash)
    with pytest.raises(JudgefastError) as caught:
        start(tmp_path / "run", rows, engine=engine, dry_run=dry_run, **options)
    assert str(caught.value).startswith(words)
    assert engine.submitted == []
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("extend", [False, True])
def test_a_later_start_is_refused_unasked_and_the_run_stays(
    extend: bool,  # noqa: FBT001 - a parameter of the test
    tmp_path: Path,
) -> None:
    out = tmp_path / "run"
    judge_rows(out, pairs(3))
    rows = pairs(5 if extend else 3)
    engine = ScriptedEngine(by_hash)
    with pytest.raises(JudgefastError, match="no model `wright`") as caught:
        start(out, rows, engine=engine, extend=extend, baseline="wright")
    assert caught.value.hint == "did you mean `right`?"
    assert engine.submitted == []
    assert judge_rows(out, pairs(3)).status == 0
