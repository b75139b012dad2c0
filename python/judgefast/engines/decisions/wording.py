"""How a rubric's options are worded for a server: a label, and what it stands for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.engines.decisions.asked import Ask
    from judgefast.prompts.questions import Option, Question

_YES_NO = {"yes", "no"}
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


def labels_of(ask: Ask) -> list[str]:
    """The rubric's labels, by place among the question's options."""
    return [option.text for option in ask.question.options]


def levels_of(ask: Ask) -> list[str]:
    """What servers call the levels of a scale, which they count as they came, by place."""
    return [str(ask.order.index(place)) for place in range(len(ask.order))]


def sent(ask: Ask) -> list[Option]:
    """The options in their order on the wire."""
    return [ask.question.options[place] for place in ask.order]


def described(option: Option) -> str | None:
    """What a label stands for; None where the label says it itself."""
    return None if option.meaning.casefold() == option.text.casefold() else option.meaning


def sides(question: Question) -> tuple[str | None, ...]:
    """What yes and no mean in a question that has no labels but these; None: no more than that.

    A rubric's own words for them are told, since its criterion may use them. A number says nothing
    of a side, unless the criterion or an example of the rubric has it too.
    """
    return tuple(_side(option, question.instructions) for option in question.options)


def _side(option: Option, instructions: str) -> str | None:
    words = option.text if option.meaning in _YES_NO else option.meaning
    if words.casefold() in _YES_NO:
        return None
    is_used = re.search(rf"(?<![\w.]){re.escape(words)}(?!\w|\.\d)", instructions)
    return None if _NUMBER.fullmatch(words) and not is_used else words


def level(option: Option) -> str:
    """A level of a scale in one text: its label, which the instructions may name, and its meaning.

    The label is kept in it because servers number levels from 0, whatever the rubric calls them,
    and because two levels must not read alike.
    """
    words = described(option)
    return option.text if words is None else f"{option.text}: {words}"
