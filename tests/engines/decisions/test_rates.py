"""Buckets of requests and tokens: no faster than the rate but by a second and a request."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgefast.engines.decisions import DecisionsEngine
from judgefast.engines.decisions.rates import Bucket, Rates

from .judging import PAIR, collected, requests
from .scripted_server import ScriptedServer


@given(
    st.floats(0.2, 50),
    st.lists(st.tuples(st.floats(0, 3), st.floats(0, 200)), min_size=1, max_size=60),
)
def test_what_is_spent_stays_within_the_rate_and_one_request(
    rate: float, steps: list[tuple[float, float]]
) -> None:
    bucket = Bucket(rate, 0.0)
    now = spent = 0.0
    for idle, units in steps:
        now += idle
        now += bucket.wait(now)
        assert spent <= max(1.0, rate) + rate * now + 1e-6  # before this request
        assert bucket.wait(now) <= 1e-6
        bucket.spend(units, now)
        spent += units


@given(st.floats(0.2, 50), st.integers(2, 60))
def test_no_request_waits_longer_than_the_rate_asks(rate: float, count: int) -> None:
    bucket, now = Bucket(rate, 0.0), 0.0
    for _ in range(count):
        now += bucket.wait(now)
        bucket.spend(1, now)
    at_once = max(1.0, rate)
    assert now == pytest.approx(max(0.0, (count - at_once) / rate), abs=1 / rate + 1e-6)


def test_without_a_rate_nothing_waits() -> None:
    rates = Rates(requests_a_minute=0, tokens_a_second=0, now=0.0)
    for _ in range(1000):
        rates.sent(1e9, 0.0)
    assert rates.wait(0.0) == 0


def test_requests_and_tokens_are_both_held_to() -> None:
    rates = Rates(requests_a_minute=600, tokens_a_second=100, now=0.0)
    rates.sent(300, 0.0)
    assert rates.wait(0.0) == pytest.approx(2.01)
    rates = Rates(requests_a_minute=600, tokens_a_second=1e9, now=0.0)
    for _ in range(10):
        rates.sent(1, 0.0)
    assert rates.wait(0.0) == pytest.approx(0.1)


def test_a_guess_is_mended_by_what_the_server_counts() -> None:
    rates = Rates(requests_a_minute=0, tokens_a_second=100, now=0.0)
    rates.sent(300, 0.0)
    rates.counted(300, 50, 0.0)
    assert rates.wait(0.0) == 0
    rates.counted(0, 100, 0.0)
    assert rates.wait(0.0) == pytest.approx(0.51)


def test_what_may_go_soon_is_what_the_rates_let_out_of_requests_as_large_as_so_far() -> None:
    assert Rates(requests_a_minute=0, tokens_a_second=0, now=0.0).soon(2.0) == math.inf
    assert Rates(requests_a_minute=60, tokens_a_second=0, now=0.0).soon(2.0) == 2
    rates = Rates(requests_a_minute=60, tokens_a_second=300, now=0.0)
    assert rates.soon(2.0) == 300 * 2 / 2000, "nobody knows yet how large they are"
    rates.sent(1000, 0.0)
    rates.sent(1000, 0.0)
    assert rates.soon(2.0) == 0.6
    rates.counted(1000, 200, 0.0)
    assert rates.soon(2.0) == 1
    for _ in range(100):
        rates.sent(1, 0.0)
    assert rates.soon(2.0) == 2, "requests are counted too"


def test_an_engine_takes_no_more_than_its_rate_lets_out_soon_whatever_its_window() -> None:
    """Or a request would be given up as slow that was never sent."""
    with ScriptedServer() as server:
        engine = DecisionsEngine(base_url=server.url, requests_a_minute=120, start_concurrency=32)
        engine.start()
        assert engine.lanes[0].room == 5
        assert len(collected(engine, requests(engine, [PAIR] * 3))) == 3
        assert engine.lanes[0].room == 5
        engine.close()
        fast = DecisionsEngine(base_url=server.url, start_concurrency=32)
        fast.start()
        assert fast.lanes[0].room == 49
        fast.close()
