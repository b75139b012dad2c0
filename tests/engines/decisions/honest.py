"""Servers that answer a body honestly in each dialect, and schemas that refuse what they refuse.

Probabilities hang on the label's text alone, so that whatever order options were sent in, it is
known what has to come back. The schemas follow what vLLM 0.33 (`openai`) and SGLang 0.5.23
(`sglang`) take: unknown fields are refused, names are distinct, texts are not blank.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

import msgspec


def weight(text: str) -> float:
    """Of a label or a level."""
    return 1 + hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[0] / 32


def shares(texts: list[str]) -> list[float]:
    """Probabilities of these texts."""
    weights = [weight(text) for text in texts]
    return [each / sum(weights) for each in weights]


def turned(pairs: dict[str, Any]) -> dict[str, Any]:
    """A map with its keys in another order, as gateways send them."""
    return dict(sorted(pairs.items(), key=lambda pair: weight(pair[0])))


def systemone(body: bytes) -> bytes:
    """Answer as TypeSafe does."""
    request = json.loads(body)
    answers = {}
    for name, question in request["questions"].items():
        criteria = question.get("criteria")
        if question["type"] == "noul":
            answers[name] = {"type": "noul", "noul": 0.25}
        elif question["type"] == "choice":
            found = dict(zip(criteria, shares(list(criteria)), strict=True))
            best = max(found, key=lambda label: found[label])
            answers[name] = {"type": "choice", "choice": best, "probabilities": turned(found)}
        else:
            found = {str(place): share for place, share in enumerate(shares(criteria))}
            answers[name] = {
                "type": "score",
                "score": sum(int(place) * share for place, share in found.items()),
                "legend": {str(place): level for place, level in enumerate(criteria)},
                "probabilities": turned(found),
            }
    return json.dumps({"model": "m", "answers": turned(answers), "usage": {}}).encode()


def openai(body: bytes) -> bytes:
    """Answer as OpenAI does."""
    request = msgspec.json.decode(body, type=OpenAIRequest)
    answers: list[dict[str, Any]] = []
    for question in request.questions:
        if isinstance(question, OpenAIPredicate):
            found: dict[str, Any] = {"type": "predicate", "probability": 0.25}
        elif isinstance(question, OpenAIChoice):
            texts = [option.value for option in question.choices]
            rows = zip(texts, shares(texts), strict=True)
            found = {
                "type": "choice",
                "choice": texts[0],
                "probabilities": [{"value": text, "probability": p} for text, p in rows],
                "confidence": 0.5,
            }
        else:
            texts = [level.label for level in question.levels]
            rows = zip(texts, shares([_level(each) for each in question.levels]), strict=True)
            found = {
                "type": "score",
                "score": 0.0,
                "probabilities": [
                    {"value": place, "label": text, "probability": p}
                    for place, (text, p) in enumerate(rows)
                ],
                "confidence": 0.5,
            }
        answers.append({"name": question.name, **found})
    return json.dumps({"model": "m", "answers": answers}).encode()


def sglang(body: bytes) -> bytes:
    """Answer as SGLang's own route does."""
    request = msgspec.json.decode(body, type=SGLangRequest)
    assert request.input
    answers: dict[str, Any] = {}
    for question in request.questions:
        assert question.id.strip()
        assert question.question.strip()
        if isinstance(question, SGLangYesNo):
            kind, names, given = "yes_no", ["yes", "no"], [0.25, 0.75]
        elif isinstance(question, SGLangScore):
            kind, names = "score", [str(place) for place in range(len(question.levels))]
            assert all(level.strip() for level in question.levels)
            given = shares(question.levels)
        else:
            kind, names = "choice", [option.name for option in question.options]
            assert len({name.strip().casefold() for name in names}) == len(names)
            given = shares(names)
        found = dict(zip(names, given, strict=True))
        answers[question.id] = {"type": kind, "probabilities": turned(found), "label_mass": 0.5}
    assert len(answers) == len(request.questions)
    reply = {"object": "decisions", "model": "m", "prompt_format_version": 1, "answers": answers}
    return json.dumps(reply).encode()


def _level(level: OpenAILevel) -> str:
    return f"{level.label}: {level.description}" if level.description else level.label


class OpenAIOption(msgspec.Struct, forbid_unknown_fields=True):
    """One choice."""

    value: str
    description: str = ""


class OpenAILevel(msgspec.Struct, forbid_unknown_fields=True):
    """One level."""

    label: str
    description: str = ""


class OpenAIChoice(msgspec.Struct, forbid_unknown_fields=True, tag="choice"):
    """Pick one."""

    instructions: str
    name: str
    choices: list[OpenAIOption]


class OpenAIScore(msgspec.Struct, forbid_unknown_fields=True, tag="score"):
    """Rate."""

    instructions: str
    name: str
    levels: list[OpenAILevel]


class OpenAIPredicate(msgspec.Struct, forbid_unknown_fields=True, tag="predicate"):
    """True or not."""

    instructions: str
    name: str


class OpenAIRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What vLLM 0.33 takes."""

    model: str
    input: str
    questions: list[OpenAIChoice | OpenAIScore | OpenAIPredicate]


class SGLangOption(msgspec.Struct, forbid_unknown_fields=True):
    """One option."""

    name: str
    description: str | None = None


class SGLangChoice(msgspec.Struct, forbid_unknown_fields=True, tag="choice"):
    """Pick one."""

    id: str
    question: str
    options: list[SGLangOption]


class SGLangScore(msgspec.Struct, forbid_unknown_fields=True, tag="score"):
    """Rate."""

    id: str
    question: str
    levels: list[str]


class SGLangYesNo(msgspec.Struct, forbid_unknown_fields=True, tag="yes_no"):
    """Yes or no."""

    id: str
    question: str
    yes: str | None = None
    no: str | None = None


class SGLangRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What SGLang 0.5.23 takes."""

    input: dict[str, Any]
    questions: list[SGLangChoice | SGLangScore | SGLangYesNo]
    model: str = "default"


Name = Literal["systemone", "openai", "sglang"]
HONEST = {"systemone": systemone, "openai": openai, "sglang": sglang}
