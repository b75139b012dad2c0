"""The cache that a plan is simulated with: one for a run and for `judgefast plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from msgspec.structs import replace

import judgefast
from judgefast.batches.cache import CacheSimulator
from judgefast.engines.base import PrefixCache
from judgefast.journal.run_directory import RunDirectory
from judgefast.pipeline import blocks, cached
from tests.engines.scripted import ScriptedEngine
from tests.prompts.marked import TEMPLATES, marked

from .judging import by_hash, judge_rows, pairs

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.reports.plan_report import PlanReport


def cost_of(found: PlanReport, order: str) -> int:
    cost = found.cost(order)
    assert cost is not None
    return cost.computed_tokens


class Keeps(ScriptedEngine):
    """Knows the room of its cache once it has started."""

    def __init__(self, room: int) -> None:
        super().__init__(by_hash, takes="ids")
        self.model = marked(TEMPLATES["off_by_default"])
        self.prefix_cache = PrefixCache(
            block_tokens=16, budget_tokens=None, running=2, batched_tokens=512
        )
        self.once_started = replace(self.prefix_cache, budget_tokens=room)

    def start(self) -> dict[str, Any]:
        self.prefix_cache = self.once_started
        return super().start()


def test_run_and_plan_expect_the_same_of_one_assumed_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cached.ASSUMED, "cache_tokens", 1_152)
    rows = [row | {"question": row["question"] + " Why?" * 40} for row in pairs(12)]
    added: list[int] = []
    add = CacheSimulator.add
    with monkeypatch.context() as patch:
        patch.setattr(
            CacheSimulator,
            "add",
            lambda self, segments, order: added.append(len(order)) or add(self, segments, order),
        )
        found = judgefast.plan(rows, rubric="pairwise", engine=Keeps(1_152))
    assert added == [24] * 3, "once in each order"
    judge_rows(tmp_path / "run", rows, engine=Keeps(9_600), orders="both")
    with RunDirectory.open(tmp_path / "run", write=False) as directory:
        table = pa.Table.from_batches(directory.plan_requests(["planned_cached_tokens"]))
        counts, launch = directory.plan_counts, directory.launches()[0]
    expected = table.column(0).to_pylist()
    assert sum(expected) == cost_of(found, "none") - cost_of(found, "plan")
    assert counts["cache_tokens"] == 1_152
    assert launch["cache"] == {"block_tokens": 16, "cache_tokens": 9_600, "running": 2}
    roomy = judgefast.plan(rows, rubric="pairwise", engine=Keeps(1), cache_tokens=320_000)
    assert cost_of(roomy, "plan") < cost_of(found, "plan"), "so that the room matters"


def test_the_least_does_not_hang_on_how_a_run_is_cut_into_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def least() -> int:
        return cost_of(judgefast.plan(pairs(20), rubric="pairwise", engine=Keeps(1)), "least")

    whole = least()
    monkeypatch.setattr(blocks, "BLOCK_ITEMS", 3)
    assert least() == whole
