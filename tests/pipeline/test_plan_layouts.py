"""`plan --layout`: each row is what a run by that layout would be planned as."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import judgefast
from tests.prompts.aspects import JSON, several

from .judging import pairs
from .model_folder import CONTEXT, write_judge

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_judge(tmp_path_factory.mktemp("judge") / "judge")


def test_the_layout_in_force_is_planned_as_the_run_is(folder: Path) -> None:
    rows = pairs(4)
    rows[3]["answer_a"], rows[3]["answer_b"] = "word " * CONTEXT, "text " * CONTEXT
    found = judgefast.plan(rows, rubric="pairwise", model=folder, layouts=True, truncate="balanced")
    own = next(one for one in found.layouts if one.in_force)
    assert own.prompt_hash == found.prompt_hash
    assert (own.requests, own.prompt_tokens) == (8, found.prompts.tokens)
    assert own.computed_tokens == found.costs[3].computed_tokens


@pytest.mark.parametrize("written", ["one-by-one", "together"])
def test_a_layout_is_what_the_rubric_would_be_after_the_edit(
    folder: Path, tmp_path: Path, written: str
) -> None:
    def rubric_of(aspects: str, layout: str) -> Path:
        template = f'aspects = "{aspects}"\nlayout = "{layout}"'
        path = tmp_path / f"{aspects}-{layout}.toml"
        path.write_text(several("clarity", "tone", template=template, verdict=JSON), "utf-8")
        return path

    rows = [{"id": str(at), "question": f"{at}?", "answer": f"It is {at}."} for at in range(3)]
    own = rubric_of(written, "as-written")
    compared = judgefast.plan(rows, rubric=own, model=folder, layouts=True)
    ways = {(one.aspects, one.layout) for one in compared.layouts}
    assert {aspects for aspects, _ in ways} == {"one-by-one", "together"}
    for one in compared.layouts:
        edited = judgefast.plan(rows, rubric=rubric_of(one.aspects, one.layout), model=folder)
        assert one.prompt_hash == edited.prompt_hash, (one.aspects, one.layout)
        assert one.prompt_tokens == edited.prompts.tokens
        assert one.computed_tokens == edited.costs[3].computed_tokens
