"""Rates out of measured workloads: known ones are found again, and errors are said as they are."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.costs.calibration import (
    LEAST_ERROR,
    TERMS,
    WORST_ERROR,
    Measured,
    Place,
    fit,
    work_of,
)
from judgefast.costs.ranges import Range
from judgefast.costs.rates import Rates
from judgefast.costs.speed import SECONDS, Speed
from judgefast.costs.timing import time_of
from judgefast.costs.workload import Answers, Workload
from judgefast.pipeline.probes import PROBES

if TYPE_CHECKING:
    from judgefast.pipeline.probes import Probe

PLACE = Place(max_num_seqs=64, batched_tokens=512)

TRUE = Speed(
    rates=Rates(
        prompt_token=0.002,
        prompt_pair=7e-7,
        step=0.035,
        sequence=0.002,
        context_token=3e-6,
        request=0.02,
        error=0.0,
        basis="calibrated",
        because="made up",
    ),
    label_read=0.03,
    held_token=0.001,
)
"""Much like what the embedded engine takes."""


def workload_of(probe: Probe) -> Workload:
    many, prompt = probe.requests, probe.head + probe.own
    computed = float(many * prompt - (many - 1) * probe.head)
    return Workload(
        items=many,
        judgments=many,
        requests=many,
        prompt_tokens=many * prompt,
        computed_tokens=Range.exactly(computed),
        longest_prompt=prompt,
        answers=Answers(
            mean=Range.exactly(float(probe.answer)),
            spread=0.0,
            most=probe.answer,
            basis="counted",
            because="",
        ),
        basis="counted",
        because="",
    )


def seconds_of(probe: Probe, speed: Speed) -> float:
    """By hand: rates of its kind through `time_of`, without the fit's own sums."""
    reads = max(0, probe.labels - 1)
    rates = speed.rates_for(label_reads=reads, is_held=probe.is_held)
    timed = time_of(
        workload_of(probe),
        rates,
        max_num_seqs=PLACE.max_num_seqs,
        max_num_batched_tokens=PLACE.batched_tokens,
    )
    return timed.seconds


def measured(speed: Speed, noise: float = 0.0, rounds: int = 1, seed: int = 0) -> list[Measured]:
    draw = random.Random(seed)  # noqa: S311 - noise of a test
    return [
        Measured(
            name=probe.name,
            workload=workload_of(probe),
            label_reads=max(0, probe.labels - 1),
            is_held=probe.is_held,
            is_held_out=probe.is_held_out,
            seconds=[
                seconds_of(probe, speed) * (1 + draw.uniform(-noise, noise)) for _ in range(rounds)
            ],
        )
        for probe in PROBES
    ]


def test_known_rates_are_found_again() -> None:
    found = fit(measured(TRUE), PLACE, because="made up").speed
    for name in SECONDS:
        assert getattr(found.rates, name) == pytest.approx(getattr(TRUE.rates, name), rel=1e-3)
    assert found.label_read == pytest.approx(TRUE.label_read, rel=1e-3)
    assert found.held_token == pytest.approx(TRUE.held_token, rel=1e-3)
    assert found.rates.error == LEAST_ERROR  # none is surer than that


def test_one_burst_of_others_among_three_rounds_changes_nothing() -> None:
    disturbed = [
        Measured(
            name=each.name,
            workload=each.workload,
            label_reads=each.label_reads,
            is_held=each.is_held,
            is_held_out=each.is_held_out,
            seconds=[*each.seconds, each.middle * 3, each.middle],
        )
        for each in measured(TRUE)
    ]
    assert fit(disturbed, PLACE, because="") == fit(measured(TRUE), PLACE, because="")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_under_noise_no_rate_is_negative_and_the_error_is_what_was_held_out(seed: int) -> None:
    rows = measured(TRUE, noise=0.1, rounds=3, seed=seed)
    found = fit(rows, PLACE, because="")
    rates = found.speed.rates
    assert min(*(getattr(rates, name) for name in SECONDS), found.speed.label_read) >= 0
    worst = max(max(each.ratio, 1 / each.ratio) - 1 for each in found.foretold if each.is_held_out)
    assert rates.error == pytest.approx(max(LEAST_ERROR, worst))
    for each in found.foretold:  # noise of a tenth is no reason to miss by more than a quarter
        assert 0.75 < each.ratio < 1.34, each


def test_an_engine_that_a_sum_of_rates_does_not_describe_says_so_by_its_error() -> None:
    odd = [
        Measured(
            name=each.name,
            workload=each.workload,
            label_reads=each.label_reads,
            is_held=each.is_held,
            is_held_out=each.is_held_out,
            seconds=[each.middle * (1.6 if each.name == "short reasons" else 1.0)],
        )
        for each in measured(TRUE)
    ]
    found = fit(odd, PLACE, because="")
    missed = {each.name: each.ratio for each in found.foretold}["short reasons"]
    assert missed == pytest.approx(1.6, rel=1e-3)
    assert found.speed.rates.error >= 0.599


@settings(max_examples=50, deadline=None)
@given(
    values=st.lists(st.floats(1e-7, 1.0), min_size=len(SECONDS), max_size=len(SECONDS)),
    seqs=st.integers(1, 300),
    probe=st.sampled_from(PROBES),
)
def test_the_timing_of_a_workload_is_a_sum_over_rates(
    values: list[float], seqs: int, probe: Probe
) -> None:
    """Otherwise work could not be measured one rate at a time."""
    place = Place(max_num_seqs=seqs, batched_tokens=512)
    named = dict(zip(SECONDS, values, strict=True))
    rates = Rates(**named, error=0.0, basis="calibrated", because="")
    one = Measured(name=probe.name, workload=workload_of(probe), seconds=[1.0])
    work = dict(zip(TERMS, work_of(one, place), strict=True))
    by_terms = sum(work[name] * value for name, value in named.items())
    assert by_terms == pytest.approx(place.seconds(one.workload, rates))


@pytest.mark.parametrize("seconds", [0.0, 1e9])
def test_an_error_beyond_all_bounds_is_one_that_a_file_can_hold(seconds: float) -> None:
    """Of a probe that took no tick of the clock, and of one that rates foretell next to nothing."""
    free, held = (probe for probe in PROBES if probe.name in {"prompts", "read labels"})
    found = fit(
        [
            Measured(name="free", workload=workload_of(free), seconds=[1e-3]),
            Measured(name="held", workload=workload_of(held), seconds=[seconds], is_held_out=True),
        ],
        PLACE,
        because="here",
    )
    assert found.speed.rates.error <= WORST_ERROR
    assert seconds < 1 or found.speed.rates.error == WORST_ERROR
    assert msgspec.json.decode(msgspec.json.encode(found.speed), type=Speed) == found.speed
