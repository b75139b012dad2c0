"""In which orders the options of a question are put, and what its answers come to together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from judgefast.engines.base import LabelRead
from judgefast.engines.decisions.asked import Ask, Put

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.engines.decisions.asked import Answer
    from judgefast.engines.decisions.dialects import Dialect
    from judgefast.engines.decisions.options import OptionOrders
    from judgefast.engines.decisions.quirks import Quirks
    from judgefast.prompts.questions import Question

_LEAST_MASS = 1e-9


def orders_of(question: Question, wanted: OptionOrders, dialect: Dialect) -> list[tuple[int, ...]]:
    """Orders of a question's options, the rubric's first, no two alike.

    Levels of a scale have an order of their own, and yes and no have none on the wire.
    """
    places = tuple(range(len(question.options)))
    if question.kind not in dialect.ordered or wanted == 1:
        return [places]
    if wanted == "all":
        return [places[start:] + places[:start] for start in places] or [places]
    return list(dict.fromkeys((places, places[::-1])))


def asks_of(
    questions: Sequence[Question], wanted: OptionOrders, dialect: Dialect
) -> list[list[Ask]]:
    """What is asked: each question as often as it has orders, under neutral ids."""
    asks: list[list[Ask]] = []
    number = 0
    for question in questions:
        orders = orders_of(question, wanted, dialect)
        asks.append([Ask(f"q{number + i}", question, order) for i, order in enumerate(orders)])
        number += len(orders)
    return asks


def unsupported(question: Question, dialect: Dialect, quirks: Quirks) -> str:
    """Why a question cannot be asked there; empty where it can."""
    of = f"the question about `{question.aspect}`"
    options = len(question.options)
    if question.kind not in dialect.kinds:
        return f"{of} is of a kind that the dialect `{dialect.name}` does not have"
    if options == 0:
        return f"{of} has no labels to choose from"
    if question.kind == "choice" and options > quirks.most_options:
        return f"{of} has {options} options, and the server takes {quirks.most_options}"
    if question.kind == "score" and options > quirks.most_levels:
        return f"{of} has {options} levels, and the server takes {quirks.most_levels}"
    if question.kind == "score" and options < quirks.least_levels:
        return (
            f"{of} has {options} levels, and the server takes no fewer than {quirks.least_levels}"
        )
    return ""


def put_of(ask: Ask, answer: Answer) -> Put:
    """One answer as it is kept: by position on the wire."""
    return Put(
        order=ask.order,
        p=tuple(answer.probabilities[place] for place in ask.order) if answer.probabilities else (),
        sum=answer.sum_raw,
        mass=answer.label_mass,
        confidence=answer.confidence,
        outcome=answer.outcome,
        words=answer.words,
    )


def read_of(place: int, question: Question, answers: Sequence[Answer]) -> LabelRead:
    """What the answers to one question come to: the average over the orders of its options.

    One that is declined in any order is declined, and one that is malformed in any is malformed:
    an average over the rest would be of other orders than were asked for.

    Args:
        place: Of the question in its request.
        question: The question.
        answers: One for each order, aligned to the question's options.

    Returns:
        Log-probabilities by label, of the mean over the orders times the mean label mass where that
        is known; none of a question that was declined; all minus infinity where an answer was
        malformed.

    """
    outcomes = {answer.outcome for answer in answers}
    if "refused" in outcomes:
        return LabelRead(place, ())
    shares = [0.0] * len(question.options)
    if outcomes == {"ok"}:
        for index, option in enumerate(question.options):
            shares[option.label] = math.fsum(each.probabilities[index] for each in answers)
    factor = math.log(_mass(answers) / len(answers))
    return LabelRead(place, tuple(math.log(x) + factor if x > 0 else -math.inf for x in shares))


def _mass(answers: Sequence[Answer]) -> float:
    """Mean label mass: one factor for all orders, since it is no measure of an answer's worth.

    Some servers round it, to 0 as well: the answer is there all the same.
    """
    known = [each.label_mass for each in answers if each.label_mass is not None]
    return max(_LEAST_MASS, math.fsum(known) / len(known)) if known else 1.0
