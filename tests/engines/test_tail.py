"""The end of a run: which requests may be sent in another order, in which, and what it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from benches.bench_tail import completion, requests_of, shares
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.engines.source import FixedPlan
from judgefast.engines.tail import FEWEST, WINDOWS, Tail

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.batches.request import Request


def numbers(requests: list) -> list[int]:
    return [int.from_bytes(request.request_id, "little") for request in requests]


def learned(tail: Tail, answers: list[tuple[int, int, int]]) -> list[int]:
    """What becomes of 20 requests, five of each kind and length, once others were answered."""
    aspects, prompts, tokens = (np.array(column, np.int64) for column in zip(*answers, strict=True))
    requests = requests_of(aspects, prompts)
    tail.sent(requests)
    tail.came([completion(number, int(count)) for number, count in enumerate(tokens)])
    last = requests_of(np.array([0, 1] * 10), np.array([100, 100, 900, 900] * 5))
    return numbers(tail.arranged(last))


def test_long_answers_come_first_and_equal_ones_as_planned() -> None:
    told: list[int] = []
    by_aspect = [(row % 2, 500, 20 + 200 * (row % 2)) for row in range(2 * FEWEST)]
    assert learned(Tail(8, told.append), by_aspect) == [*range(1, 20, 2), *range(0, 20, 2)]
    assert told == [20]
    by_prompt = [(row % 2, 100 + 10 * row, 10 + row) for row in range(2 * FEWEST)]
    long = [row for row in range(20) if row % 4 > 1]
    assert learned(Tail(8), by_prompt) == [*long, *(row for row in range(20) if row not in long)]


def test_a_request_that_left_its_place_does_not_know_what_is_sent_after_it() -> None:
    tail = Tail(8)
    aspects = np.arange(2 * FEWEST) % 2
    tail.sent(requests_of(aspects, np.full(2 * FEWEST, 500)))
    tail.came([completion(number, 20 + 200 * (number % 2)) for number in range(2 * FEWEST)])
    last = requests_of(np.array([0, 1] * 4), np.full(8, 100))
    planned = [msgspec.structs.replace(one, next_ids=np.arange(3, dtype=np.int32)) for one in last]
    sent = tail.arranged(planned)
    assert numbers(sent) == [1, 3, 5, 7, 0, 2, 4, 6]
    assert all(one.next_ids is None for one in sent)


@pytest.mark.parametrize(
    "answers",
    [
        [(row % 2, 500, 20 + 200 * (row % 2)) for row in range(2 * FEWEST - 2)],  # too few
        [(row % 2, 500, 100 + 5 * (row % 2)) for row in range(400)],  # alike
        [(row % 2, 500 + row % 3, 1) for row in range(400)],  # labels
        [(0, 500, 20 + row) for row in range(400)],  # nothing of the other aspect
    ],
)
def test_where_lengths_cannot_be_guessed_the_order_of_the_plan_stays(
    answers: list[tuple[int, int, int]],
) -> None:
    told: list[int] = []
    assert learned(Tail(8, told.append), answers) == list(range(20))
    assert told == []


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 900), st.integers(1, 40), st.integers(1, 3), st.data())
def test_every_request_is_handed_out_once_and_only_the_end_out_of_order(
    total: int, room: int, lanes: int, data: st.DataObject
) -> None:
    drawn = np.random.default_rng(total)
    requests = requests_of(drawn.integers(0, 2, total), drawn.integers(100, 900, total))
    plan = FixedPlan(requests, total=total, lanes=lanes, tail=Tail(room * lanes))
    given_out: list[int] = []
    lane = 0
    while plan.remaining(lane):
        taken = numbers(plan.take(lane, data.draw(st.integers(1, room))))
        for _ in range(data.draw(st.integers(0, 60))):
            plan.make_ahead()
        plan.give([completion(number, 10 + number % 2 * 90) for number in taken])
        given_out += taken
        lane = (lane + 1) % lanes
    for other in range(lanes):
        while more := plan.take(other, 10):
            given_out += numbers(more)
    assert sorted(given_out) == list(range(total))
    if lanes == 1:
        kept = max(0, total - WINDOWS * room)
        assert given_out[:kept] == list(range(kept))


@pytest.mark.parametrize("more", [-48, 0, 1, 20])
def test_a_run_of_about_two_windows_is_sent_as_its_requests_are_made(more: int) -> None:
    """Nothing has come back by then: there is nothing that all of them were made for."""
    room, made = 32, [0]
    total = WINDOWS * room + more
    requests = requests_of(np.arange(total) % 2, np.full(total, 500))

    def one_by_one() -> Iterator[Request]:
        for request in requests:
            made[0] += 1
            yield request

    plan = FixedPlan(one_by_one(), total=total, tail=Tail(room))
    out: list[int] = []
    while plan.remaining(0):
        out += numbers(plan.take(0, 8))
        assert made[0] == len(out)
        if len(out) > room:
            plan.give([completion(number, 10 + number % 2 * 90) for number in out[-8:]])
    assert out == list(range(total))


def test_slots_are_idle_for_less_than_two_hundredths_of_a_run_of_fifty_windows() -> None:
    for workload in ("two aspects", "as the prompt", "all alike"):
        idle = [shares(workload, 16, 2, 50, seed) for seed in range(4)]
        kept, arranged = (np.mean([one[name] for one in idle]) for name in ("kept", "arranged"))
        assert arranged < 0.02
        assert arranged < kept or workload == "all alike"
    unknown = shares("unknown", 16, 2, 50, 0)
    assert unknown["arranged"] == unknown["kept"]
