"""What a plan expects of the engine's prefix cache, where the engine says what it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.batches.cache import CacheSettings, CacheSimulator
from judgefast.batches.tables import PLANNED
from judgefast.engines.base import prefix_cache_of

if TYPE_CHECKING:
    from judgefast.pipeline.judge import Judge
    from judgefast.pipeline.plan import PlannedBlock


def simulator_of(judge: Judge) -> CacheSimulator | None:
    """The judge's cache before its first request; None where nothing is known of it.

    Where the engine does not know yet how much it will hold, it is taken to hold everything, since
    prompts in the order of the trie need little. Several lanes are simulated as one, whose cache is
    like each of theirs: each has whole groups, and computes the rubric once more.
    """
    cache = prefix_cache_of(judge.engine)
    if cache is None or not judge.prompts.needs_ids:
        return None
    tokens = max(1, judge.prompts.decoding.most_tokens)
    return CacheSimulator(CacheSettings.of(cache, generated_tokens=tokens))


def with_cached(block: PlannedBlock, simulator: CacheSimulator) -> PlannedBlock:
    """Fill `planned_cached_tokens` of a block; judgments have those of the request that asks.

    Args:
        block: The next one in the order of the run.
        simulator: The cache as the blocks before have left it.

    """
    assert block.prompts is not None  # who has a simulator renders
    plan = block.plan
    asked_by = plan.columns.asked_by
    is_sent = plan.rendered.planned == PLANNED.index("send")
    if len(asked_by):
        is_sent &= asked_by == np.arange(len(asked_by))
    cached = simulator.add(block.prompts.segments, block.order[is_sent[block.order]])
    if len(asked_by):
        cached = cached[asked_by]
    rendered = plan.rendered._replace(planned_cached_tokens=cached.astype(np.int32))
    whole = type(plan)(plan.columns, rendered)  # `_replace` counts fields by len(), which is rows
    return block._replace(plan=whole)
