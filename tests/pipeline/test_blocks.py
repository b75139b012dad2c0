"""What is planned together: blocks of whole clusters, their order, what the cache will have."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.batches.cache import CacheSettings, CacheSimulator, simulate
from judgefast.config import RunConfig
from judgefast.datasets.items import Answer, Item
from judgefast.datasets.rows import batch_of
from judgefast.datasets.run_order import in_run_order
from judgefast.engines.base import PrefixCache
from judgefast.pipeline import blocks
from judgefast.pipeline.blocks import blocks_of
from judgefast.pipeline.cached import ASSUMED, cache_of, with_cached
from judgefast.pipeline.judge import judge_of
from judgefast.pipeline.plan import PromptCounts, plan_block, plan_window
from tests.engines.scripted import ScriptedEngine
from tests.prompts.marked import TEMPLATES, marked

from .judging import by_hash

if TYPE_CHECKING:
    from judgefast.pipeline.judge import Judge
    from judgefast.pipeline.plan import PlannedBlock

MOST = 5
"""Items of a block, here."""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_ITEMS", MOST)


def rows_of(clusters: list[int]) -> pa.RecordBatch:
    """Items of some clusters, side by side."""
    ids = np.repeat(np.arange(len(clusters), dtype=np.uint64), clusters)
    return pa.RecordBatch.from_pydict({"cluster_id64": ids, "row": np.arange(len(ids))})


def by_reading(clusters: list[int]) -> list[int]:
    """Sizes of blocks, cluster by cluster."""
    sizes = [0]
    for size in clusters:
        left = size
        if sizes[-1] + size > MOST and sizes[-1]:
            sizes.append(0)
        while left > MOST:
            sizes[-1] = MOST
            sizes.append(0)
            left -= MOST
        sizes[-1] += left
    return [size for size in sizes if size]


@pytest.mark.usefixtures("small")
@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 12), max_size=8), st.integers(1, 9))
def test_blocks_are_whole_clusters_however_rows_come_and_long_clusters_are_cut(
    clusters: list[int], step: int
) -> None:
    rows = rows_of(clusters)
    batches = [rows.slice(start, step) for start in range(0, len(rows), step)]
    found = [pa.Table.from_batches(block) for block in blocks_of(batches)]
    assert [len(block) for block in found] == by_reading(clusters)
    joined = [row for block in found for row in block["row"].to_pylist()]
    assert joined == list(range(len(rows)))


def judge_and_config(
    cache: PrefixCache | None = None, **options: object
) -> tuple[Judge, RunConfig]:
    engine = ScriptedEngine(by_hash, takes="ids")
    engine.model = marked(TEMPLATES["off_by_default"])
    engine.prefix_cache = cache  # type: ignore[attr-defined]  # engines may have one
    config = RunConfig(rubric="pairwise", engine="scripted", **options)  # type: ignore[arg-type]  # as a test names them
    return judge_of(config, engine=engine), config


def scattered() -> pa.RecordBatch:
    """Nine items of one cluster, three questions in turn, the first answer always the same."""
    texts = [(f"Question {n % 3}?", f"Always {n % 3}.", f"New {n % 6}.") for n in range(9)]
    made = [
        Item(f"i{n}", "c", question, (Answer(old), Answer(new)))
        for n, (question, old, new) in enumerate(texts)
    ]
    return in_run_order(batch_of(made), seed=1)


def prompts_of(block: PlannedBlock) -> list[list[int]]:
    assert block.prompts is not None
    numbers, offsets, _, _ = block.prompts.segments
    return [numbers[start:end].tolist() for start, end in pairwise(offsets.tolist())]


def test_prompts_of_a_block_are_sent_side_by_side_with_those_that_they_begin_like() -> None:
    judge, config = judge_and_config(orders="both", repeats=2)
    block = plan_block([scattered()], judge, config, 0, PromptCounts(config.seed))
    prompts, columns = prompts_of(block), block.plan.columns
    sent = np.empty(len(prompts), np.uint32)
    sent[block.order] = np.arange(len(prompts), dtype=np.uint32)
    assert columns.sent.tolist() == sent.tolist()
    in_order = [prompts[row] for row in block.order]
    for length in range(1, max(map(len, prompts)) + 1):
        heads = [head for head, _ in groupby(prompt[:length] for prompt in in_order)]
        assert len(heads) == len({tuple(head) for head in heads}), "each head is met in one go"
    repeats = columns.repeat[block.order]
    assert repeats.reshape(-1, 2).tolist() == [[0, 1]] * (len(prompts) // 2)


@pytest.mark.usefixtures("small")
def test_rows_of_a_window_are_sent_in_the_order_of_a_run_and_blocks_count_on() -> None:
    judge, config = judge_and_config()
    rows = scattered()
    plan = plan_window(rows, judge, config, PromptCounts(config.seed))
    assert sorted(plan.columns.sent) == list(range(18))
    for start in (0, 2 * MOST):
        part = plan.columns.sent[start : start + 2 * MOST]
        assert sorted(part) == list(range(start, start + len(part))), "none leaves its block"


def test_a_replay_is_sent_in_the_order_of_its_rows() -> None:
    engine = ScriptedEngine(by_hash, takes="key")
    config = RunConfig(rubric="pairwise", engine="scripted")
    block = plan_block(
        [scattered()], judge_of(config, engine=engine), config, 0, PromptCounts(config.seed)
    )
    assert block.prompts is None
    assert block.order.tolist() == list(range(18))
    assert len(block.plan.columns.sent) == 0


def test_the_plan_says_what_the_engines_cache_will_have_of_what_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cache = PrefixCache(block_tokens=4, budget_tokens=4_000, running=2, batched_tokens=512)
    judge, config = judge_and_config(cache)
    block = plan_block([scattered()], judge, config, 0, PromptCounts(config.seed))
    columns = block.plan.columns
    assert len(set(columns.asked_by.tolist())) == 12, "three questions, of two new answers each"
    expected = cache_of(judge)
    assert expected is not None
    simulator = CacheSimulator(expected.settings)
    told: list[int] = []
    add = simulator.add
    monkeypatch.setattr(
        simulator,
        "add",
        lambda segments, order: told.extend(order.tolist()) or add(segments, order),
    )
    found = with_cached(block, simulator).plan.rendered.planned_cached_tokens
    assert found is not None
    assert block.prompts is not None
    tokens = max(1, judge.prompts.decoding.most_tokens)
    own = [row for row in block.order.tolist() if columns.asked_by[row] == row]
    assert told == own, "what another row asks for is not sent"
    alone = simulate(
        block.prompts.segments,
        np.array(own, np.uint32),
        CacheSettings.of(cache, generated_tokens=tokens),
    )
    assert found.tolist() == alone[columns.asked_by].tolist()
    assert found.min() == 0 < found.max()


def test_what_nobody_says_of_the_cache_is_assumed_and_named() -> None:
    told = PrefixCache(block_tokens=4, budget_tokens=None, running=2, batched_tokens=512)
    known, unknown = (cache_of(judge_and_config(cache)[0]) for cache in (told, None))
    assert known is not None
    assert known.sizes == {"block_tokens": 4, "cache_tokens": ASSUMED["cache_tokens"], "running": 2}
    assert known.assumed == ("cache_tokens",)
    assert known.settings.batched_tokens == 512
    assert unknown is not None
    assert (unknown.sizes, unknown.assumed) == (ASSUMED, tuple(ASSUMED))
    words = judge_of(RunConfig(rubric="pairwise"), engine=ScriptedEngine(by_hash, takes="chat"))
    assert cache_of(words) is None, "its prompts have no tokens"
