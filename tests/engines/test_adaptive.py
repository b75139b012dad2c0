"""Second orders held back until the first has come back, whatever comes when."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from judgefast.batches.request import Request
from judgefast.engines.adaptive import Adaptive, First
from judgefast.engines.base import Completion
from judgefast.engines.budgeted import Budgeted, Cost, Known, Limits
from judgefast.engines.source import FixedPlan
from judgefast.prompts.decoding import Decoding

if TYPE_CHECKING:
    from collections.abc import Sequence

PROMPT, CAP = 10, 1


class Plan(NamedTuple):
    """Requests by row, the rows that each waits for, and what each row will say."""

    requests: list[Request]
    waits: list[tuple[int, ...]]
    says: list[First]

    @property
    def rows(self) -> int:
        return len(self.requests)

    def waited_for(self, requests: Sequence[Request]) -> list[tuple[int, ...]]:
        return [self.waits[one.seed] for one in requests]

    def came(self, completions: Sequence[Completion]) -> list[tuple[int, First]]:
        return [(row_of(one), self.says[row_of(one)]) for one in completions]


def row_of(completion: Completion) -> int:
    return int.from_bytes(completion.request_id, "little")


def plan_of(pairs: int, seed: int, *, shuffled: bool, crossed: bool = False) -> Plan:
    """Row 2k is the first of pair k, row 2k + 1 its second; some wait for the first of another."""
    draw = random.Random(seed)  # noqa: S311 - made answers, no secret
    made = [
        Request(
            request_id=row.to_bytes(16, "little"),
            keys=(row.to_bytes(16, "little"),),
            item_id=str(row // 2),
            shown=(row % 2, 1 - row % 2),
            repeat=0,
            judge="fake",
            questions=(),
            prompt=None,
            prefix_group=row // 6,
            decoding=Decoding(max_tokens=CAP),
            seed=row,
        )
        for row in range(2 * pairs)
    ]
    waits: list[tuple[int, ...]] = []
    for row in range(2 * pairs):
        others = [2 * draw.randrange(pairs)] if crossed and draw.random() < 0.3 else []
        is_audited = draw.random() < 0.2
        waits.append(() if row % 2 == 0 or is_audited else (row - 1, *others))
    says = [draw.choice([First.CLOSED, First.CLOSED, First.OPEN]) for _ in made]
    if shuffled:  # the order of sending is another one within each group
        made.sort(key=lambda one: (one.prefix_group, draw.random()))
    return Plan(made, waits, says)


def needed(plan: Plan) -> set[int]:
    """Rows that are asked, by the definition alone."""
    return {
        row
        for row, firsts in enumerate(plan.waits)
        if not firsts or any(plan.says[first] is First.OPEN for first in firsts)
    }


class Costs:
    def of(self, requests: Sequence[Request]) -> list[Known]:
        return [Known(one.seed // 2, PROMPT, CAP, 1) for one in requests]

    def of_item(self, item: int) -> Cost:
        del item
        return Cost(2, 2, 2 * (PROMPT + CAP))


class Went(NamedTuple):
    asked: list[int]
    most_aside: int
    decided: int
    budget: Budgeted


def went(  # noqa: PLR0917 - a run in the small
    plan: Plan, seed: int, room: int, lanes: int, limits: Limits, dies: int | None = None
) -> Went:
    """Keep an engine full that answers in any order; a lane may die with all that it has."""
    draw = random.Random(seed)  # noqa: S311 - an order of arrival
    inner = FixedPlan(iter(plan.requests), total=plan.rows, lanes=lanes)
    rooms = dict.fromkeys(range(lanes), room)
    budget = Budgeted(inner, limits, Costs(), rooms=rooms, clock=lambda: 0.0)
    source = Adaptive(budget, plan, budget)
    alive = list(range(lanes))
    flying: dict[int, list[Request]] = {lane: [] for lane in alive}
    asked: list[int] = []
    most = 0
    while True:
        waiting = False
        for lane in alive:
            while (free := room - len(flying[lane])) and (more := source.take(lane, free)):
                flying[lane] += more
                asked += [one.seed for one in more]
            waiting = waiting or source.remaining(lane) > 0
        most = max(most, len(source._aside))
        busy = [lane for lane, held in flying.items() if held]
        if not busy:
            assert not waiting, "the source promises more, and gives none"
            return Went(asked, most, source.decided, budget)
        lane = draw.choice(busy)
        one = flying[lane].pop(draw.randrange(len(flying[lane])))
        done = Completion(
            request_id=one.request_id,
            attempt=1,
            lane=lane,
            text="A",
            finish_reason="stop",
            prompt_tokens=PROMPT,
            completion_tokens=CAP,
        )
        source.give([done])
        if dies is not None and len(asked) > dies and len(alive) > 1:
            source.release(alive.pop())


@settings(max_examples=80, deadline=None)
@given(
    pairs=st.integers(1, 40),
    seed=st.integers(0, 1 << 30),
    room=st.integers(1, 9),
    lanes=st.integers(1, 3),
    shuffled=st.booleans(),
    crossed=st.booleans(),
    dies=st.none() | st.integers(0, 30),
)
def test_what_is_asked_is_what_is_needed_whatever_the_order_of_arrival(  # noqa: PLR0917 - drawn
    pairs: int,
    seed: int,
    room: int,
    lanes: int,
    shuffled: bool,  # noqa: FBT001 - drawn
    crossed: bool,  # noqa: FBT001 - drawn
    dies: int | None,
) -> None:
    plan = plan_of(pairs, seed, shuffled=shuffled, crossed=crossed)
    found = went(plan, seed + 1, room, lanes, Limits(), dies)
    assert sorted(found.asked) == sorted(needed(plan))
    assert found.decided == 2 * pairs - len(needed(plan))
    if not crossed and not shuffled:
        assert found.most_aside <= lanes * room


@settings(max_examples=80, deadline=None)
@given(
    pairs=st.integers(1, 30),
    seed=st.integers(0, 1 << 30),
    room=st.integers(1, 9),
    lanes=st.integers(1, 3),
    shuffled=st.booleans(),
    crossed=st.booleans(),
    judgments=st.integers(2, 60),
)
def test_a_budget_holds_and_gets_back_what_second_orders_did_not_take(  # noqa: PLR0917 - drawn
    pairs: int,
    seed: int,
    room: int,
    lanes: int,
    shuffled: bool,  # noqa: FBT001 - drawn
    crossed: bool,  # noqa: FBT001 - drawn
    judgments: int,
) -> None:
    plan = plan_of(pairs, seed, shuffled=shuffled, crossed=crossed)
    found = went(plan, seed + 1, room, lanes, Limits(judgments=judgments))
    assert len(found.asked) <= judgments
    assert len(found.asked) == len(set(found.asked))
    assert set(found.asked) <= needed(plan)
    tokens = went(plan, seed + 1, room, lanes, Limits(tokens=judgments * (PROMPT + CAP)))
    assert len(tokens.asked) <= judgments
    for each in (found, tokens):
        if each.budget.reached is None:
            assert sorted(each.asked) == sorted(needed(plan))
    if not crossed and not shuffled and lanes == room == 1:  # nothing is reckoned too high
        rest = judgments - len(found.asked)
        assert found.budget.reached is None or rest < 2


def test_a_first_that_was_given_up_on_leaves_its_second_to_another_start() -> None:
    plan = plan_of(4, 0, shuffled=False)
    plan = plan._replace(waits=[() if row % 2 == 0 else (row - 1,) for row in range(8)])
    plan = plan._replace(says=[First.LOST] * 8)
    found = went(plan, 1, 2, 1, Limits())
    assert sorted(found.asked) == [0, 2, 4, 6]
    assert found.decided == 0


def test_a_first_that_may_still_open_it_outweighs_one_that_was_given_up_on() -> None:
    """Row 1 waits for both firsts; the one that is lost comes back before the one that opens it."""
    plan = plan_of(2, 0, shuffled=False)
    says = [First.LOST, First.CLOSED, First.OPEN, First.CLOSED]
    plan = plan._replace(waits=[(), (0, 2), (), (2,)], says=says)
    source = Adaptive(FixedPlan(iter(plan.requests), total=4), plan)
    firsts = source.take(0, 4)
    assert [one.seed for one in firsts] == [0, 2]
    for one in firsts:
        assert source.take(0, 4) == []
        done = Completion(
            request_id=one.request_id, attempt=1, lane=0, text="A", finish_reason="stop"
        )
        source.give([done])
    assert [one.seed for one in source.take(0, 4)] == [1, 3]


def test_what_was_set_aside_says_nothing_of_what_was_planned_to_follow_it() -> None:
    plan = plan_of(1, 0, shuffled=False)
    following = np.array([1, 2], np.int32)
    made = [replace(one, next_ids=following) for one in plan.requests]
    plan = Plan(made, [(), (0,)], [First.OPEN] * 2)
    source = Adaptive(FixedPlan(iter(made), total=2), plan)
    [first] = source.take(0, 2)
    assert first.next_ids is following
    done = Completion(
        request_id=first.request_id, attempt=1, lane=0, text="A", finish_reason="stop"
    )
    source.give([done])
    [second] = source.take(0, 2)
    assert second.next_ids is None
