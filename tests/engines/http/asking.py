"""The HTTP engine alone, given requests about items that the fault server knows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from judgefast.batches.request import Request
from judgefast.datasets.items import Answer, Item
from judgefast.engines import create_engine
from judgefast.prompts import PromptPlan, load_rubric

from .opinion import row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RUBRIC = "pairwise-reasons"
"""Its answers have at most 256 tokens: lists of 4."""


def started(urls: Sequence[str], model: Path, count: int, **options: Any) -> Any:
    """An engine that has been given requests about so many items."""
    engine = create_engine("http", base_url=tuple(urls), tokenizer=str(model), **options)
    engine.start()
    plan = PromptPlan(load_rubric(RUBRIC), engine.model, engine.capabilities)
    engine.submit(0, [_request(plan, number) for number in range(count)])
    return engine


def _request(plan: PromptPlan, number: int) -> Request:
    said, name = row(f"q{number}"), number.to_bytes(16, "little")
    answers = (Answer(said["answer_a"]), Answer(said["answer_b"]))
    item = Item(item_id=said["id"], cluster="c", question=said["question"], answers=answers)
    return Request(
        request_id=name,
        keys=(name,),
        item_id=said["id"],
        shown=(0, 1),
        repeat=0,
        judge="",
        questions=plan.questions,
        prompt=plan.render(item, (0, 1)),
        prefix_group=0,
        decoding=plan.decoding,
        seed=0,
    )


def collected(engine: Any, count: int, seconds: float) -> list[Any]:
    found: list[Any] = []
    until = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < until:
        found += engine.collect(timeout_seconds=0.05)
    return found


def at_servers(engine: Any) -> list[int]:
    """Prompts that each server has, as the engine counts them."""
    return [endpoint.in_flight for endpoint in engine._loop._endpoints]
