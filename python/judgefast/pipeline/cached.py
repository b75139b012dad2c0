"""What a plan expects of the engine's prefix cache, and which cache that is.

One answer for a run and for `judgefast plan`: what both expect must be one figure. What an engine
does not know before it has started is assumed, which also bounds what the simulation keeps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from judgefast.batches.cache import CacheSettings, CacheSimulator
from judgefast.batches.tables import PLANNED
from judgefast.engines.base import PrefixCache, prefix_cache_of
from judgefast.errors import ConfigError
from judgefast.reports.bill import COUNTED_SIZES

if TYPE_CHECKING:
    from judgefast.engines.base import Engine
    from judgefast.pipeline.judge import Judge
    from judgefast.pipeline.plan import PlannedBlock

ASSUMED = {"block_tokens": 16, "cache_tokens": 200_000, "running": 64}
"""A cache where nobody says what it is: blocks as vLLM has them on a GPU, and little room."""
BATCHED_TOKENS = 8192
"""Prompt tokens of one step, where the engine does not say."""


class CacheWishes(NamedTuple):
    """What the user says of the cache, in place of what the engine says or what is assumed."""

    block_tokens: int | None = None
    cache_tokens: int | None = None
    running: int | None = None

    def check(self) -> None:
        """Refuse what is out of range.

        Raises:
            ConfigError: Names the setting.

        """
        for name, value in self._asdict().items():
            if value is not None and value < 1:
                msg = f"`{name}` is {value}; it must be at least 1"
                raise ConfigError(msg)


class PlanCache(NamedTuple):
    """The cache that a plan is simulated with, and who said so."""

    settings: CacheSettings
    given: tuple[str, ...]
    """Sizes that the user set; names of `ASSUMED`, in that order."""
    assumed: tuple[str, ...]
    """Sizes that nobody said; others are the engine's own."""

    @property
    def sizes(self) -> dict[str, int]:
        """By the names of `ASSUMED`."""
        settings = self.settings
        tokens = settings.budget_tokens
        assert tokens is not None  # it is assumed, if nothing else
        sizes = (settings.block_tokens, tokens, settings.running)
        return dict(zip(ASSUMED, sizes, strict=True))

    def in_plan(self) -> dict[str, int]:
        """For the counts of a plan: what a bill compares with the cache that was there."""
        return {COUNTED_SIZES[name]: size for name, size in self.sizes.items()}


def cache_of(judge: Judge, wishes: CacheWishes | None = None) -> PlanCache | None:
    """The cache to simulate: what the user says, else the engine, else what is assumed.

    Several lanes are simulated as one, whose cache is like each of theirs: each has whole groups,
    and computes the rubric once more.

    Returns:
        None where prompts have no tokens.

    """
    if not judge.prompts.needs_ids:
        return None
    told = prefix_cache_of(judge.engine)
    given = _known((wishes or CacheWishes())._asdict())
    known = _known(_sizes_of(told)) | given
    block_tokens, cache_tokens, running = (ASSUMED | known).values()
    own = told or PrefixCache(
        block_tokens=block_tokens,
        budget_tokens=cache_tokens,
        running=running,
        batched_tokens=BATCHED_TOKENS,
    )
    answer = max(1, judge.prompts.decoding.most_tokens)
    settings = msgspec.structs.replace(
        CacheSettings.of(own, generated_tokens=answer),
        block_tokens=block_tokens,
        budget_tokens=cache_tokens,
        running=running,
    )
    return PlanCache(
        settings,
        given=tuple(name for name in ASSUMED if name in given),
        assumed=tuple(name for name in ASSUMED if name not in known),
    )


def _known(sizes: dict[str, int | None]) -> dict[str, int]:
    return {name: size for name, size in sizes.items() if size is not None}


def _sizes_of(told: PrefixCache | None) -> dict[str, int | None]:
    return {
        "block_tokens": getattr(told, "block_tokens", None),
        "cache_tokens": getattr(told, "budget_tokens", None),
        "running": getattr(told, "running", None),
    }


def cache_in_force(engine: Engine) -> dict[str, Any]:
    """For the record of a launch: sizes of the cache as the engine has them once it has started."""
    told = prefix_cache_of(engine)
    return {} if told is None else {"cache": _sizes_of(told)}


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
    heads = simulator.head_tokens
    cached = simulator.add(block.prompts.segments, block.order[is_sent[block.order]])
    if len(asked_by):
        cached = cached[asked_by]
    rendered = plan.rendered._replace(planned_cached_tokens=cached.astype(np.int32))
    whole = type(plan)(plan.columns, rendered)  # `_replace` counts fields by len(), which is rows
    return block._replace(plan=whole, head_tokens=simulator.head_tokens - heads)
