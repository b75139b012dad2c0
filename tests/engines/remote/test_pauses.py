"""How long a server is left alone that has no room."""

from __future__ import annotations

from judgefast.engines.remote.endpoints import Endpoint
from judgefast.engines.remote.windows import Window


def endpoint() -> Endpoint:
    return Endpoint(0, "http://one", Window(start=64, most=64, step=8, now=100.0))


def test_many_refusals_at_once_are_one() -> None:
    one = endpoint()
    for number in range(40):
        one.is_busy(None, 100.0 + number / 1000)
    assert 100.0 < one.paused_until < 100.5
    assert one.room(100.05) == 0
    assert one.window.size == 32, "and the window is halved once"


def test_refusals_one_after_another_wait_longer_each_time_up_to_half_a_minute() -> None:
    one = endpoint()
    now, waits = 100.0, []
    for _ in range(12):
        one.is_busy(None, now)
        waits.append(one.paused_until - now)
        now = one.paused_until
    assert waits[3] > waits[0]
    assert 15 <= waits[-1] <= 30


def test_what_a_server_asks_for_is_kept_and_room_comes_back() -> None:
    one = endpoint()
    one.is_busy(7.0, 100.0)
    one.is_busy(None, 100.1)
    assert one.paused_until == 107.0
    assert one.room(106.9) == 0
    assert one.room(107.0) == one.window.size


def test_a_server_that_asks_for_no_time_at_all_is_not_pressed() -> None:
    one = endpoint()
    now, waits = 100.0, []
    for _ in range(6):
        one.is_busy(0.0, now)
        waits.append(one.paused_until - now)
        now = one.paused_until
    assert waits[0] >= 0.125
    assert waits[-1] >= 4
