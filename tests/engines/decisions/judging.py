"""An engine for decision servers as a test has it: asked, and what came of it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from judgefast.batches.request import Request
from judgefast.datasets.items import Answer, Item
from judgefast.engines.decisions import DecisionsEngine
from judgefast.engines.decisions.asked import Kept, read_kept
from judgefast.prompts import PromptPlan, load_rubric

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from judgefast.engines.base import Completion

PAIR = ("Paris.", "Lyon, I think.")


class Answered(NamedTuple):
    """What an engine has made of requests."""

    facts: dict[str, Any]
    completions: list[Completion]
    """In the order asked."""
    counters: dict[str, int]

    @property
    def kept(self) -> list[Kept]:
        """What was kept of each."""
        found = [read_kept(each.text) for each in self.completions]
        return [each for each in found if each is not None]


def requests(
    engine: DecisionsEngine, pairs: Iterable[Sequence[str]], rubric: str = "pairwise"
) -> list[Request]:
    """One request about each pair of answers, or about each answer of a rubric for one."""
    plan = PromptPlan(load_rubric(rubric), engine.model, engine.capabilities)
    made = []
    for number, texts in enumerate(pairs):
        item = Item(
            item_id=f"i{number}",
            cluster=f"i{number}",
            question="What is the capital of France?",
            answers=tuple(map(Answer, texts)),
        )
        shown = tuple(range(len(texts)))
        made.append(
            Request(
                request_id=number.to_bytes(16, "little"),
                keys=(number.to_bytes(16, "little"),),
                item_id=item.item_id,
                shown=shown,
                repeat=0,
                judge=engine.model.judge,
                questions=plan.questions,
                prompt=plan.render(item, shown),
                prefix_group=number,
                decoding=plan.decoding,
                seed=number,
            )
        )
    return made


def collected(engine: DecisionsEngine, asked: list[Request]) -> list[Completion]:
    """Submit requests to an engine that has started, and wait for all of them."""
    engine.submit(0, asked)
    found: dict[bytes, Completion] = {}
    until = time.monotonic() + 60
    while len(found) < len(asked) and time.monotonic() < until:
        found |= {each.request_id: each for each in engine.collect(timeout_seconds=0.1)}
    return [found[each.request_id] for each in asked]


def ask(
    url: str | list[str],
    pairs: Iterable[Sequence[str]] = (PAIR,),
    *,
    rubric: str = "pairwise",
    **options: Any,
) -> Answered:
    """Ask servers about pairs of answers, and close."""
    engine = DecisionsEngine(base_url=url, **options)
    try:
        facts = engine.start()
        completions = collected(engine, requests(engine, pairs, rubric))
        return Answered(facts, completions, engine.counters())
    finally:
        engine.close()


def shares(completion: Completion, question: int = 0) -> list[float]:
    """Probability of each label of a question."""
    return [math.exp(each) for each in completion.answers[question].logprobs]
