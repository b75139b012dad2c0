"""What times of requests come to: latency, the steady part, throughput over time."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.benchmarks.kept import KeptEngine
from judgefast.benchmarks.measure import (
    Ends,
    _share,
    latency_of,
    most_in_flight,
    series_of,
    steady_of,
)

SPANS = st.lists(
    st.tuples(st.integers(0, 50), st.integers(1, 20), st.integers(0, 9)), min_size=1, max_size=40
)


def ends_of(spans: list[tuple[int, int, int]]) -> Ends:
    started, waited, tokens = (np.array(column) for column in zip(*spans, strict=True))
    return Ends(started.astype(float), (started + waited).astype(float), tokens)


def conveyor(requests: int, room: int, seconds: float = 1.0) -> Ends:
    """An engine that holds `room` requests and ends one every `seconds / room`."""
    each = seconds / room
    ended = each * np.arange(1, requests + 1) + (seconds - each)
    started = np.maximum(0.0, ended - seconds)
    started[:room] = 0.0
    return Ends(started, ended, np.full(requests, 10))


@settings(max_examples=60, deadline=None)
@given(SPANS)
def test_the_most_in_flight_is_that_of_a_count_moment_by_moment(
    spans: list[tuple[int, int, int]],
) -> None:
    held = [
        sum(start <= moment < start + waited for start, waited, _ in spans) for moment in range(70)
    ]
    assert most_in_flight(ends_of(spans)) == max(held)


@settings(max_examples=60, deadline=None)
@given(SPANS)
def test_the_series_loses_nothing(spans: list[tuple[int, int, int]]) -> None:
    series = series_of(ends_of(spans), 2.0)
    assert sum(judgments for _, judgments, _ in series) == 2 * len(spans)
    assert sum(tokens for _, _, tokens in series) == sum(tokens for _, _, tokens in spans)
    assert [end for end, _, _ in series] == sorted({end for end, _, _ in series})
    assert series[-1][0] == max(start + waited for start, waited, _ in spans)


def test_the_steady_part_is_neither_filling_up_nor_running_out() -> None:
    steady = steady_of(conveyor(200, 8, seconds=4.0), 1.0)
    assert steady is not None
    # One ends each half second once it is full, whatever comes before and after.
    assert steady.judgments / steady.seconds == pytest.approx(2.0, rel=0.02)
    assert steady.tokens == 10 * steady.judgments
    assert 170 <= steady.judgments <= 192


def test_a_short_run_has_no_steady_part() -> None:
    assert steady_of(conveyor(8, 8), 1.0) is None
    assert steady_of(conveyor(14, 8), 1.0) is None
    assert steady_of(Ends(np.zeros(0), np.zeros(0), np.zeros(0, int)), 1.0) is None


def test_one_request_that_answers_three_judgments_counts_for_three() -> None:
    one, three = (steady_of(conveyor(100, 4), many) for many in (1.0, 3.0))
    assert one is not None
    assert three is not None
    assert three.judgments == 3 * one.judgments


def test_latency_is_what_requests_waited() -> None:
    found = latency_of(Ends(np.arange(101.0), np.arange(101.0) * 2 + 1, np.zeros(101, int)))
    assert found is not None
    assert (found.p10, found.p50, found.p90, found.p99, found.most) == (11, 51, 91, 100, 101)
    assert latency_of(Ends(np.zeros(0), np.zeros(0), np.zeros(0, int))) is None


def test_gpus_are_looked_at_in_the_judge_phase_alone() -> None:
    engine = KeptEngine(SimpleNamespace(start=dict, close=None))  # type: ignore[arg-type]  # it does nothing
    looks = iter([(0.0, 0.0), (1.0, 10.0), (9.0, 20.0)])
    engine.gpu = SimpleNamespace(read=lambda: next(looks))  # type: ignore[assignment]  # as above
    engine._mark("prepared")
    engine.start()
    engine.close()
    assert _share(engine.busy["loaded"], engine.busy["collected"]) == 0.8
