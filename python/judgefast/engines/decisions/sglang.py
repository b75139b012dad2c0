"""SGLang's own `/v1/decisions`: a list of questions with ids, a map of answers by id.

Every answer has all its probabilities by name, yes and no among them, and its label mass.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.engines.decisions.asked import Answer, Reply, Usage
from judgefast.engines.decisions.by_id import answers_by_id
from judgefast.engines.decisions.check import (
    check_choice,
    check_score,
    check_type,
    distribution,
)
from judgefast.engines.decisions.lenient import count, prompt_count, share, text
from judgefast.engines.decisions.strict import read_object
from judgefast.engines.decisions.wording import described, labels_of, level, levels_of, sent, sides

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgefast.engines.decisions.asked import Ask
    from judgefast.engines.decisions.quirks import Quirks
    from judgefast.prompts.questions import Option, QuestionKind


class SGLang:
    """See :class:`~judgefast.engines.decisions.dialects.Dialect`."""

    name = "sglang"
    path = "/v1/decisions"
    kinds: frozenset[QuestionKind] = frozenset({"choice", "score", "yes_no"})
    ordered: frozenset[QuestionKind] = frozenset({"choice"})

    def body(self, model: str | None, state: Mapping[str, str], asks: Sequence[Ask]) -> bytes:
        """Write a request; the state is an object, which the server writes as JSON itself."""
        request: dict[str, Any] = {} if model is None else {"model": model}
        request["input"] = dict(state)
        request["questions"] = [_question(ask) for ask in asks]
        return msgspec.json.encode(request)

    def read(self, asks: Sequence[Ask], body: bytes, quirks: Quirks) -> Reply:
        """Read a reply."""
        reply = read_object(body)

        def answer(ask: Ask, found: Mapping[str, Any]) -> Answer:
            return _answer(ask, found, quirks)

        return Reply(
            answers=answers_by_id(asks, reply, answer),
            model=text(reply.get("model")),
            usage=_usage(reply.get("usage")),
        )


@lru_cache(maxsize=1024)
def _question(ask: Ask) -> msgspec.Raw:
    """Write a question once, as in System One."""
    question = ask.question
    found: dict[str, Any] = {
        "id": ask.id,
        "type": question.kind,
        "question": question.instructions,
    }
    if question.kind == "choice":
        found["options"] = [_option(option) for option in sent(ask)]
    elif question.kind == "score":
        found["levels"] = [level(option) for option in sent(ask)]
    else:
        told = zip(("yes", "no"), sides(question), strict=True)
        found |= {name: words for name, words in told if words}
    return msgspec.Raw(msgspec.json.encode(found))


def _option(option: Option) -> dict[str, str]:
    words = described(option)
    return {"name": option.text} if words is None else {"name": option.text, "description": words}


def _answer(ask: Ask, found: Mapping[str, Any], quirks: Quirks) -> Answer:
    kind = ask.question.kind
    check_type(found, kind)
    if kind == "choice":
        labels = labels_of(ask)
        check_choice(found, labels)
    elif kind == "score":
        labels = levels_of(ask)
        check_score(found, len(labels))
    else:
        labels = ["yes", "no"]
    values, total = distribution(found.get("probabilities"), labels, rounds=quirks.rounds)
    return Answer("ok", values, sum_raw=total, label_mass=share(found.get("label_mass")))


def _usage(found: object) -> Usage:
    if not isinstance(found, dict):
        return Usage()
    details = found.get("prompt_tokens_details")
    return Usage(
        prompt_tokens=prompt_count(found.get("prompt_tokens")),
        cached_tokens=count(details.get("cached_tokens")) if isinstance(details, dict) else None,
        completion_tokens=count(found.get("completion_tokens")),
    )
