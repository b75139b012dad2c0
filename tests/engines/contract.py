"""The contract of `judgefast.engines.base.Engine`, as checks that any engine's tests can call.

Each check takes an engine that was just made, starts it, and closes it. `requests` are requests
that the engine can answer, with ids of their own.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.batches.request import Request
    from judgefast.engines.base import Completion, Engine

PATIENCE_SECONDS = 60.0


def collect_all(engine: Engine, count: int) -> list[Completion]:
    done: list[Completion] = []
    end = time.monotonic() + PATIENCE_SECONDS
    while len(done) < count and time.monotonic() < end:
        done += engine.collect(timeout_seconds=0.2)
    return done


def submit_all(engine: Engine, requests: Sequence[Request]) -> list[Completion]:
    """Ask within the room of the lanes, spread over them."""
    done: list[Completion] = []
    left = list(requests)
    while left:
        for lane in engine.lanes:
            room = lane.room - engine.in_flight(lane.lane)
            now, left = left[:room], left[room:]
            if now:
                engine.submit(lane.lane, now)
        if left:
            done += engine.collect(timeout_seconds=0.2)
    return done


def check_one_completion_for_each_request(engine: Engine, requests: Sequence[Request]) -> None:
    engine.start()
    try:
        done = submit_all(engine, requests)
        done += collect_all(engine, len(requests) - len(done))
        assert Counter(one.request_id for one in done) == Counter(r.request_id for r in requests)
        assert engine.collect(timeout_seconds=0.05) == [], "none comes twice"
        assert sum(engine.in_flight(lane.lane) for lane in engine.lanes) == 0
        attempts = {request.request_id: request.attempt for request in requests}
        for one in done:
            assert one.attempt == attempts[one.request_id]
            assert one.lane in {lane.lane for lane in engine.lanes}
            assert (one.finish_reason == "error") == (one.error_kind is not None)
            assert one.error_kind is None or (one.error and not one.text)
            assert one.wall_seconds >= 0
    finally:
        engine.close()


def check_submit_does_not_wait(engine: Engine, requests: Sequence[Request]) -> None:
    engine.start()
    try:
        lane = engine.lanes[0]
        now = list(requests[: lane.room])
        began = time.monotonic()
        engine.submit(lane.lane, now)
        assert time.monotonic() - began < 0.5
        done = collect_all(engine, len(now))
        assert len(done) == len(now)
    finally:
        engine.close()


def check_collect_returns_when_time_is_up(engine: Engine) -> None:
    engine.start()
    try:
        began = time.monotonic()
        assert engine.collect(timeout_seconds=0.1) == []
        assert time.monotonic() - began < 1.5
    finally:
        engine.close()


def check_cancelled_requests_come_back_soon(engine: Engine, requests: Sequence[Request]) -> None:
    engine.start()
    try:
        lane = engine.lanes[0]
        now = list(requests[: lane.room])
        engine.submit(lane.lane, now)
        engine.cancel([request.request_id for request in now] + [b"an unknown id of"])
        began = time.monotonic()
        done = collect_all(engine, len(now))
        assert time.monotonic() - began < 10
        assert Counter(one.request_id for one in done) == Counter(r.request_id for r in now)
    finally:
        engine.close()


def check_close_is_quick_and_safe_twice(engine: Engine, requests: Sequence[Request]) -> None:
    engine.start()
    engine.submit(engine.lanes[0].lane, list(requests[: engine.lanes[0].room]))
    began = time.monotonic()
    engine.close()
    engine.close()
    assert time.monotonic() - began < 2


def check_what_is_known_before_the_start(engine: Engine) -> None:
    try:
        assert engine.name
        assert engine.model.name
        assert engine.capabilities.takes in {"ids", "text", "chat", "state", "key"}
        assert [lane.lane for lane in engine.lanes] == list(range(len(engine.lanes)))
        assert all(lane.room > 0 for lane in engine.lanes)
    finally:
        engine.close()


def check_same_requests_give_same_completions(
    one: Engine, two: Engine, requests: Sequence[Request]
) -> None:
    """Only where `capabilities.deterministic`."""
    said = []
    for engine, order in ((one, requests), (two, list(reversed(requests)))):
        engine.start()
        try:
            done = submit_all(engine, order)
            done += collect_all(engine, len(requests) - len(done))
            said.append({each.request_id: (each.text, each.answers) for each in done})
        finally:
            engine.close()
    assert said[0] == said[1]
