"""Judges that think, in the pipeline: room for it is planned; it is kept, counted and shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from judgefast.config import RunConfig
from judgefast.pipeline.run import run as judge_run
from judgefast.prompts import PromptPlan, load_rubric
from judgefast.prompts.decoding import Capabilities
from judgefast.reports.text import render
from judgefast.runs import Run
from tests.engines.scripted import ScriptedEngine, answered
from tests.prompts.marked import TEMPLATES, marked

from .judging import attempts_of, judge_rows, pairs, results_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion

BUDGET = 2048


def thinker(answer: Callable[[Request], Completion], context: int | None = None) -> ScriptedEngine:
    engine = ScriptedEngine(answer, takes="ids")
    engine.capabilities = Capabilities(takes="ids", schema=True, thinking=True)
    engine.model = msgspec.structs.replace(marked(TEMPLATES["opened"]), context_tokens=context)
    return engine


@pytest.mark.parametrize("spare", [-1, 0])
def test_the_context_has_room_for_the_thinking_or_the_prompt_is_too_long(
    tmp_path: Path, spare: int
) -> None:
    lengths: list[int] = []

    def measured(request: Request) -> Completion:
        assert request.prompt is not None
        assert request.prompt.token_ids is not None
        assert request.decoding.thinking_tokens == BUDGET
        lengths.append(len(request.prompt.token_ids))
        return answered(request, '{"verdict":"A","reason":""}')

    judge_rows(tmp_path / "free", pairs(1), engine=thinker(measured), rubric="pairwise-reasons")
    engine = thinker(measured)
    decoding = PromptPlan(
        load_rubric("pairwise-reasons"), engine.model, engine.capabilities
    ).decoding
    needed = max(lengths) + decoding.max_tokens + BUDGET
    tight = thinker(measured, needed + spare)
    told: list[str] = []
    judge_rows(
        tmp_path / "tight", pairs(1), engine=tight, rubric="pairwise-reasons", say=told.append
    )
    words = "2 of 2 judgments fit the context but for these 2,048 tokens"
    assert any(each.startswith(words) for each in told) == (spare < 0)
    failed = results_of(tmp_path / "tight").counts.failed
    assert failed == ({"too_long": 2} if spare < 0 else {})


def test_what_was_thought_is_kept_and_counted_and_no_verdict_is_read_from_it(
    tmp_path: Path,
) -> None:
    def thought(request: Request) -> Completion:
        is_cut = request.item_id == "item-1"
        said = answered(request, "" if is_cut else '{"verdict":"A","reason":"x"}')
        return msgspec.structs.replace(
            said,
            finish_reason="length" if is_cut else "stop",
            reasoning='{"verdict":"B","reason":"\ud800"}',
            reasoning_tokens=30,
            completion_tokens=31,
        )

    out = tmp_path / "run"
    told: list[str] = []
    judge_rows(out, pairs(3), engine=thinker(thought), rubric="pairwise-reasons", say=told.append)
    assert "the judge thinks before it answers, for at most 2,048 tokens each time" in told
    counts = results_of(out).counts
    assert (counts.parsed, counts.unparsed) == (4, {"truncated": 2})
    rows = attempts_of(out)
    assert {row["reasoning"] for row in rows} == {'{"verdict":"B","reason":"\ufffd"}'}
    assert {row["replaced_surrogates"] for row in rows} == {1}
    run = Run.open(out)
    tokens = run.report.operations.tokens
    assert (tokens.completion, tokens.reasoning) == (6 * 31, 6 * 30)
    assert "completion 186 (180 of them reasoning)" in " ".join(render(run.report).split())
    judged = run.show("item-0").judgments
    assert {view.verdict for view in judged} == {"a", "b"}
    assert {view.reasoning for view in judged} == {'{"verdict":"B","reason":"\ufffd"}'}
    assert run.show("item-1").judgments[0].status == "truncated"
    again = tmp_path / "again"
    config = RunConfig(
        rubric="pairwise-reasons", engine="replay", recorded=str(out), out=str(again)
    )
    judge_run(config, data=pairs(3), show_progress=False)
    kept = ("reasoning", "reasoning_tokens", "text", "finish_reason")
    said = [
        sorted([row[name] for name in kept] for row in attempts_of(each)) for each in (out, again)
    ]
    assert said[0] == said[1]
