"""Answers that come as a map by the question's id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgefast.engines.decisions.asked import Answer
from judgefast.engines.decisions.check import MalformedAnswerError, listed, mapping
from judgefast.engines.decisions.said import said_instead
from judgefast.engines.decisions.strict import doubled
from judgefast.engines.decisions.unfit import UnfitReplyError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from judgefast.engines.decisions.asked import Ask


def answers_by_id(
    asks: Sequence[Ask],
    reply: Mapping[str, Any],
    answer: Callable[[Ask, Mapping[str, Any]], Answer],
) -> tuple[Answer, ...]:
    """Read the answer to each question.

    A reply that answers what was not asked may be another's: none of its answers is taken.

    Args:
        asks: What was asked.
        reply: With an object `answers`.
        answer: Reads one; raises `MalformedAnswerError`.

    Raises:
        UnfitReplyError: There is no such object.

    """
    found = reply.get("answers")
    if not isinstance(found, dict) or "answers" in doubled(reply):
        raise UnfitReplyError(said_instead(reply, "object `answers`"))
    known = {ask.id for ask in asks}
    others = [each for each in found if each not in known]
    if others:
        words = f"the reply answers {listed(others)}, which was not asked"
        return tuple(Answer("malformed", words=words) for _ in asks)
    return tuple(_one(ask, found, answer) for ask in asks)


def _one(
    ask: Ask, found: Mapping[str, Any], answer: Callable[[Ask, Mapping[str, Any]], Answer]
) -> Answer:
    if ask.id not in found:
        words = "the reply has no answers" if not found else "the reply has no answer to it"
        return Answer("malformed", words=words)
    if ask.id in doubled(found):
        return Answer("malformed", words="the reply answers it more than once")
    try:
        return answer(ask, mapping(found[ask.id], "its answer"))
    except MalformedAnswerError as error:
        return Answer("malformed", words=str(error))
