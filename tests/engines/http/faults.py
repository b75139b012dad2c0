"""Faults of a server: which requests they befall, and what they do to an answer."""

from __future__ import annotations

import time
from typing import Any, Literal

import msgspec

from .opinion import is_about_item

Kind = Literal[
    "status", "hang", "drip", "reset", "cut", "content_type", "html", "garbage", "no_choices",
    "fewer", "more", "shuffled", "duplicates", "huge", "die", "slow", "late", "error_event",
    "no_done", "odd", "echo",
]  # fmt: skip

HUGE = 10 << 20
"""Bytes of an answer that is far too long."""

HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
GARBAGE = b'{"choices": [{"index": 0, "text": "A", "logp'


class Rule(msgspec.Struct, forbid_unknown_fields=True):
    """A fault, and whom it befalls: requests about items, counted from 0.

    What a client sends to find out what the server can do is left alone.
    """

    do: Kind
    first: int = 0
    """It begins with this one of those that it is about."""
    times: int | None = 1
    """How often; None for ever."""
    every: int = 1
    path: str = ""
    """Not a completion, but what the server says about itself under this path."""
    about: str = ""
    """Only requests with a prompt that holds this."""
    everything: bool = False
    """Any request, once one about an item has come: small questions as well."""
    until: float | None = None
    """Seconds after the start of the server."""
    status: int = 500
    headers: dict[str, str] = {}
    seconds: float = 60.0
    """Of a hang, of a drip as a whole, of a slow answer, of choices that come late in a stream."""
    seen: int = 0
    done: int = 0

    def befalls(self, prompt: str) -> bool:
        """Whether it may befall a request for this prompt."""
        return self.about in prompt if self.about else is_about_item(prompt)


class Script(msgspec.Struct, forbid_unknown_fields=True):
    """What a server is, and what goes wrong with it."""

    model: str = "judge"
    flavour: Literal["vllm", "sglang", "plain"] = "vllm"
    """`plain` takes texts only: chat, and completions of a single string."""
    key: str | None = None
    context: int = 4096
    told_context: int | None = None
    """What it says that it takes; None for the truth."""
    vocabulary: int = 258
    has_other_tokenizer: bool = False
    longest_list: int = 1024
    seconds: float = 0.0
    """What an answer about an item takes."""
    top: int = 20
    """Most log-probabilities by `logprobs` or `top_logprobs`."""
    streams: Literal["answers", "tokens", "no"] = "answers"
    """Pieces that a choice comes in: two, as vLLM does where it is asked to, or one a token."""
    counts: bool = True
    """It says in each piece how many tokens that choice has."""
    thinks: int = 0
    """Characters that it thinks before it answers; 0 for a judge that does not."""
    parts: Literal["reasoning", "reasoning_content", "no"] = "reasoning"
    """Where its thinking is over chat; `no`: between marks in the content."""
    tells_ids: bool = True
    """It says which tokens it has generated, where it is asked to."""
    has_new_limit: bool = False
    """It refuses `max_tokens`, as newer models of OpenAI do."""
    hidden: str = ""
    """Letters that are never among the likeliest tokens."""
    rules: list[Rule] = []


class Faults:
    """The rules of a script, applied in their order; at most one befalls a request."""

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = rules
        self._begun = time.monotonic()
        self._has_come = False

    def at(self, path: str) -> Rule | None:
        """The fault of what the server says about itself."""
        return next((rule for rule in self._rules if rule.path == path), None)

    def of(self, prompts: list[str]) -> Rule | None:
        """The fault that befalls a request with these prompts."""
        chosen = None
        self._has_come = self._has_come or any(map(is_about_item, prompts))
        for rule in self._rules:
            is_for_all = rule.everything and self._has_come
            if rule.path or not (is_for_all or any(map(rule.befalls, prompts))):
                continue
            place = rule.seen - rule.first
            rule.seen += 1
            is_due = place >= 0 and place % rule.every == 0
            if rule.times is not None and rule.done >= rule.times:
                is_due = False
            if rule.until is not None and time.monotonic() - self._begun > rule.until:
                is_due = False
            if is_due and chosen is None:
                rule.done += 1
                chosen = rule
        return chosen


def spoiled(kind: str, reply: dict[str, Any]) -> dict[str, Any]:
    """A reply whose choices are not those asked for, or not in their order."""
    choices = list(reply["choices"])
    if kind == "fewer":
        choices = choices[:-1]
    elif kind == "more":
        choices = [*choices, choices[-1] | {"index": len(choices)}]
    elif kind == "shuffled":
        choices = choices[::-1]
    elif kind == "duplicates":
        choices[1:2] = [each | {"index": 0} for each in choices[1:2]]
    elif kind == "huge":
        choices[0] = _with_text(choices[0], "x" * HUGE)
    elif kind == "no_choices":
        return {"object": "error", "message": "all is well"}
    return reply | {"choices": choices}


def _with_text(choice: dict[str, Any], text: str) -> dict[str, Any]:
    if "message" in choice:
        return choice | {"message": choice["message"] | {"content": text}}
    return choice | {"text": text}
