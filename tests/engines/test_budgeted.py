"""A source that stops inside a budget, against an engine of random latencies and lengths.

Time is made: an engine says when each answer comes, and the clock jumps there.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.batches.request import Request
from judgefast.engines.base import Completion
from judgefast.engines.budgeted import Budgeted, Cost, Known, Limits, counted_tokens
from judgefast.engines.source import LONGEST_HELD_GROUP, FixedPlan
from judgefast.prompts.decoding import Decoding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ORDERS = 2
CAP = 50


class Asks(NamedTuple):
    """A plan of items, each asked in both orders: prompt tokens, and what the answers will be."""

    requests: list[Request]
    prompts: list[int]
    answers: list[int]
    seconds: list[float]


def asks(items: int, seed: int, *, even: bool = False) -> Asks:
    draw = random.Random(seed)  # noqa: S311 - made lengths, no secret
    count = items * ORDERS
    decoding = Decoding(max_tokens=CAP)
    made = [
        Request(
            request_id=index.to_bytes(16, "little"),
            keys=(index.to_bytes(16, "little"),),
            item_id=str(index // ORDERS),
            shown=(0, 1),
            repeat=0,
            judge="fake",
            questions=(),
            prompt=None,
            prefix_group=index // ORDERS,
            decoding=decoding,
            seed=index,
        )
        for index in range(count)
    ]
    return Asks(
        made,
        [draw.randint(1, 400) for _ in range(count)],
        [draw.randint(0, CAP) for _ in range(count)],
        [1.0 if even else draw.choice([0.1, 1.0, draw.expovariate(0.5)]) for _ in range(count)],
    )


class FromPlan:
    """Costs by looking them up in the lists above."""

    def __init__(self, plan: Asks) -> None:
        self.plan = plan

    def of(self, requests: Sequence[Request]) -> list[Known]:
        return [Known(one.seed // ORDERS, self.plan.prompts[one.seed], CAP) for one in requests]

    def of_item(self, item: int) -> Cost:
        prompts = self.plan.prompts[item * ORDERS : (item + 1) * ORDERS]
        return Cost(ORDERS, ORDERS, sum(prompts) + ORDERS * CAP)


class Went(NamedTuple):
    """What became of a run in made time."""

    source: Budgeted
    sent: list[Request]
    done: list[Completion]
    seconds: float
    most_in_flight: int


def went(
    plan: Asks, limits: Limits, *, room: int, lanes: int = 1, one_by_one: bool = False
) -> Went:
    """Keep an engine full, as `drive` does, until nothing is left or time is up."""
    now = free = 0.0
    inner = FixedPlan(iter(plan.requests), total=len(plan.requests), lanes=lanes)
    source = Budgeted(
        inner, limits, FromPlan(plan), rooms=dict.fromkeys(range(lanes), room), clock=lambda: now
    )
    flying: list[tuple[float, int, int]] = []
    on_lane = Counter[int]()
    sent: list[Request] = []
    done: list[Completion] = []
    most = 0
    while not source.look_at_the_clock():
        waiting = False
        for lane in range(lanes):
            while on_lane[lane] < room and (more := source.take(lane, room - on_lane[lane])):
                on_lane[lane] += len(more)
                sent += more
                for one in more:
                    begins = max(now, free) if one_by_one else now
                    free = begins + plan.seconds[one.seed]
                    heapq.heappush(flying, (free, one.seed, lane))
            waiting = waiting or source.remaining(lane) > 0
        most = max(most, len(flying))
        if not flying:
            assert not waiting, "the source promises more, and gives none"
            break
        came, index, lane = heapq.heappop(flying)
        if limits.ends is not None and came > limits.ends:
            now = limits.ends  # the clock is looked at meanwhile
            continue
        now = came
        on_lane[lane] -= 1
        done.append(
            Completion(
                request_id=plan.requests[index].request_id,
                attempt=1,
                lane=lane,
                text="A",
                finish_reason="stop",
                prompt_tokens=plan.prompts[index],
                completion_tokens=plan.answers[index],
            )
        )
        source.give(done[-1:])
    return Went(source, sent, done, now, most)


def tokens_of(done: Sequence[Completion]) -> int:
    return sum((one.prompt_tokens or 0) + (one.completion_tokens or 0) for one in done)


@settings(max_examples=60)
@given(
    st.integers(1, 40),
    st.integers(0, 99),
    st.integers(1, 9),
    st.integers(1, 3),
    st.integers(0, 90),
)
def test_judgments_stay_within_the_budget_and_use_all_of_it_that_buys_whole_items(
    items: int, seed: int, room: int, lanes: int, budget: int
) -> None:
    plan = asks(items, seed)
    came = went(plan, Limits(judgments=budget), room=room, lanes=lanes)
    assert len(came.done) == min(items, budget // ORDERS) * ORDERS
    each = Counter(one.item_id for one in came.sent)
    assert set(each.values()) <= {ORDERS}, "an item is left half judged"
    assert came.source.reached == ("judgments" if budget // ORDERS < items else None)


@settings(max_examples=80)
@given(
    st.integers(1, 40),
    st.integers(0, 99),
    st.integers(1, 9),
    st.integers(1, 3),
    st.integers(0, 20_000),
)
def test_tokens_stay_within_the_budget_and_what_is_left_buys_no_item(
    items: int, seed: int, room: int, lanes: int, budget: int
) -> None:
    plan = asks(items, seed)
    came = went(plan, Limits(tokens=budget), room=room, lanes=lanes)
    spent = tokens_of(came.done)
    assert spent <= budget
    each = Counter(one.item_id for one in came.sent)
    assert set(each.values()) <= {ORDERS}, "an item is left half judged"
    if len(each) < items:
        assert came.source.reached == "tokens"
        most = max(FromPlan(plan).of_item(item).tokens for item in range(items))
        assert budget - spent < lanes * most
    else:
        assert came.source.reached is None


@settings(max_examples=60)
@given(st.integers(1, 60), st.integers(0, 99), st.integers(1, 9), st.floats(0.5, 40.0))
def test_nothing_comes_back_after_the_time_is_up(
    items: int, seed: int, room: int, ends: float
) -> None:
    came = went(asks(items, seed), Limits(ends=ends, ends_by="usd"), room=room)
    assert came.seconds <= ends
    is_whole = len(came.done) == items * ORDERS
    assert came.source.reached == (None if is_whole else "usd")


@settings(max_examples=30)
@given(st.integers(1, 9), st.integers(3, 30))
def test_where_answers_take_alike_long_nothing_is_given_up_in_flight(room: int, ends: int) -> None:
    plan = asks(200, 0, even=True)
    came = went(plan, Limits(ends=ends + 0.5), room=room)
    assert len(came.sent) == len(came.done)
    assert came.seconds <= ends + 0.5
    slow = 4  # rounds until as many are in flight as there is room for
    assert len(came.done) >= (ends - ORDERS - slow) * room, "it stops earlier than it must"


def test_of_little_time_not_all_is_sent_before_some_has_come_back() -> None:
    plan = asks(400, 0, even=True)
    plan = plan._replace(seconds=[20.0] * 64 + [1.0] * 736)
    assert len(went(plan, Limits(ends=30.0), room=64).done) >= ORDERS
    assert went(plan, Limits(ends=15.0), room=64).done == []
    assert len(went(plan, Limits(ends=15.0), room=64).sent) == ORDERS
    inner = FixedPlan(iter(plan.requests), total=800)
    long = Limits(ends=1000.0)
    source = Budgeted(inner, long, FromPlan(plan), rooms={0: 64}, clock=lambda: 0.0)
    assert len(source.take(0, 64)) == 64


def test_an_engine_that_gets_slower_the_more_it_holds_is_not_given_what_it_cannot_do() -> None:
    plan = asks(36, 0, even=True)
    plan = plan._replace(seconds=[0.25] * 72)
    came = went(plan, Limits(ends=14.0), room=256, one_by_one=True)
    assert len(came.sent) == len(came.done), "given up in flight"
    assert 14.0 * 4 - 4 * ORDERS <= len(came.done) <= 14.0 * 4


def back(source: Budgeted, requests: Sequence[Request]) -> None:
    """Give answers of one token to prompts of none."""
    source.give(
        [
            Completion(
                request_id=one.request_id,
                attempt=1,
                lane=0,
                text="A",
                finish_reason="stop",
                prompt_tokens=0,
                completion_tokens=1,
            )
            for one in requests
        ]
    )


def test_quick_answers_that_come_back_first_do_not_hide_those_that_are_still_out() -> None:
    now, plan = 0.0, asks(50, 0)
    inner = FixedPlan(iter(plan.requests), total=100)
    limits = Limits(ends=8.0)
    source = Budgeted(inner, limits, FromPlan(plan), rooms={0: 9}, clock=lambda: now)
    first = source.take(0, 9)
    assert len(first) == ORDERS
    now = 0.1
    back(source, first)
    second = source.take(0, 9)
    assert len(second) == 2 * ORDERS
    now = 0.2
    back(source, second[:ORDERS])
    now = 5.0  # the others have been out for 4.9 s, and 3 are left
    assert source.take(0, 7) == []
    assert source.reached == "gpu_hours"


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_lane_that_is_gone_holds_nothing_any_more_when_the_end_is_foretold(
    *, is_lost: bool
) -> None:
    now, plan = 0.0, asks(50, 0)
    inner = FixedPlan(iter(plan.requests), total=100, lanes=2)
    limits = Limits(ends=1000.0)
    source = Budgeted(inner, limits, FromPlan(plan), rooms={0: 4, 1: 4}, clock=lambda: now)
    first = source.take(0, 4) + source.take(1, 4)
    now = 400.0
    back(source, first)
    source.take(1, 4)
    now = 401.0  # four are out; two rounds of 400 s no longer fit
    if is_lost:
        source.release(0)
    assert bool(source.take(1, 2)) is not is_lost


def test_of_few_tokens_not_all_is_sent_before_it_is_known_what_the_engine_counts() -> None:
    plan = asks(200, 5, even=True)
    more = plan._replace(answers=[CAP + 150] * len(plan.answers))  # its template adds 150 tokens
    for budget in (12_000, 20_000, 30_000):
        came = went(more, Limits(tokens=budget), room=64)
        assert budget / 2 < tokens_of(came.done) <= budget


def test_a_lane_does_not_make_the_rest_of_the_plan_in_search_of_what_another_one_holds() -> None:
    count, made = 20_000, 0
    plan = asks(count, 0)
    order = [*range(0, 2 * count, 2), *range(1, 2 * count, 2)]  # all items in one order first

    def requests() -> Iterator[Request]:
        nonlocal made
        for place in order:
            made += 1
            yield msgspec.structs.replace(plan.requests[place], prefix_group=place)

    inner = FixedPlan(requests(), total=2 * count, lanes=2)
    source = Budgeted(inner, Limits(judgments=21), FromPlan(plan), rooms={0: 8, 1: 8})
    sent = source.take(0, 8) + source.take(1, 8)
    assert len(sent) == 10
    assert source.take(0, 8) == source.take(1, 8) == []
    assert source.remaining(0) == source.remaining(1) == 0
    assert made < 3 * LONGEST_HELD_GROUP


def test_of_several_budgets_the_first_that_is_reached_stops() -> None:
    plan = asks(50, 1)
    came = went(plan, Limits(judgments=20, tokens=10**9, ends=1e9), room=4)
    assert (len(came.done), came.source.reached) == (20, "judgments")
    came = went(plan, Limits(judgments=100, tokens=4000, ends=1e9), room=4)
    assert (came.source.reached, tokens_of(came.done) <= 4000) == ("tokens", True)


def test_short_items_are_not_looked_for_behind_one_that_does_not_fit() -> None:
    plan = asks(3, 0)
    plan = plan._replace(prompts=[10, 10, 5000, 5000, 10, 10])
    came = went(plan, Limits(tokens=1000), room=1)
    assert [one.item_id for one in came.sent] == ["0", "0"]


def test_concurrency_is_not_held_back_before_the_end() -> None:
    plan = asks(400, 3)
    came = went(plan._replace(answers=[0] * 800), Limits(tokens=150_000), room=32)
    assert came.most_in_flight == 32
    assert 150_000 - tokens_of(came.done) < ORDERS * (400 + CAP), "what comes back is used"


def test_what_an_engine_counts_beyond_the_plan_is_reserved_from_then_on() -> None:
    plan = asks(100, 5, even=True)
    more = plan._replace(answers=[CAP + 40] * len(plan.answers))  # its template adds 40 tokens
    for budget in range(6000, 9000, 50):
        came = went(more, Limits(tokens=budget), room=4)
        assert budget - 4 * (400 + CAP + 40) < tokens_of(came.done) <= budget
        assert came.source.reached == "tokens"


def test_the_rest_of_a_lane_that_is_gone_is_sent_by_another() -> None:
    plan = asks(4, 0)
    inner = FixedPlan(iter(plan.requests), total=8, lanes=2)
    source = Budgeted(inner, Limits(judgments=4), FromPlan(plan), rooms={0: 1, 1: 1})
    assert [one.seed for one in source.take(0, 1)] == [0]
    source.release(0)
    assert [one.seed for one in source.take(1, 8)] == [1, 2, 3]
    assert source.remaining(1) == 0
    assert not source.make_ahead()


def test_what_a_lane_that_is_gone_was_waiting_to_send_is_sent_by_another() -> None:
    plan = asks(2, 0)._replace(prompts=[10] * 4)
    inner = FixedPlan(iter(plan.requests), total=4, lanes=2)
    source = Budgeted(
        inner, Limits(tokens=ORDERS * (10 + CAP) + 30), FromPlan(plan), rooms={0: 4, 1: 4}
    )
    assert [one.seed for one in source.take(0, 2)] == [0, 1]
    assert source.take(0, 2) == [], "it waits for what is in flight"
    source.release(0)
    came = [
        Completion(
            request_id=one.request_id,
            attempt=1,
            lane=0,
            text="A",
            finish_reason="stop",
            prompt_tokens=0,
            completion_tokens=0,
        )
        for one in plan.requests[:2]
    ]
    source.give(came)
    assert [one.seed for one in source.take(1, 8)] == [2, 3]


def test_tokens_that_are_not_counted_are_taken_for_the_most_that_they_may_be() -> None:
    came = Completion(request_id=b"", attempt=1, lane=0, text="", finish_reason="stop")
    assert counted_tokens(came, 100, 50) == 150
    failed = Completion(
        request_id=b"",
        attempt=1,
        lane=0,
        text="",
        finish_reason="error",
        error_kind="engine_error",
    )
    assert counted_tokens(failed, 100, 50) == 100
    late = Completion(
        request_id=b"", attempt=1, lane=0, text="", finish_reason="error", error_kind="timeout"
    )
    assert counted_tokens(late, 100, 50) == 150
