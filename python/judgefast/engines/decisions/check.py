"""What makes an answer one: every label with a probability, none beside them, and a sum of 1.

A label that is missing is never filled in with 0, and a number that is none never read as one: such
an answer is malformed, in words. What the verdict does not need is not held against an answer: a
server whose `choice` is not its most probable option has its probabilities kept.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from judgefast.engines.decisions.strict import doubled, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUM = 0.02
"""How far the sum of an answer's probabilities may be from 1."""
SUM_ROUNDED = 0.05
"""The same where they are rounded to two decimals."""

_ROUNDING = 0.005
_WIDEST = 0.5
"""Whatever the number of labels: what sums to less says nothing."""
_EXACT = 1e-7
_SLACK = 1e-6
"""Probabilities of 32 bits may be so far above 1 or below 0."""


class MalformedAnswerError(Exception):
    """An answer to one question that cannot be one; its words say why."""


def number(value: object, what: str) -> float:
    """A finite number of JSON.

    Raises:
        MalformedAnswerError: It is none.

    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"{what} is {shown(value)}, no number"
        raise MalformedAnswerError(message)
    try:
        found = float(value)
    except OverflowError:
        found = math.inf
    if not math.isfinite(found):
        message = f"{what} is {shown(value)}, no finite number"
        raise MalformedAnswerError(message)
    return found


def probability(value: object, what: str) -> float:
    """A number from 0 to 1.

    Raises:
        MalformedAnswerError: It is none.

    """
    found = number(value, what)
    if not -_SLACK <= found <= 1 + _SLACK:
        message = f"{what} is {shown(value)}, not from 0 to 1"
        raise MalformedAnswerError(message)
    return min(max(found, 0.0), 1.0)


def distribution(
    found: object, labels: Sequence[str], *, rounds: bool
) -> tuple[tuple[float, ...], float]:
    """Probabilities of `labels`, divided by their sum, and the sum as it came.

    Args:
        found: Probabilities by label.
        labels: As they were sent, in the order wanted.
        rounds: The server is known to round to two decimals.

    Raises:
        MalformedAnswerError: They are no distribution over these labels.

    """
    by_label = mapping(found, "`probabilities`")
    _only(by_label, labels)
    values = [probability(by_label[each], f"the probability of `{each}`") for each in labels]
    total = math.fsum(values)
    seen = all(abs(each - round(each, 2)) < _EXACT for each in values)
    room = min(_WIDEST, max(SUM_ROUNDED, _ROUNDING * len(values))) if rounds or seen else SUM
    if not abs(total - 1) <= room + _EXACT:
        message = f"its probabilities sum to {total:.4g}, not to 1"
        raise MalformedAnswerError(message)
    return tuple(each / total for each in values), total


def check_type(found: Mapping[str, Any], wanted: str) -> None:
    """Check that an answer is of its question's kind.

    Raises:
        MalformedAnswerError: It is of another.

    """
    if found.get("type") != wanted:
        message = f"its `type` is {shown(found.get('type'))}, not `{wanted}`"
        raise MalformedAnswerError(message)


def check_choice(found: Mapping[str, Any], labels: Sequence[str]) -> None:
    """Check what a server says that it chooses, if it says so: any label, the best one or not.

    Raises:
        MalformedAnswerError: It is no label.

    """
    if "choice" in found and found["choice"] not in labels:
        message = f"it chooses {shown(found['choice'])}, which is no label of it"
        raise MalformedAnswerError(message)


def check_score(found: Mapping[str, Any], levels: int) -> None:
    """Check the expected level that a server gives, if it does: counted from 0.

    Raises:
        MalformedAnswerError: It is no number, or outside the scale.

    """
    if "score" in found:
        score = number(found["score"], "`score`")
        if not -SUM <= score <= levels - 1 + SUM:
            message = f"`score` is {shown(found['score'])}, not from 0 to {levels - 1}"
            raise MalformedAnswerError(message)


def mapping(found: object, what: str) -> Mapping[str, Any]:
    """An object with each key once.

    Raises:
        MalformedAnswerError: It is none.

    """
    if not isinstance(found, dict):
        message = f"{what} is {shown(found)}, no object"
        raise MalformedAnswerError(message)
    twice = doubled(found)
    if twice:
        message = f"{what} has {listed(sorted(twice))} more than once"
        raise MalformedAnswerError(message)
    return found


def _only(found: Mapping[str, Any], labels: Sequence[str]) -> None:
    known = set(labels)
    if found.keys() == known:
        return
    missing = [each for each in labels if each not in found]
    extra = [each for each in found if each not in known]
    words = [f"no probability for {listed(missing)}"] if missing else []
    if extra:
        words.append(f"a probability for {listed(extra)}, which is no label of it")
    message = ", but ".join(words)
    raise MalformedAnswerError(message)


def listed(names: Sequence[str]) -> str:
    """Names of a server, the first of them, for a person."""
    most = 3
    words = ", ".join(f"`{shown(name)[1:-1]}`" for name in names[:most])
    return words if len(names) <= most else f"{words} and {len(names) - most} more"
