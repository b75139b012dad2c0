"""What a plan tells a person who would lose by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import judgefast
from judgefast.reports.plan_text import render_plan

from .judging import pairs
from .model_folder import write_judge

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_judge(tmp_path_factory.mktemp("judge") / "judge")


def test_another_order_that_computes_less_is_named_with_what_to_do(folder: Path) -> None:
    texts = [f"Passage {number}. " + f"Word {number} of it. " * 200 for number in range(20)]
    rows = [
        row | {"question": texts[number // 3] + row["question"]}
        for number, row in enumerate(pairs(60))
    ]
    options = {"rubric": "pairwise", "model": folder, "cache_tokens": 20_000, "running": 4}
    apart = judgefast.plan(rows, **options)
    words = " ".join(render_plan(apart).split())
    assert "But sending in the order of loops would compute" in words
    assert "Rows with one `cluster` stay together" in words
    clusters = [row | {"cluster": str(number // 3)} for number, row in enumerate(rows)]
    together = judgefast.plan(clusters, **options)
    costs = {cost.order: cost.computed_tokens for cost in together.costs}
    assert costs["plan"] < 1.1 * costs["least"]
    assert costs["least"] == {cost.order: cost.computed_tokens for cost in apart.costs}["least"]
    assert "would compute" not in render_plan(together)


def test_a_cache_that_holds_no_prompt_is_named(folder: Path) -> None:
    found = judgefast.plan(
        pairs(3), rubric="pairwise", model=folder, cache_tokens=64, running=1, block_tokens=16
    )
    longest = found.prompts.longest_tokens
    words = " ".join(render_plan(found).split())
    assert f"The cache has room for 64 tokens, and a prompt has up to {longest}: none" in words
