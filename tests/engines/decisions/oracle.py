"""Replies read once more, otherwise: what is there is looked for by name, and exact sums are made.

Nothing is checked here, and nothing is known of dialects: an answer's probabilities are found
wherever they stand in it, as a map or as a list of rows.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from judgefast.engines.decisions.asked import Ask


def probabilities(ask: Ask, reply: dict[str, Any]) -> list[float]:
    """By place among the question's options; empty where the answer has none."""
    found = _numbers(_answer(ask, reply))
    if not found:
        return []
    total = sum(found.values())
    if set(found) <= {"yes", "no"}:
        return [float(found[side] / total) for side in ("yes", "no")]
    labels = [option.text for option in ask.question.options]
    by_place = [str(place) for place in range(len(labels))]
    names = by_place if set(found) == set(by_place) else labels
    return [float(found[name] / total) for name in names]


def mass(ask: Ask, reply: dict[str, Any]) -> float | None:
    """Label mass, wherever it stands."""
    answer = _answer(ask, reply)
    beside = reply.get("diagnostics", {}).get(ask.id, {})
    for place in (answer.get("x_label_mass"), answer.get("label_mass"), beside.get("label_mass")):
        if place is not None:
            return min(1.0, float(place))
    return None


def _answer(ask: Ask, reply: dict[str, Any]) -> dict[str, Any]:
    answers = reply["answers"]
    if isinstance(answers, dict):
        return dict(answers[ask.id])
    return next(answer for answer in answers if answer["name"] == ask.id)


def _numbers(answer: dict[str, Any]) -> dict[str, Fraction]:
    if "probabilities" not in answer:
        only = answer.get("noul", answer.get("probability"))
        if only is None:
            return {}
        return {"yes": Fraction(str(only)), "no": 1 - Fraction(str(only))}
    rows = answer["probabilities"]
    if isinstance(rows, list):
        rows = {row.get("label", row["value"]): row["probability"] for row in rows}
    return {str(name): Fraction(str(value)) for name, value in rows.items()}
