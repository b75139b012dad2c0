"""System One: TypeSafe's dialect, which vLLM, llama.cpp, SGLang, Laya and most gateways speak too.

A state and a map of questions by id; a map of answers by id. Options are the keys of a map, so that
their order is the order of its keys; probabilities come back by key, in any order. Labels that are
whole numbers are no keys: JavaScript puts those in ascending order, so that two orders were one.
What one server adds to its answers is read where it says something, and else left alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.engines.decisions.asked import Answer, Reply, Usage
from judgefast.engines.decisions.by_id import answers_by_id
from judgefast.engines.decisions.check import (
    MalformedAnswerError,
    check_choice,
    check_score,
    check_type,
    distribution,
    mapping,
    probability,
)
from judgefast.engines.decisions.lenient import amount, count, dollars, prompt_count, share, text
from judgefast.engines.decisions.strict import read_object, shown
from judgefast.engines.decisions.wording import described, level, levels_of, sent, sides

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgefast.engines.decisions.asked import Ask
    from judgefast.engines.decisions.quirks import Quirks
    from judgefast.prompts.questions import QuestionKind

_TYPES: dict[QuestionKind, str] = {"choice": "choice", "score": "score", "yes_no": "noul"}
_AGREE = 0.02


class SystemOne:
    """See :class:`~judgefast.engines.decisions.dialects.Dialect`."""

    name = "systemone"
    path = "/v1/systemone"
    kinds: frozenset[QuestionKind] = frozenset(_TYPES)
    ordered: frozenset[QuestionKind] = frozenset({"choice"})

    def body(self, model: str | None, state: Mapping[str, str], asks: Sequence[Ask]) -> bytes:
        """Write a request; the state is an object, a slot a key."""
        request: dict[str, Any] = {} if model is None else {"model": model}
        request["state"] = dict(state)
        request["questions"] = {ask.id: _question(ask) for ask in asks}
        return msgspec.json.encode(request)

    def read(self, asks: Sequence[Ask], body: bytes, quirks: Quirks) -> Reply:
        """Read a reply."""
        reply = read_object(body)
        diagnostics = reply.get("diagnostics")
        masses = diagnostics if isinstance(diagnostics, dict) else {}

        def answer(ask: Ask, found: Mapping[str, Any]) -> Answer:
            beside = masses.get(ask.id)
            said = beside.get("label_mass") if isinstance(beside, dict) else None
            return _answer(ask, found, share(found.get("x_label_mass", said)), quirks)

        return Reply(
            answers=answers_by_id(asks, reply, answer),
            model=text(reply.get("model")),
            usage=_usage(reply.get("usage")),
        )


@lru_cache(maxsize=1024)
def _question(ask: Ask) -> msgspec.Raw:
    """Write a question once: a run has few, and millions of states."""
    found: dict[str, Any] = {
        "type": _TYPES[ask.question.kind],
        "instructions": ask.question.instructions,
    }
    if ask.question.kind == "choice":
        found["criteria"] = _criteria(ask)
    elif ask.question.kind == "score":
        found["criteria"] = [level(option) for option in sent(ask)]
    else:
        told = zip(("true", "false"), sides(ask.question), strict=True)
        criteria = {name: words for name, words in told if words}
        if criteria:
            found["criteria"] = criteria
    return msgspec.Raw(msgspec.json.encode(found))


def _criteria(ask: Ask) -> dict[str, str | None]:
    if not _has_numbers(ask):
        return {option.text: described(option) for option in sent(ask)}
    keys = _keys(ask)
    return {keys[place]: level(ask.question.options[place]) for place in ask.order}


@lru_cache(maxsize=1024)
def _keys(ask: Ask) -> tuple[str, ...]:
    """Names of a choice's options by place: their labels, or neutral ones (`o1`, `o2`)."""
    options = ask.question.options
    if _has_numbers(ask):
        return tuple(f"o{place + 1}" for place in range(len(options)))
    return tuple(option.text for option in options)


def _has_numbers(ask: Ask) -> bool:
    """Whether a label is one that JavaScript takes for a place in a list."""
    texts = [option.text for option in ask.question.options]
    return any(text.isascii() and text.isdecimal() for text in texts)


def _answer(ask: Ask, found: Mapping[str, Any], mass: float | None, quirks: Quirks) -> Answer:
    kind = ask.question.kind
    check_type(found, _TYPES[kind])
    total: float | None
    if kind == "choice":
        values, total = _choice(ask, found, quirks)
    elif kind == "score":
        values, total = _score(ask, found, quirks)
    else:
        values, total = _noul(found, quirks)
    return Answer(
        outcome="ok",
        probabilities=values,
        sum_raw=total,
        label_mass=mass,
        confidence=amount(found.get("confidence")),
    )


def _choice(ask: Ask, found: Mapping[str, Any], quirks: Quirks) -> tuple[tuple[float, ...], float]:
    labels = _keys(ask)
    check_choice(found, labels)
    return distribution(found.get("probabilities"), labels, rounds=quirks.rounds)


def _score(ask: Ask, found: Mapping[str, Any], quirks: Quirks) -> tuple[tuple[float, ...], float]:
    keys = levels_of(ask)
    if "legend" in found:
        _check_legend(mapping(found["legend"], "`legend`"), keys, ask)
    check_score(found, len(keys))
    return distribution(found.get("probabilities"), keys, rounds=quirks.rounds)


def _check_legend(legend: Mapping[str, Any], keys: Sequence[str], ask: Ask) -> None:
    if set(legend) != set(keys):
        message = f"its `legend` has the keys {shown(list(legend))}, not 0 to {len(keys) - 1}"
        raise MalformedAnswerError(message)
    for key, option in zip(keys, ask.question.options, strict=True):
        said = legend[key]  # null says nothing of its level
        if said is not None and said != level(option):
            message = f"its `legend` calls level {key} {shown(said)}, not {shown(level(option))}"
            raise MalformedAnswerError(message)


def _noul(found: Mapping[str, Any], quirks: Quirks) -> tuple[tuple[float, ...], float | None]:
    yes = probability(found.get("noul"), "`noul`")
    if "probabilities" not in found:
        return (yes, 1 - yes), None
    both, total = distribution(found["probabilities"], ("yes", "no"), rounds=quirks.rounds)
    if abs(both[0] - yes) > _AGREE:
        message = f"`noul` is {yes:.4g}, but the probability of `yes` {both[0]:.4g}"
        raise MalformedAnswerError(message)
    return both, total


def _usage(found: object) -> Usage:
    if not isinstance(found, dict):
        return Usage()
    details = found.get("input_tokens_details")
    return Usage(
        prompt_tokens=prompt_count(found.get("input_tokens")),
        cached_tokens=count(details.get("cached_tokens")) if isinstance(details, dict) else None,
        completion_tokens=count(found.get("output_tokens")),
        usd=dollars(found.get("cost")),
        dropped_tokens=_dropped(found),
    )


def _dropped(found: Mapping[str, Any]) -> int:
    """Tokens that were cut off; 1 where it is said that some were, and not how many."""
    is_cut = found.get("truncated") is True or bool(found.get("truncated_questions"))
    return count(found.get("state_tokens_dropped")) or int(is_cut)
