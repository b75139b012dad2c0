"""A run says when its prompts are tokenised the slow way."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.engines.scripted import ScriptedEngine
from tests.prompts.marked import TEMPLATES, marked

from .judging import by_hash, judge_rows, pairs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("much", [True, False])
def test_a_run_says_that_it_tokenises_slowly_and_why_where_there_is_much_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, much: bool
) -> None:
    monkeypatch.setitem(sys.modules, "fastokens", None)
    engine = ScriptedEngine(by_hash, takes="ids")
    engine.model = marked(TEMPLATES["off_by_default"])
    if much:
        monkeypatch.setattr(engine.model.tokenizer, "_until_fast", 100)
    told: list[str] = []
    judge_rows(tmp_path / "run", pairs(9), engine=engine, say=told.append)
    words = (
        "prompts are tokenised by `tokenizers` alone, which is slower: `fastokens` is not installed"
    )
    assert any(each.startswith(words) for each in told) == much
