"""What the judge of the fault server thinks: a verdict by what is written in a prompt."""

from __future__ import annotations

import json
import math
import re
from typing import Any
from zlib import crc32

LETTERS = "ABC"
LIKELY, UNLIKELY = 0.75, 0.0625
"""Probability of the letter that it writes, and of each other; the rest is on other tokens."""

_ANSWER = re.compile(r"\b(one|two) of (\w+)")


def row(name: str) -> dict[str, str]:
    """An item that the judge knows by its name."""
    return {
        "id": name,
        "question": f"Which is right about {name}?",
        "answer_a": f"The answer one of {name}.",
        "answer_b": f"The answer two of {name}.",
    }


def better(name: str) -> str | None:
    """Which answer to an item is the better one: `one`, `two`, or None for a tie."""
    return ("one", "two", None)[crc32(name.encode()) % 3]


def asked_about(prompt: str) -> str:
    """A prompt in short: the item, and which answer comes first. Hash of anything else."""
    found = _ANSWER.search(prompt)
    return f"{found[2]}/{found[1]}" if found else f"{crc32(prompt.encode()):08x}"


def is_about_item(prompt: str) -> bool:
    """Whether it shows the answers to an item."""
    return _ANSWER.search(prompt) is not None


def letter(prompt: str) -> str:
    """A for the answer that is shown first, B for the second, C for a tie."""
    found = _ANSWER.search(prompt)
    if found is None:
        return LETTERS[crc32(prompt.encode()) % 3]
    best = better(found[2])
    return "C" if best is None else "AB"[best != found[1]]


def written(prompt: str, body: dict[str, Any]) -> str:
    """The completion: a letter, or an object of the schema that is asked for."""
    schema = _schema(body)
    if schema is None:
        return letter(prompt)
    return json.dumps({name: _value(one, prompt) for name, one in schema["properties"].items()})


def logprob(token: str, prompt: str) -> float:
    """Log-probability of a token as the first one of the answer; not one of a letter is -20."""
    if token == letter(prompt):
        return math.log(LIKELY)
    return math.log(UNLIKELY) if token in LETTERS else -20.0


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        found: dict[str, Any] = form["json_schema"]["schema"]
        return found
    given = (body.get("structured_outputs") or {}).get("json")
    given = given or body.get("json_schema") or body.get("sampling_params", {}).get("json_schema")
    return json.loads(given) if isinstance(given, str) else given


def _value(schema: dict[str, Any], prompt: str) -> object:
    if "enum" in schema:
        return letter(prompt) if letter(prompt) in schema["enum"] else schema["enum"][0]
    return {"integer": 1, "number": 1.0, "boolean": True}.get(schema.get("type", ""), "It is so.")
