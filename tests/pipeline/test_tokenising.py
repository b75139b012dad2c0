"""A run says when its prompts are tokenised the slow way."""

from __future__ import annotations

import logging
import sys
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from judgefast.errors import ConfigError
from judgefast.pipeline.stream import stream
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


def test_a_run_keeps_token_ids_where_it_is_told_to_and_the_next_one_finds_them(
    tmp_path: Path,
) -> None:
    def judged(out: str, **options: str) -> tuple[list[str], dict[str, object]]:
        engine, told = ScriptedEngine(by_hash, takes="ids"), []
        engine.model = marked(TEMPLATES["off_by_default"])
        report = judge_rows(
            tmp_path / out, pairs(9), engine=engine, say=told.append, **options
        ).report
        sent = {each.request_id: each.prompt for _, each in engine.submitted}
        asked = {
            key.hex(): prompt.token_ids.tolist()
            for key, prompt in sent.items()
            if prompt is not None and prompt.token_ids is not None
        }
        assert report.results.counts.parsed == 18
        return [each for each in told if "token ids" in each], asked

    cache = tmp_path / "cache"
    none, plain = judged("plain")
    first, filling = judged("first", token_cache=str(cache))
    second, filled = judged("second", token_cache=str(cache))
    assert none == []
    assert plain == filling == filled
    assert first == [f"token ids of 0 texts were in `{cache}`, those of 19 were not"]
    assert second == [f"token ids of 19 texts were in `{cache}`, those of 0 were not"]
    with pytest.raises(ConfigError, match="keeps token ids, but this engine takes none"):
        judge_rows(tmp_path / "words", pairs(2), token_cache=str(cache))


@pytest.mark.parametrize("taken", [1, 9])
def test_a_stream_keeps_token_ids_and_says_so_whole_or_left_early(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, taken: int
) -> None:
    cache = str(tmp_path / "cache")

    def streamed() -> list[str]:
        caplog.clear()
        engine = ScriptedEngine(by_hash, takes="ids")
        engine.model = marked(TEMPLATES["off_by_default"])
        made = stream(pairs(9), rubric="pairwise", engine=engine, window=9, token_cache=cache)
        with caplog.at_level(logging.INFO, "judgefast"):
            assert len(list(islice(made, taken))) == taken
            made.close()  # type: ignore[attr-defined]  # it is a generator
        return [each.getMessage() for each in caplog.records if "token ids" in each.getMessage()]

    assert streamed() == [f"token ids of 0 texts were in `{cache}`, those of 19 were not"]
    assert streamed() == [f"token ids of 19 texts were in `{cache}`, those of 0 were not"]
