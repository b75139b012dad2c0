"""Seams of a seeded sample of prompts are checked while a run is planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from judgefast.errors import ModelError
from judgefast.pipeline.prompt_counts import SEAMS_AT_FIRST, SEAMS_ONE_IN, PromptCounts
from tests.engines.scripted import ScriptedEngine
from tests.pipeline.judging import by_hash, judge_rows, pairs
from tests.prompts.marked import TEMPLATES, marked

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from judgefast.prompts.tokenizer import Sealed


def drawn(seed: int, keys: NDArray[np.uint8], block: int) -> list[int]:
    counts, found = PromptCounts(seed), []
    for start in range(0, len(keys), block):
        found += (start + counts.sample(keys[start : start + block])).tolist()
    return found


def test_the_sample_is_all_over_the_run_and_drawn_by_the_seed() -> None:
    keys = np.random.default_rng(5).integers(0, 256, (400_000, 16), np.uint8)
    sample = drawn(1, keys, 10_000)
    assert sample == sorted(set(sample)) == drawn(1, keys, 10_000)
    later = [row for row in sample if row >= 10_000]
    expected = 390_000 / SEAMS_ONE_IN
    assert abs(len(later) - expected) < 5 * np.sqrt(expected)
    assert SEAMS_AT_FIRST <= len(sample) - len(later) <= SEAMS_AT_FIRST + 12
    assert max(later) > 300_000
    other = drawn(2, keys, 10_000)
    assert len(set(sample) & set(other)) < 12
    assert [row for row in drawn(1, keys, 50_000) if row >= 50_000] == [
        row for row in sample if row >= 50_000
    ]


def test_a_small_run_is_looked_at_as_well() -> None:
    keys = np.random.default_rng(6).integers(0, 256, (20, 16), np.uint8)
    assert drawn(0, keys, 20) == list(range(20))
    assert drawn(0, keys[:0], 20) == []


def test_a_seam_that_breaks_stops_the_run_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ScriptedEngine(by_hash, takes="ids")
    engine.model = marked(TEMPLATES["off_by_default"])
    assert engine.model.tokenizer is not None
    seal = engine.model.tokenizer.seal

    def broken(text: str) -> Sealed:
        sealed = seal(text)
        sealed_ids = sealed.token_ids[::-1] if "It is 151." in text else sealed.token_ids
        return type(sealed)(sealed.text, sealed_ids, sealed.replaced_characters)

    monkeypatch.setattr(engine.model.tokenizer, "seal", broken)
    monkeypatch.setattr("judgefast.pipeline.prompt_counts.SEAMS_ONE_IN", 1)
    with pytest.raises(ModelError, match=r"ids are not those of the whole prompt: .*It is 151"):
        judge_rows(tmp_path / "run", pairs(200), engine=engine)
    assert engine.submitted == []
