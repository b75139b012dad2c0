"""The most that a server may count of a request, before it is sent.

No token is less than a byte, so bytes are no fewer than tokens, whoever's tokenizer counts. A
server may count the state anew for each question that it is asked about it, and writes something of
its own around them: no more than it has counted of the small question at the start, that question
included.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from judgefast.engines.decisions.orders import orders_of
from judgefast.engines.decisions.tokens import AROUND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from judgefast.engines.decisions.dialects import Dialect
    from judgefast.engines.decisions.options import OptionOrders
    from judgefast.prompts.questions import Question


class Most:
    """Tokens of requests, none of which is counted as more.

    Args:
        dialect: In which questions are asked.
        orders: In how many orders the options of a choice are put.
        at_start: Tokens that the server has counted of the small question.
        defuse: What is done to a text before it is sent.

    """

    def __init__(
        self,
        dialect: Dialect,
        orders: OptionOrders,
        at_start: int,
        defuse: Callable[[str], str] | None,
    ) -> None:
        self._dialect, self._orders, self._defuse = dialect, orders, defuse
        self._around = max(AROUND, at_start)
        self._known: dict[tuple[Question, ...], tuple[int, int]] = {}

    def __call__(self, state: Mapping[str, str], questions: Sequence[Question]) -> int:
        """Of all that is sent about a state."""
        if self._defuse is not None:
            state = {slot: self._defuse(text) for slot, text in state.items()}
        times, beside = self._of(tuple(questions))
        return times * len(json.dumps(state)) + beside  # escapes and all: the longest it can get

    def asks(self, questions: Sequence[Question]) -> int:
        """How often questions are put in all: so many are on a bill at most."""
        return self._of(tuple(questions))[0]

    def _of(self, questions: tuple[Question, ...]) -> tuple[int, int]:
        """How often the state may be counted, and what is counted beside it."""
        if questions not in self._known:
            times = beside = 0
            for question in questions:
                orders = len(orders_of(question, self._orders, self._dialect))
                texts = [text for each in question.options for text in (each.text, each.meaning)]
                size = len(json.dumps([question.aspect, question.instructions, *texts]))
                times += orders
                beside += orders * (size + self._around)
            self._known[questions] = times, beside
        return self._known[questions]
