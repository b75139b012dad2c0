"""What was found out about the judge behind decision servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from judgefast.engines.decisions.quirks import shows_all_questions

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.engines.decisions.dialects import Dialect
    from judgefast.engines.decisions.options import DecisionOptions, OptionOrders
    from judgefast.engines.decisions.quirks import Quirks
    from judgefast.engines.decisions.tokens import Limit
    from judgefast.prompts.tokenizer import PromptTokenizer


class Spoken(NamedTuple):
    """How a server is spoken to, and who has answered."""

    dialect: Dialect
    path: str
    """After the root."""
    quirks: Quirks
    asked: str | None
    """Model that requests name; None: none, the server has but one."""
    answered: str
    """Model that has answered, as the server calls it; empty where it does not say."""
    doubt: str
    """What was wrong with its answer to the question at the start; empty where nothing was."""
    context: int | None
    """Tokens that the server says its model can hold."""
    also_called: tuple[str, ...]
    """What the server's list calls the model beside that: its name may be anybody's choice."""
    is_head: bool
    """Whether its answer at the start is one of labels that are all the model knows."""
    unlisted: str
    """Server that the same reply is of, whatever was listed."""
    was_listed: bool


class Found(NamedTuple):
    """The judge behind the servers."""

    spoken: Spoken
    limit: Limit
    tokenizer_file: Path | None
    tokenizer: PromptTokenizer | None
    away: frozenset[str]
    """Servers that were not there."""
    may_move: bool
    """Whether the model behind the name that is asked for may be another one from now on."""

    @property
    def name(self) -> str:
        """Of the judge: who answers; where that may change, who is asked."""
        answered, asked = self.spoken.answered, self.spoken.asked
        names = (asked, answered) if self.may_move else (answered, asked)
        return names[0] or names[1] or f"unknown at {self.spoken.quirks.name}"

    @property
    def shows_all_questions(self) -> bool:
        """Whether one question may change the answer to another of its request.

        Models that know nothing but the labels are shown what their makers saw fit.
        """
        spoken = self.spoken
        names = (self.name, spoken.asked or "", *spoken.also_called)
        return shows_all_questions(spoken.quirks, names, is_head=spoken.is_head)


def orders_in_force(options: DecisionOptions, found: Found) -> OptionOrders:
    """One where the server turns the options round by itself."""
    return options.option_orders if found.spoken.quirks.keeps_option_order else 1
