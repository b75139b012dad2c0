"""The loop between a source and an engine."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from judgefast.batches.request import Request
from judgefast.engines.drive import Flight, drive
from judgefast.engines.source import MADE_AHEAD, MADE_AT_ONCE, FixedPlan
from judgefast.errors import EngineError
from judgefast.prompts.decoding import Decoding

from .scripted import ScriptedEngine, answered, failed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from judgefast.engines.base import Completion, Lane


def requests(groups: Iterable[int]) -> list[Request]:
    decoding = Decoding(max_tokens=1)
    return [
        Request(
            request_id=index.to_bytes(16, "little"),
            keys=(index.to_bytes(16, "little"),),
            item_id=str(index),
            shown=(0,),
            repeat=0,
            judge="scripted",
            questions=(),
            prompt=None,
            prefix_group=group,
            decoding=decoding,
            seed=index,
        )
        for index, group in enumerate(groups)
    ]


def run(engine: ScriptedEngine, plan: list[Request], *, seconds: float = 60.0) -> list[Completion]:
    source = FixedPlan(plan, total=len(plan), lanes=len(engine.lanes))
    batches = drive(
        engine, source, flight=Flight(), request_seconds=seconds, stopping=lambda: False
    )
    return [completion for batch in batches for completion in batch]


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 5), max_size=80).map(sorted),
    st.integers(1, 3),
    st.integers(1, 9),
)
def test_every_request_comes_back_once_whatever_the_order(
    groups: list[int], lanes: int, room: int
) -> None:
    plan = requests(groups)
    engine = ScriptedEngine(lambda r: answered(r, "A"), lanes=lanes, room=room, batch=3)
    done = run(engine, plan)
    assert Counter(c.request_id for c in done) == Counter(r.request_id for r in plan)
    assert engine.most_in_flight <= lanes * room


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60).map(sorted))
@settings(max_examples=30)
def test_a_prefix_group_stays_on_one_lane_in_order(groups: list[int]) -> None:
    engine = ScriptedEngine(lambda r: answered(r, "A"), lanes=3, room=4)
    run(engine, requests(groups))
    lanes = defaultdict(set)
    order = defaultdict(list)
    for lane, request in engine.submitted:
        lanes[request.prefix_group].add(lane)
        order[request.prefix_group].append(request.item_id)
    assert all(len(used) == 1 for used in lanes.values())
    assert all(ids == sorted(ids, key=int) for ids in order.values())


def test_an_idle_lane_takes_the_next_group_and_leaves_the_others() -> None:
    plan = FixedPlan(requests([0, 0, 0, 1, 1, 2]), total=6, lanes=2)
    taken = [[request.prefix_group for request in plan.take(lane, 2)] for lane in (0, 1, 0, 1)]
    assert taken == [[0, 0], [1, 1], [0, 2], []]


def test_a_group_too_long_to_hold_is_split_between_lanes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judgefast.engines.source.LONGEST_HELD_GROUP", 3)
    plan = FixedPlan(requests([0] * 6), total=6, lanes=2)
    assert [len(plan.take(lane, 2)) for lane in (0, 1, 0, 1)] == [2, 2, 1, 1]


def test_requests_are_made_a_bounded_number_ahead_of_the_engines_room() -> None:
    made = []

    def source() -> Iterable[Request]:
        for request in requests([0] * 1000):
            made.append(request)
            yield request

    engine = ScriptedEngine(lambda r: answered(r, "A"), room=8, batch=2)
    plan = FixedPlan(source(), total=1000)
    loop = drive(engine, plan, flight=Flight(), request_seconds=60, stopping=lambda: False)
    came_back = most = 0
    for done in loop:
        came_back += len(done)
        most = max(most, len(made) - came_back)
        assert len(made) - came_back < 8 + MADE_AHEAD + MADE_AT_ONCE
    assert came_back == len(made) == 1000
    assert most >= MADE_AHEAD, "they are made while the engine works"
    assert [each.request_id for _, each in engine.submitted] == [each.request_id for each in made]


def test_a_request_that_never_answers_becomes_a_timeout_and_the_rest_go_on() -> None:
    engine = ScriptedEngine(lambda r: None if r.item_id == "3" else answered(r, "A"), room=4)
    done = run(engine, requests([0] * 12), seconds=0.5)
    by_id = {c.request_id[0]: c for c in done}
    assert len(done) == 12
    assert by_id[3].error_kind == "timeout"
    assert by_id[3].error == "no answer before the deadline of a request; it was cancelled"
    assert all(by_id[i].finish_reason == "stop" for i in range(12) if i != 3)


def test_an_engine_that_forgets_a_cancelled_request_cannot_hold_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("judgefast.engines.drive.CANCEL_GRACE_SECONDS", 0.05)
    engine = ScriptedEngine(lambda r: None if r.item_id == "0" else answered(r, "A"), room=2)
    engine.cancel = lambda request_ids: None  # type: ignore[method-assign]  # a double's own
    done = run(engine, requests([0] * 5), seconds=0.5)
    assert sorted(c.error_kind or "" for c in done) == ["", "", "", "", "timeout"]


def test_a_request_that_is_given_up_makes_room_for_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("judgefast.engines.drive.CANCEL_GRACE_SECONDS", 0.05)
    engine = ScriptedEngine(lambda r: None if r.item_id == "0" else answered(r, "A"), room=1)
    engine.cancel = lambda request_ids: None  # type: ignore[method-assign]  # a double's own
    end = time.monotonic() + 20
    loop = drive(
        engine,
        FixedPlan(requests([0] * 2), total=2),
        flight=Flight(),
        request_seconds=0.2,
        stopping=lambda: time.monotonic() > end,
    )
    assert [c.error_kind for batch in loop for c in batch] == ["timeout", None]


def test_a_failure_is_a_completion_and_is_not_sent_again() -> None:
    engine = ScriptedEngine(failed)
    done = run(engine, requests([0] * 3))
    assert [c.error_kind for c in done] == ["engine_error"] * 3
    assert len(engine.submitted) == 3


def test_stopping_ends_the_loop_with_what_is_in_flight_abandoned() -> None:
    seen: list[Completion] = []
    engine = ScriptedEngine(lambda r: answered(r, "A"), room=4, batch=1)
    plan = requests([0] * 50)
    loop = drive(
        engine,
        FixedPlan(plan, total=50),
        flight=Flight(),
        request_seconds=60,
        stopping=lambda: len(seen) >= 5,
    )
    for batch in loop:
        seen += batch
    assert len(seen) == 5


def test_the_mean_in_flight_is_that_of_a_full_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that moves only while the engine works: a busy machine changes nothing."""
    clock = SimpleNamespace(now=0.0, sleep=time.sleep)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr("judgefast.engines.drive.time", clock)

    class Working(ScriptedEngine):
        def collect(self, *, timeout_seconds: float) -> list[Completion]:
            clock.now += 1.0
            return super().collect(timeout_seconds=timeout_seconds)

    flight = Flight()
    engine = Working(lambda r: answered(r, "A"), room=16, batch=1)
    source = FixedPlan(requests([0] * 400), total=400)
    for _ in drive(engine, source, flight=flight, request_seconds=1e9, stopping=lambda: False):
        pass
    tail = range(15, 0, -1)
    assert flight.mean == pytest.approx((16 * (400 - len(tail)) + sum(tail)) / 400)


def test_what_came_back_is_kept_before_anything_more_is_sent() -> None:
    kept: list[Completion] = []
    unkept: list[int] = []

    class Watched(ScriptedEngine):
        collected = 0

        def submit(self, lane: int, requests: Sequence[Request]) -> None:
            unkept.append(self.collected - len(kept))
            super().submit(lane, requests)

        def collect(self, *, timeout_seconds: float) -> list[Completion]:
            done = super().collect(timeout_seconds=timeout_seconds)
            self.collected += len(done)
            return done

    plan = requests([0] * 50)
    handed_on = [
        completion
        for batch in drive(
            Watched(lambda r: answered(r, "A"), room=4, batch=3),
            FixedPlan(plan, total=50),
            flight=Flight(),
            request_seconds=60,
            stopping=lambda: False,
            keep=kept.extend,
        )
        for completion in batch
    ]
    assert handed_on == kept
    assert len(kept) == 50
    assert set(unkept) == {0}


def test_what_came_back_is_kept_and_handed_on_where_cancelling_fails() -> None:
    def lost(request_ids: Sequence[bytes]) -> None:
        message = "the engine is gone"
        raise EngineError(message)

    engine = ScriptedEngine(lambda r: None if r.item_id == "0" else answered(r, "A"), room=3)
    engine.cancel = lost  # type: ignore[method-assign]  # a double's own
    kept: list[Completion] = []
    handed_on: list[Completion] = []
    loop = drive(
        engine,
        FixedPlan(requests([0] * 3), total=3),
        flight=Flight(),
        request_seconds=1e-9,
        stopping=lambda: False,
        keep=kept.extend,
    )
    with pytest.raises(EngineError, match="is gone"):
        handed_on.extend(completion for batch in loop for completion in batch)
    assert [each.text for each in kept] == ["A", "A"]
    assert handed_on == kept


class DwindlingEngine(ScriptedEngine):
    """Loses all lanes but the first; what is in flight on one moves there."""

    lanes: Sequence[Lane]

    def collect(self, *, timeout_seconds: float) -> list[Completion]:
        if len(self.lanes) > 1:
            gone = self.lanes[-1].lane
            self.lanes = self.lanes[:-1]
            self._waiting[0] += self._waiting[gone]
            self._waiting[gone].clear()
        return super().collect(timeout_seconds=timeout_seconds)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 5), max_size=80).map(sorted), st.integers(2, 4), st.integers(1, 9))
@example([0, 1, 1], 2, 1)
def test_what_was_held_for_a_lane_that_is_gone_is_asked_on_another(
    groups: list[int], lanes: int, room: int
) -> None:
    plan = requests(groups)
    engine = DwindlingEngine(lambda r: answered(r, "A"), lanes=lanes, room=room, batch=3)
    done = run(engine, plan)
    assert Counter(c.request_id for c in done) == Counter(r.request_id for r in plan)
    order = defaultdict(list)
    for _, request in engine.submitted:
        order[request.prefix_group].append(int(request.item_id))
    assert all(ids == sorted(ids) for ids in order.values()), "a group's rest follows in order"


def test_a_rest_goes_to_one_lane_before_new_groups() -> None:
    plan = FixedPlan(requests([0, 0, 0, 1, 1, 2, 2]), total=7, lanes=3)
    assert [len(plan.take(lane, 1)) for lane in (0, 1)] == [1, 1]
    assert plan.remaining(1) == 7 - 2 - 2
    plan.release(0)
    plan.release(0)
    assert plan.remaining(1) == 5
    taken = [[request.prefix_group for request in plan.take(1, 2)] for _ in range(3)]
    assert taken == [[1, 0], [0, 2], [2]]
    assert plan.remaining(1) == 0


def test_a_source_that_waits_for_the_clock_is_not_asked_without_pause() -> None:
    class Later(FixedPlan):
        def __init__(self) -> None:
            super().__init__(requests([0]), total=1)
            self.asked = 0
            self._due = time.monotonic() + 0.2

        def take(self, lane: int, n: int) -> list[Request]:
            self.asked += 1
            return super().take(lane, n) if time.monotonic() >= self._due else []

    source = Later()
    engine = ScriptedEngine(lambda r: answered(r, "A"))
    loop = drive(engine, source, flight=Flight(), request_seconds=60, stopping=lambda: False)
    assert [c.text for batch in loop for c in batch] == ["A"]
    assert source.asked < 40
