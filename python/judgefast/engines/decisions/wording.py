"""How a rubric's options are worded for a server: a label, and what it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from judgefast.engines.decisions.asked import Ask
    from judgefast.prompts.questions import Option

_YES_NO = {"yes", "no"}


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


def side(option: Option) -> str | None:
    """What yes or no means in a question that has no labels but these; None: no more than that.

    A rubric's own words for them are told, since its criterion may use them.
    """
    words = option.text if option.meaning in _YES_NO else option.meaning
    return None if words.casefold() in _YES_NO else words


def level(option: Option) -> str:
    """A level of a scale in one text: its label, which the instructions may name, and its meaning.

    The label is kept in it because servers number levels from 0, whatever the rubric calls them,
    and because two levels must not read alike.
    """
    words = described(option)
    return option.text if words is None else f"{option.text}: {words}"
