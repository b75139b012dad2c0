"""From blocks to a ratio: what it is worth, and what is said of it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_ind

from judgefast.benchmarks.block_ratio import limit, prompt_share, ratio_of, reasons
from judgefast.errors import ConfigError

RATES = st.lists(st.integers(1, 100).map(lambda n: 100.0 * n), min_size=1, max_size=6)


def block(*, raw: bool, rate: float = 1000.0, **more: Any) -> dict[str, Any]:
    return {
        "raw": raw,
        "seconds": 10.0,
        "computed": rate * 8,
        "generated": rate * 2,
        "cached": 0,
        "ended": 100,
        "entered": 99,
        "steps": 500,
        "dry_steps": 0,
        "between_steps": 0.5,
        "front_end_cpu": 1.0,
        "core_cpu": 5.0,
        "pipeline_cpu": 0.0 if raw else 0.5,
        "gpu_busy": 0.0,
        "gpu_samples": 0,
        "preemptions": 0,
        **more,
    }


@settings(max_examples=50, deadline=None)
@given(RATES, RATES)
def test_the_interval_is_that_of_students_test_with_one_variance(
    ours: list[float], raw: list[float]
) -> None:
    assume(len(ours) + len(raw) > 2)
    blocks = [block(raw=False, rate=rate) for rate in ours]
    blocks += [block(raw=True, rate=rate) for rate in raw]
    ratio, low, high = ratio_of(blocks)
    assert low <= ratio <= high
    assert ratio == pytest.approx(
        math.prod(ours) ** (1 / len(ours)) / math.prod(raw) ** (1 / len(raw))
    )
    if min(len(set(ours)), len(set(raw))) > 1:  # scipy warns of one that does not vary
        test = ttest_ind([math.log(x) for x in ours], [math.log(x) for x in raw], equal_var=True)
        expected = test.confidence_interval(0.95)
        assert (math.log(low), math.log(high)) == pytest.approx(tuple(expected), rel=1e-6)


def test_two_blocks_have_no_interval_and_one_kind_no_ratio() -> None:
    ratio, low, high = ratio_of([block(raw=False, rate=990), block(raw=True)])
    assert (ratio, low, high) == (pytest.approx(0.99), 0, math.inf)
    for nothing in ({"ended": 0}, {"computed": 0, "generated": 0}):
        with pytest.raises(ConfigError, match="nothing ended in one of the blocks"):
            ratio_of([block(raw=False), block(raw=True, **nothing)])
    with pytest.raises(ConfigError, match="a block of each kind"):
        ratio_of([block(raw=True)])


def test_a_prompt_is_counted_whole_at_its_end() -> None:
    # 80 prompt tokens of 100 a request, 100 requests a block
    assert prompt_share([block(raw=True), block(raw=False)]) == pytest.approx(80 / 10_000)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"dry_steps": 50}, "the pipeline did not feed it: slots were empty in 10.0% more"),
        ({"entered": 80}, "the pipeline brought 80% of what was judged: a longer run waits"),
        ({"steps": 600}, "steps carry 16.7% fewer tokens"),
        ({"steps": 400, "between_steps": 2.0}, "a step takes 25.0 ms in place of 20.0, 4.00 ms"),
        ({"pipeline_cpu": 3.0}, "our host work takes 30.0% of a core more"),
    ],
)
def test_what_differs_between_ours_and_raw_is_named(what: dict[str, Any], words: str) -> None:
    blocks = [block(raw=False, **what), block(raw=True)]
    assert any(words in reason for reason in reasons(blocks))
    same = list(reasons([block(raw=False), block(raw=True)]))
    assert same == ["our host work takes 5.0% of a core more than the raw loop"]


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"gpu_samples": 100, "gpu_busy": 99.0}, "the GPU, which is idle 1.0% of the time"),
        (
            {"gpu_samples": 100, "gpu_busy": 60.0, "front_end_cpu": 9.5},
            "the host: the front end takes 95% of a core; the GPU is idle 40.0%",
        ),
        ({}, "neither GPU nor one core of the host alone; the engine core takes 50%; there is no"),
    ],
)
def test_what_limits_is_named(what: dict[str, Any], words: str) -> None:
    assert limit([block(raw=False, **what), block(raw=True)]).startswith(words)
