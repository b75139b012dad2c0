"""A decision endpoint: a state and typed questions go in, probabilities come out, no text."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from judgefast.engines.base import LabelRead
from judgefast.prompts.decoding import Capabilities

from .http_pool import HttpPool

if TYPE_CHECKING:
    from judgefast.batches.request import Request
    from judgefast.prompts.questions import Question


class DecisionEngine(HttpPool):
    name = "their-decisions"
    path = "/v1/systemone"
    capabilities = Capabilities(takes="state", label_probabilities=True, deterministic=True)
    is_lost_with_server = True

    def body(self, request: Request) -> dict[str, Any]:
        assert request.prompt
        return {
            "model": self.model.name,
            "state": request.prompt.state(),
            "questions": {f"q{i}": _asked(each) for i, each in enumerate(request.questions)},
        }

    def read(self, request: Request, reply: dict[str, Any]) -> dict[str, Any]:
        reads = [
            _label_read(i, question, reply["answers"].get(f"q{i}", {}))
            for i, question in enumerate(request.questions)
        ]
        return {
            "text": json.dumps(reply["answers"]),
            "finish_reason": "stop",
            "answers": tuple(read for read in reads if read is not None),
            "prompt_tokens": reply["usage"]["input_tokens"],
            "completion_tokens": reply["usage"]["output_tokens"],
        }


def _asked(question: Question) -> dict[str, Any]:
    criteria: Any = {option.text: option.meaning for option in question.options}
    kind = {"choice": "choice", "score": "score", "yes_no": "noul"}[question.kind]
    if kind == "score":
        criteria = [option.meaning for option in question.options]
    elif kind == "noul":
        yes, no = question.options
        criteria = {"true": yes.meaning, "false": no.meaning}
    return {"type": kind, "instructions": question.instructions, "criteria": criteria}


def _label_read(place: int, question: Question, answer: dict[str, Any]) -> LabelRead | None:
    """Put each option's probability where its label stands; None where one is missing."""
    if question.kind == "yes_no":
        yes = answer.get("noul")
        found = [yes, None if yes is None else 1 - yes]
    else:
        names = [option.text for option in question.options]
        if question.kind == "score":
            names = [str(index) for index in range(len(names))]
        found = [answer.get("probabilities", {}).get(name) for name in names]
    logprobs = [0.0] * len(found)
    for option, share in zip(question.options, found, strict=True):
        if share is None:
            return None
        logprobs[option.label] = math.log(share) if share > 0 else -math.inf
    return LabelRead(place, tuple(logprobs))
