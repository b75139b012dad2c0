"""What a plan says, against prompts that are put together and looked at one by one."""

from __future__ import annotations

import json
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from msgspec.structs import replace

import judgefast
from judgefast.batches.cache import CacheSettings, simulate
from judgefast.batches.trie import Segments
from judgefast.config import RunConfig
from judgefast.datasets import read_items
from judgefast.engines import create_engine
from judgefast.engines.base import prefix_cache_of
from judgefast.errors import ConfigError, ModelError
from judgefast.pipeline import survey
from judgefast.pipeline.finished import DryRun
from judgefast.pipeline.judge import judge_of
from judgefast.pipeline.run import run
from judgefast.reports.as_json import to_json
from judgefast.reports.plan_report import LayoutCost
from judgefast.reports.plan_text import render_plan
from tests.engines.scripted import ScriptedEngine
from tests.prompts.aspects import JSON, TOGETHER, several

from .judging import by_hash, pairs
from .model_folder import CONTEXT, write_judge

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.reports.plan_report import PlanReport

ORDERS = ((0, 1), (1, 0))
BYTES_PER_TOKEN = 2 * 2 * 1 * 32 * 2
"""Keys and values of two layers, one head of 32 numbers of two bytes."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_judge(tmp_path_factory.mktemp("judge") / "judge")


def plan(rows: Any, folder: Path, **options: Any) -> PlanReport:
    return judgefast.plan(rows, **({"rubric": "pairwise", "model": folder} | options))


def prompts_of(rows: list[dict[str, Any]], folder: Path) -> list[list[int]]:
    """Token ids of every prompt, both orders of every pair, in the order of the rows."""
    config = RunConfig(rubric="pairwise", engine="vllm", model=str(folder))
    judge = judge_of(config, is_to_plan=True)
    items = list(read_items(rows, judge.read_options(config)))
    rendered = [judge.prompts.render(item, shown) for item in items for shown in ORDERS]
    return [prompt.token_ids.tolist() for prompt in rendered if prompt.token_ids is not None]


def test_counts_and_tokens_are_those_of_the_prompts(folder: Path) -> None:
    rows = pairs(20)
    found = plan(rows, folder)
    whole = prompts_of(rows, folder)
    lengths = [len(prompt) for prompt in whole]
    assert (found.rows.read, found.rows.items, found.rows.questions) == (20, 20, 20)
    assert found.rows.answers == 21, "the right one of a question is the wrong one of the next"
    assert (found.requests.judgments, found.requests.requests, found.requests.orders) == (40, 40, 2)
    assert found.prompts.tokens == sum(lengths)
    assert found.prompts.longest_tokens == max(lengths)
    assert found.longest[0].tokens == max(lengths)
    assert (found.requests.too_long, found.too_long) == (0, [])
    costs = {cost.order: cost.computed_tokens for cost in found.costs}
    assert list(costs) == ["none", "random", "natural", "plan", "least"]
    assert costs["none"] == sum(lengths)
    heads = {tuple(prompt[:end]) for prompt in whole for end in range(1, len(prompt) + 1)}
    assert len(heads) == costs["least"] <= costs["plan"] <= costs["natural"] <= costs["none"]
    assert sum(part.cached_tokens for part in found.shared) == costs["none"] - costs["plan"]
    assert [part.part for part in found.shared][:2] == ["rubric", "question"]


def test_tokens_are_those_of_a_dry_run(folder: Path, tmp_path: Path) -> None:
    config = RunConfig(
        rubric="pairwise", engine="vllm", model=str(folder), out=str(tmp_path / "r"), limit=9
    )
    engine = create_engine("vllm", is_to_plan=True, model=str(folder))
    dry = run(config, data=pairs(20), engine=engine, dry_run=True)
    assert isinstance(dry, DryRun)
    found = plan(pairs(20), folder, limit=9)
    assert found.prompts.tokens == dry.prompt_tokens
    assert found.requests.judgments == dry.planned
    assert found.judge == dry.judge
    assert found.digest == dry.digest
    assert found.rows.skipped == {"not_in_sample": 11}
    assert not (tmp_path / "r").exists()


def test_a_tight_cache_makes_loops_dearer_than_the_plan(folder: Path) -> None:
    rows = [row | {"question": row["question"] + " Why?" * 40} for row in pairs(60)]
    tight = plan(rows, folder, cache_tokens=8_000, running=2, block_tokens=16)
    costs = {cost.order: cost.computed_tokens for cost in tight.costs}
    assert costs["plan"] < 0.85 * costs["natural"]
    assert costs["plan"] < 0.85 * costs["random"]
    assert tight.cache is not None
    assert (tight.cache.cache_tokens, tight.cache.running) == (8_000, 2)
    assert tight.cache.given == ["block_tokens", "cache_tokens", "running"]
    assert tight.cache.assumed == []
    assumed = plan(rows, folder).cache
    assert assumed is not None
    assert (assumed.assumed, assumed.given) == (["cache_tokens"], [])


def test_memory_is_that_of_the_tokens_in_work(folder: Path) -> None:
    found = plan(pairs(20), folder, running=1)
    assert found.memory is not None
    answer = found.prompts.answer_tokens
    longest = found.prompts.longest_tokens
    assert longest is not None
    assert found.memory.bytes_per_token == BYTES_PER_TOKEN
    assert found.memory.tokens == longest + answer
    assert found.memory.total_bytes == found.memory.longest_bytes
    assert found.memory.longest_bytes == BYTES_PER_TOKEN * (longest + answer)
    more = plan(pairs(20), folder, running=20).memory
    assert more is not None
    assert found.memory.tokens < more.tokens < 20 * found.memory.tokens


def test_what_does_not_fit_is_named_with_its_length(folder: Path) -> None:
    rows = pairs(5)
    rows[3]["answer_a"] = "x" * CONTEXT
    rows[1]["answer_b"] = "x" * (CONTEXT + 100)
    found = plan(rows, folder)
    assert found.requests.too_long == 4
    assert found.requests.requests == 6
    assert [one.item_id for one in found.too_long] == ["item-1", "item-3"]
    assert [one.requests for one in found.too_long] == [2, 2]
    assert found.too_long[0].tokens > found.too_long[1].tokens > CONTEXT
    assert found.prompts.longest_tokens is not None
    assert found.prompts.longest_tokens < CONTEXT
    assert found.context_tokens == CONTEXT
    fitting = [prompt for prompt in prompts_of(rows, folder) if len(prompt) < CONTEXT]
    assert found.prompts.tokens == sum(map(len, fitting))


def test_a_request_of_several_aspects_that_is_too_long_is_one(folder: Path, tmp_path: Path) -> None:
    rubric = tmp_path / "rubric.toml"
    rubric.write_text(several("clarity", "tone", verdict=JSON, template=TOGETHER))
    replies = ("It is.", "x" * CONTEXT)
    rows = [
        {"id": f"q{n}", "question": "Is it?", "answer": reply} for n, reply in enumerate(replies)
    ]
    found = plan(rows, folder, rubric=str(rubric))
    assert (found.requests.judgments, found.requests.requests, found.requests.too_long) == (4, 1, 2)
    assert [(one.item_id, one.requests) for one in found.too_long] == [("q1", 1)]


def test_one_prompt_for_several_judgments_is_one_request(folder: Path) -> None:
    rows = pairs(4)
    again = [row | {"id": f"again-{row['id']}"} for row in rows]
    found = plan([*rows, *again], folder)
    assert (found.requests.judgments, found.requests.requests) == (16, 8)
    assert found.prompts.tokens == sum(map(len, prompts_of(rows, folder)))
    assert "8 requests; 8 judgments more by the answers to these" in render_plan(found)


def test_loops_are_over_order_then_question_in_the_order_of_the_data(folder: Path) -> None:
    rows = [row | {"question": row["question"] + " Why?" * 40} for row in pairs(30)]
    tight = {"cache_tokens": 8_000, "running": 2, "block_tokens": 16}
    found = plan(rows, folder, repeats=2, **tight)
    whole = prompts_of(rows, folder)
    # One segment each: what they share is found by tokens.
    looped = [prompt for prompt in [*whole[::2], *whole[1::2]] for _ in range(2)]
    ends = np.array([0, *accumulate(map(len, looped))], np.int64)
    segments = Segments(
        np.arange(len(looped), dtype=np.uint32),
        np.arange(len(looped) + 1, dtype=np.int64),
        np.array([token for prompt in looped for token in prompt], np.int32),
        ends,
    )
    settings = CacheSettings(
        block_tokens=16,
        budget_tokens=8_000,
        running=2,
        generated_tokens=found.prompts.answer_tokens,
        batched_tokens=8_192,
    )
    engine = create_engine("vllm", is_to_plan=True, model=str(folder))
    told = prefix_cache_of(engine)
    assert told is not None
    settings = replace(settings, batched_tokens=told.batched_tokens)
    cached = simulate(segments, np.arange(len(looped), dtype=np.uint32), settings)
    cost = found.cost("natural")
    assert cost is not None
    assert cost.computed_tokens == int(ends[-1]) - int(cached.sum())


def test_shortened_answers_are_counted(folder: Path) -> None:
    rows = pairs(5)
    rows[3]["answer_a"], rows[3]["answer_b"] = "word " * CONTEXT, "text " * CONTEXT
    found = plan(rows, folder, truncate="balanced")
    assert (found.requests.too_long, found.requests.truncated) == (0, 2)
    assert found.requests.left_out_tokens > 2 * CONTEXT
    assert "shortened     2 requests, all answers by the same share: " in render_plan(found)


def test_a_large_run_is_judged_by_its_first_questions(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "MOST_ROWS", 1_100)
    rows = pairs(600)
    found = plan(rows, folder)
    assert found.requests.requests == 1_200
    assert found.looked_at == 1_024, "the first block is one of 512 items"
    costs = {cost.order: cost for cost in found.costs}
    assert list(costs) == ["none", "random", "natural", "plan", "least"]
    assert found.prompts.tokens is not None
    assert costs["none"].computed_tokens < found.prompts.tokens
    assert costs["plan"].share == costs["plan"].computed_tokens / costs["none"].computed_tokens


def test_prompts_without_tokens_are_counted_in_characters() -> None:
    rows, engine = pairs(3), ScriptedEngine(by_hash, takes="chat")
    found = judgefast.plan(rows, rubric="pairwise", engine=engine)
    assert engine.closed
    assert found.prompts.tokens is None
    assert (found.cache, found.costs, found.memory, found.longest) == (None, [], None, [])
    judge = judge_of(RunConfig(rubric="pairwise"), engine=engine)
    items = list(read_items(rows, judge.read_options(RunConfig())))
    texts = [judge.prompts.render(item, shown).text for item in items for shown in ORDERS]
    assert found.prompts.characters == sum(map(len, texts))
    shown = render_plan(found)
    assert f"prompts       {sum(map(len, texts)):,} characters; tokens are unknown" in shown
    assert "Prompt tokens to compute" not in shown


def test_a_replay_makes_no_prompts() -> None:
    found = judgefast.plan(pairs(3), rubric="pairwise", engine=ScriptedEngine(by_hash, takes="key"))
    assert (found.prompts.tokens, found.prompts.characters) == (None, None)
    assert "none are made: this engine reads no prompts" in render_plan(found)


def test_vllm_is_needed_to_run_and_not_to_plan(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("judgefast.engines.vllm.engine.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="needs `vllm`, which is not installed"):
        create_engine("vllm", model=str(folder))
    found = plan(pairs(2), folder)
    assert found.engine == "vllm"
    assert "no weights" in found.notes[0]
    with pytest.raises(ModelError, match="`Qwen/Qwen3-8B` is no model folder") as caught:
        judgefast.plan(pairs(2), rubric="pairwise", model="Qwen/Qwen3-8B", engine="vllm")
    assert "config.json and tokenizer.json" in str(caught.value.hint)


def test_json_has_every_figure_and_no_nan(folder: Path) -> None:
    told = json.loads(to_json(plan(pairs(3), folder, layouts=True, lint=True)))
    assert told["format"] == 1
    assert [one["layout"] for one in told["layouts"]] == ["as-written"]
    assert [one["in_force"] for one in told["layouts"]].count(True) == 1
    assert isinstance(told["lint"], list)


def test_a_size_below_one_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="`running` is 0; it must be at least 1"):
        plan(pairs(2), folder, running=0)


def costs(*computed: tuple[str, str, int]) -> list[LayoutCost]:
    """Layouts with what they compute; the first is in force."""
    made = [
        LayoutCost(
            layout=layout,
            aspects=aspects,
            in_force=not place,
            requests=4,
            prompt_tokens=2_000,
            computed_tokens=tokens,
            prompt_hash=f"{place}" * 64,
        )
        for place, (layout, aspects, tokens) in enumerate(computed)
    ]
    return sorted(made, key=lambda one: one.computed_tokens)


def test_another_layout_is_recommended_where_it_saves_and_the_halo_is_named(folder: Path) -> None:
    report = plan(pairs(2), folder)
    own = ("as-written", "one-by-one", 1_000)

    def said(*others: tuple[str, str, int]) -> str:
        shown = render_plan(replace(report, layouts=costs(own, *others)))
        return " ".join(shown.split("prompt_hash\n")[1].split())

    better = said(("aspect-last", "one-by-one", 600))
    assert "Recommended: aspect-last, which computes 40 % less." in better
    assert "its verdicts are not comparable with those of runs before." in better
    assert "Keep the layout of the rubric" in said(("aspect-last", "one-by-one", 995))
    together = said(("aspect-last", "one-by-one", 800), ("as-written", "together", 400))
    assert "Recommended: aspect-last, which computes 20 % less." in together
    assert "would compute 50 % less than that" in together
    assert "(halo)" in together


@pytest.mark.parametrize(
    ("name", "seen"), [("nowhere", "does not exist"), ("empty", "holds no config.json")]
)
def test_a_model_that_is_no_folder_of_one_is_named_with_what_it_should_be(
    tmp_path: Path, name: str, seen: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=f"{name}` {seen}") as caught:
        judgefast.plan(pairs(1), rubric="pairwise", model=tmp_path / name)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("name a folder with the model's config.json and tokenizer")


def test_a_dry_run_says_what_is_never_sent(folder: Path, tmp_path: Path) -> None:
    rows = pairs(5)
    rows[3]["answer_a"] = "x" * CONTEXT
    rows[1]["answer_b"] = " "
    config = RunConfig(
        rubric="pairwise", engine="vllm", model=str(folder), out=str(tmp_path), on_empty="lose"
    )
    engine = create_engine("vllm", is_to_plan=True, model=str(folder))
    dry = run(config, data=rows, engine=engine, dry_run=True)
    assert isinstance(dry, DryRun)
    assert (dry.too_long, dry.not_needed) == (2, 2)
    assert dry.planned == dry.to_ask + dry.too_long + dry.not_needed
