"""OpenAI's Decisions, which vLLM 0.33 and gateways speak too.

Questions and answers are lists in one order, with names: an answer is taken where both its place
and its name are those of the question. A question may be refused in a reply that answers the rest.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.engines.decisions.asked import Answer, Reply, Usage
from judgefast.engines.decisions.check import (
    MalformedAnswerError,
    check_choice,
    check_score,
    check_type,
    distribution,
    listed,
    mapping,
    probability,
)
from judgefast.engines.decisions.lenient import amount, count, dollars, prompt_count, text
from judgefast.engines.decisions.said import said_instead
from judgefast.engines.decisions.strict import doubled, read_object, shown
from judgefast.engines.decisions.unfit import UnfitReplyError
from judgefast.engines.decisions.wording import described, labels_of, sent, sides

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgefast.engines.decisions.asked import Ask
    from judgefast.engines.decisions.quirks import Quirks
    from judgefast.prompts.questions import Option, QuestionKind

_TYPES: dict[QuestionKind, str] = {"choice": "choice", "score": "score", "yes_no": "predicate"}


class OpenAI:
    """See :class:`~judgefast.engines.decisions.dialects.Dialect`."""

    name = "openai"
    path = "/v1/decisions"
    kinds: frozenset[QuestionKind] = frozenset(_TYPES)
    ordered: frozenset[QuestionKind] = frozenset({"choice"})

    def body(self, model: str | None, state: Mapping[str, str], asks: Sequence[Ask]) -> bytes:
        """Write a request; the state is one text, an object of JSON.

        A text is what every server of this dialect takes: parts of JSON are refused by vLLM. That
        it is JSON keeps the slots apart, since no answer can close its own quotes.
        """
        request: dict[str, Any] = {} if model is None else {"model": model}
        request["input"] = json.dumps(dict(state), ensure_ascii=False)
        request["questions"] = [_question(ask) for ask in asks]
        return msgspec.json.encode(request)

    def read(self, asks: Sequence[Ask], body: bytes, quirks: Quirks) -> Reply:
        """Read a reply."""
        reply = read_object(body)
        found = reply.get("answers")
        if not isinstance(found, list) or "answers" in doubled(reply):
            raise UnfitReplyError(said_instead(reply, "list `answers`"))
        return Reply(
            answers=_answers(asks, found, quirks),
            model=text(reply.get("model")),
            usage=_usage(reply.get("usage")),
        )


@lru_cache(maxsize=1024)
def _question(ask: Ask) -> msgspec.Raw:
    """Write a question once, as in System One."""
    question = ask.question
    found: dict[str, Any] = {
        "type": _TYPES[question.kind],
        "name": ask.id,
        "instructions": question.instructions,
    }
    if question.kind == "choice":
        found["choices"] = [_named("value", option.text, option) for option in sent(ask)]
    elif question.kind == "score":
        found["levels"] = [_named("label", option.text, option) for option in sent(ask)]
    else:
        told = zip(("True", "False"), sides(question), strict=True)
        lines = [f"{name}: {words}" for name, words in told if words]
        found["instructions"] = "\n".join((question.instructions, *lines))
    return msgspec.Raw(msgspec.json.encode(found))


def _named(key: str, name: str, option: Option) -> dict[str, str]:
    words = described(option)
    return {key: name} if words is None else {key: name, "description": words}


def _answers(asks: Sequence[Ask], found: list[Any], quirks: Quirks) -> tuple[Answer, ...]:
    if not found:
        return tuple(Answer("malformed", words="the reply has no answers") for _ in asks)
    names = [each.get("name") if isinstance(each, dict) else None for each in found]
    known = {ask.id for ask in asks}
    others = [each for each in names if isinstance(each, str) and each not in known]
    if others:
        words = f"the reply answers {listed(others)}, which was not asked"
    elif len(found) != len(asks):
        words = f"the reply has {len(found)} answers to {len(asks)} questions"
    else:
        return tuple(_one(*pair, quirks) for pair in zip(asks, found, strict=True))
    return tuple(Answer("malformed", words=words) for _ in asks)


def _one(ask: Ask, found: object, quirks: Quirks) -> Answer:
    try:
        return _answer(ask, mapping(found, "its answer"), quirks)
    except MalformedAnswerError as error:
        return Answer("malformed", words=str(error))


def _answer(ask: Ask, found: Mapping[str, Any], quirks: Quirks) -> Answer:
    if found.get("name") != ask.id:
        message = f"the answer in its place has the name {shown(found.get('name'))}"
        raise MalformedAnswerError(message)
    if found.get("type") == "refusal":
        return Answer("refused", words="the server declines to answer this question")
    kind = ask.question.kind
    check_type(found, _TYPES[kind])
    if kind == "yes_no":
        yes = probability(found.get("probability"), "`probability`")
        values: tuple[float, ...] = (yes, 1 - yes)
        total = None
    else:
        labels = labels_of(ask)
        rows = _rows(found.get("probabilities"))
        if kind == "choice":
            check_choice(found, labels)
            by_label = _by(rows, "value")
        else:
            check_score(found, len(labels))
            by_label = _by_level(rows, ask)
        values, total = distribution(by_label, labels, rounds=quirks.rounds)
    confidence = amount(found.get("confidence"))
    return Answer("ok", values, sum_raw=total, confidence=confidence)


def _rows(found: object) -> list[Mapping[str, Any]]:
    if not isinstance(found, list):
        message = f"`probabilities` is {shown(found)}, no list"
        raise MalformedAnswerError(message)
    return [mapping(each, "one of `probabilities`") for each in found]


def _by(rows: Sequence[Mapping[str, Any]], key: str) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for row in rows:
        name = row.get(key)
        if not isinstance(name, str):
            message = f"one of `probabilities` has the {key} {shown(name)}, which is no label of it"
            raise MalformedAnswerError(message)
        if name in found:
            message = f"`probabilities` has {listed([name])} more than once"
            raise MalformedAnswerError(message)
        found[name] = row.get("probability")
    return found


def _by_level(rows: Sequence[Mapping[str, Any]], ask: Ask) -> Mapping[str, Any]:
    """By label; its place as it was sent, from 0, must say the same."""
    found = _by(rows, "label")
    sent_at = {option.text: place for place, option in enumerate(sent(ask))}
    for row in rows:
        label, place = row["label"], row.get("value")
        if label in sent_at and (isinstance(place, bool) or place != sent_at[label]):
            message = f"it calls level {shown(place)} {shown(label)}, which is {sent_at[label]}"
            raise MalformedAnswerError(message)
    return found


def _usage(found: object) -> Usage:
    if not isinstance(found, dict):
        return Usage()
    details = found.get("input_tokens_details")
    return Usage(
        prompt_tokens=prompt_count(found.get("input_tokens")),
        cached_tokens=count(details.get("cached_tokens")) if isinstance(details, dict) else None,
        completion_tokens=count(found.get("output_tokens")),
        usd=dollars(found.get("cost")),
    )
