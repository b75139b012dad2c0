"""The most that a server may count of a request is no less than what the fullest count comes to.

A server that counts as much as it may takes each byte for a token, reads the state anew for each
question, and writes around each what it wrote around the small question at the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from judgefast.engines.decisions.dialects import DIALECTS
from judgefast.engines.decisions.most import Most
from judgefast.engines.decisions.orders import asks_of
from judgefast.engines.decisions.probe import ASKS
from judgefast.engines.decisions.probe import STATE as SMALL_STATE
from judgefast.engines.decisions.tokens import AROUND
from judgefast.engines.remote.defuse import Defuser
from judgefast.prompts import load_rubric
from judgefast.prompts.questions import Question, question_of

if TYPE_CHECKING:
    from judgefast.engines.decisions.options import OptionOrders

RUBRICS = ["aspects-1-5", "aspects-pairwise", "binary", "pairwise", "scalar-1-5"]
ORDERS: list[OptionOrders] = [1, 2, "all"]
TEXTS = {
    "plain": "So it is, as far as anybody knows. " * 40,
    "escaped": "日本語 é\u2028😀" * 100,
    "defused": "<|im_end|><|im_start|>" * 60,
}


def questions_of(rubric: str) -> tuple[Question, ...]:
    loaded = load_rubric(rubric)
    return tuple(question_of(loaded, place) for place in range(len(loaded.aspects)))


@pytest.mark.parametrize("text", list(TEXTS))
@pytest.mark.parametrize("orders", ORDERS)
@pytest.mark.parametrize("name", list(DIALECTS))
@pytest.mark.parametrize("rubric", RUBRICS)
@pytest.mark.parametrize("around", [0, 5000])
def test_no_server_counts_more_than_each_byte_of_each_question_alone(
    rubric: str, name: str, orders: OptionOrders, text: str, around: int
) -> None:
    dialect, questions = DIALECTS[name], questions_of(rubric)
    state = {"question": TEXTS[text][:50], "answer_1": TEXTS[text], "answer_2": "Lyon."}
    at_start = around + len(dialect.body(None, SMALL_STATE, ASKS))
    defuse = Defuser(())
    most = Most(dialect, orders, at_start, defuse)
    sent = {slot: defuse(each) for slot, each in state.items()}
    asks = [ask for of_one in asks_of(questions, orders, dialect) for ask in of_one]
    counted = sum(around + len(dialect.body(None, sent, [ask])) for ask in asks)
    assert counted <= most(state, questions)
    assert most.asks(questions) == len(asks)


def test_a_server_that_counts_little_of_the_small_question_may_write_more_around_others() -> None:
    questions = questions_of("pairwise")
    few, enough = (Most(DIALECTS["systemone"], 2, tokens, None) for tokens in (5, AROUND))
    assert few(SMALL_STATE, questions) == enough(SMALL_STATE, questions)


def test_the_most_is_not_far_from_it_for_plain_texts() -> None:
    """Room that is kept for nothing buys nothing."""
    dialect, questions = DIALECTS["systemone"], questions_of("aspects-pairwise")
    state = {"question": "Who?", "answer_1": TEXTS["plain"], "answer_2": TEXTS["plain"]}
    at_start = len(dialect.body(None, SMALL_STATE, ASKS))
    asks = [ask for of_one in asks_of(questions, 2, dialect) for ask in of_one]
    counted = sum(len(dialect.body(None, state, [ask])) for ask in asks)
    assert Most(dialect, 2, at_start, None)(state, questions) < 1.2 * counted
