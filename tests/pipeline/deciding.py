"""A judge that takes a state and typed questions and gives probabilities: no text is its answer.

It stands in for a decision server where one has to refuse, or to lean to the first option, on
demand; `tests/engines/decisions` runs real ones.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any, Literal

from judgefast.engines.base import Completion, LabelRead
from judgefast.engines.decisions.asked import Kept, Put, kept_text
from judgefast.prompts.decoding import Capabilities
from tests.engines.scripted import ScriptedEngine

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.batches.request import Request
    from judgefast.prompts.questions import Question

    Said = list[float] | Literal["refused", "malformed", "absent"]
    """Shares of a question's options, or what became of it."""
    Opinion = Callable[[Request, Question], Said]

LEAN = 0.2
"""Share that goes to whatever option stands first on the wire."""


def by_state(request: Request, question: Question) -> list[float]:
    """Shares that the state and the question alone decide."""
    assert request.prompt is not None
    said = f"{question.aspect} {sorted(request.prompt.state().items())}"
    weights = [byte + 1 for byte in hashlib.sha256(said.encode()).digest()]
    weights = weights[: len(question.options)]
    return [weight / sum(weights) for weight in weights]


def deciding(
    opinion: Opinion = by_state,
    *,
    label_mass: bool = False,
    usd: float | None = None,
    lean: float = LEAN,
    put_once: bool = False,
    **more: Any,
) -> ScriptedEngine:
    """An engine that puts a choice twice, the second time with its options reversed, or once."""
    mass = 1.0 if label_mass else None

    def answer(request: Request) -> Completion:
        reads, questions = [], []
        for place, question in enumerate(request.questions):
            said = opinion(request, question)
            asked = orders(question)[:1] if put_once else orders(question)
            puts = [Put(order, outcome="malformed", words="no sum") for order in asked]
            many = len(question.options)
            if said == "refused":
                puts = [Put(each.order, outcome="refused", words="not this") for each in puts]
                reads.append(LabelRead(place, ()))
            elif said == "malformed":
                reads.append(LabelRead(place, (-math.inf,) * many))
            elif said != "absent":
                puts = [put(said, each.order, lean, mass) for each in puts]
                mean = [0.0] * many
                for one in puts:
                    for at, option in enumerate(one.order):
                        mean[question.options[option].label] += one.p[at] / len(puts)
                logs = tuple(math.log(p) if p > 0 else -math.inf for p in mean)
                reads.append(LabelRead(place, logs))
            questions.append(tuple(puts))
        kept = Kept(model="their-1", questions=tuple(questions), usd=usd)
        return Completion(
            request_id=request.request_id,
            attempt=request.attempt,
            lane=0,
            text=kept_text(kept),
            finish_reason="stop",
            answers=tuple(reads),
            prompt_tokens=100,
            completion_tokens=0,
        )

    engine = ScriptedEngine(answer, **more)
    engine.capabilities = Capabilities(
        takes="state", label_probabilities=True, deterministic=True, label_mass=label_mass
    )
    return engine


def orders(question: Question) -> list[tuple[int, ...]]:
    """How its options stand on the wire, each time that it is put."""
    forward = tuple(range(len(question.options)))
    return [forward] if question.kind == "score" else [forward, forward[::-1]]


def put(shares: list[float], order: tuple[int, ...], lean: float, mass: float | None = None) -> Put:
    """What comes back where the first option is liked for its place."""
    p = [(1 - lean) * shares[option] for option in order]
    p[0] += lean
    return Put(order, tuple(p), sum=1.0, mass=mass, confidence=0.5)
