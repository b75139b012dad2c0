"""A source that stops inside an amount of money: at no moment may what was sent cost more.

A judge's books are kept beside it, and nothing of the source is believed: at every moment the worst
case is what came back for what it cost, and all else that was sent for the most that it may.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.batches.request import Request
from judgefast.engines.base import Completion
from judgefast.engines.budgeted import COMMITS, Budgeted, Cost, Known, Limits
from judgefast.engines.source import FixedPlan
from judgefast.prompts.decoding import Decoding

if TYPE_CHECKING:
    from collections.abc import Sequence

ORDERS = 2
SMALL = 0.01


class Books:
    """What requests may cost and what they do, by number; and what is written down."""

    def __init__(self, items: int, seed: int) -> None:
        draw = random.Random(seed)  # noqa: S311 - made prices, no secret
        self.most = [draw.uniform(0.01, 1) for _ in range(items * ORDERS)]
        self.cost = [draw.choice([1.0, draw.random()]) * most for most in self.most]
        self.small = SMALL
        self.committed = 0.0
        self.commits = 0

    def of(self, completion: Completion, most: float) -> float:
        number = int.from_bytes(completion.request_id, "little")
        assert most == self.most[number]
        return self.cost[number]

    def beside(self) -> float:
        return self.small

    def commit(self, usd: float) -> None:
        assert usd > self.committed
        self.committed, self.commits = usd, self.commits + 1


class Costs:
    def __init__(self, books: Books) -> None:
        self.books = books

    def of(self, requests: Sequence[Request]) -> list[Known]:
        return [Known(one.seed // ORDERS, 1, 1, 1, self.books.most[one.seed]) for one in requests]

    def of_item(self, item: int) -> Cost:
        own = self.books.most[item * ORDERS : (item + 1) * ORDERS]
        return Cost(ORDERS, ORDERS, 4, sum(own))


def asked(number: int) -> Request:
    return Request(
        request_id=number.to_bytes(16, "little"),
        keys=(number.to_bytes(16, "little"),),
        item_id=str(number // ORDERS),
        shown=(0, 1),
        repeat=0,
        judge="fake",
        questions=(),
        prompt=None,
        prefix_group=number // ORDERS,
        decoding=Decoding(max_tokens=1),
        seed=number,
    )


def answer(request: Request) -> Completion:
    return Completion(
        request_id=request.request_id, attempt=1, lane=0, text="", finish_reason="stop"
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(0, 99), st.integers(1, 9), st.floats(0.1, 20.0))
def test_at_no_moment_may_what_was_sent_cost_more_than_there_is_or_than_is_written_down(
    items: int, seed: int, room: int, limit: float
) -> None:
    books, draw = Books(items, seed), random.Random(seed)  # noqa: S311 - as above
    inner = FixedPlan(map(asked, range(items * ORDERS)), total=items * ORDERS)
    source = Budgeted(inner, Limits(usd=limit), Costs(books), rooms={0: room}, bill=books)
    flying: list[Request] = []
    paid, sent = SMALL, 0
    while True:
        more = source.take(0, room - len(flying))
        flying += more
        sent += len(more)
        worst = paid + sum(books.most[one.seed] for one in flying)
        assert worst <= limit + 1e-9 or not sent
        assert worst <= books.committed + 1e-9 or not sent
        assert books.committed <= limit + 1e-9
        assert source.usd_in_flight == pytest.approx(worst - paid)
        if not flying:
            break
        back = flying.pop(draw.randrange(len(flying)))
        paid += books.cost[back.seed]
        source.give([answer(back)])
    assert source.remaining(0) == 0
    if sent < items * ORDERS:
        assert source.reached == "usd"
        left = limit - paid
        assert left < Costs(books).of_item(sent // ORDERS).usd, "the next item would have fitted"
    else:
        assert source.reached is None
    assert sent % ORDERS == 0, "an item is left half judged"
    assert books.commits <= 2 * COMMITS


def test_what_the_engine_asks_of_its_own_is_paid_from_the_same_amount() -> None:
    books = Books(1, 0)
    books.most = books.cost = [0.25, 0.25]
    inner = FixedPlan(map(asked, range(ORDERS)), total=ORDERS)
    source = Budgeted(inner, Limits(usd=0.505), Costs(books), rooms={0: 4}, bill=books)
    assert source.take(0, 4) == []
    assert source.reached == "usd"


def test_one_that_costs_more_than_it_might_is_expected_of_all_that_are_out() -> None:
    books = Books(4, 0)
    books.most = [0.1] * 8
    books.cost = [0.3] + [0.1] * 7
    inner = FixedPlan(map(asked, range(8)), total=8)
    source = Budgeted(inner, Limits(usd=1.2), Costs(books), rooms={0: 2}, bill=books)
    first = source.take(0, 2)
    assert len(first) == 2
    for one in first:
        source.give([answer(one)])
    # 0.41 is paid; of the two of an item each may cost 0.30.
    assert len(source.take(0, 2)) == 2
    assert source.take(0, 2) == []
    assert source.reached is None
