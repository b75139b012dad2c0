"""An estimate adds up, its ends lie around its middle, and money is hours by a price."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.costs.building import answers, placed, rates, workload

from judgefast.costs.estimate import priced
from judgefast.costs.offers import Offer
from judgefast.costs.preemptions import Preemptions, expected, preemptions_of
from judgefast.costs.ranges import Range
from judgefast.costs.starting import NOTHING, StartWishes, starting_of
from judgefast.errors import ConfigError

SPOT = Offer(usd=2.0, kind="spot", provider="P", date="2026-10-01")
DEMAND = Offer(usd=4.0, kind="on_demand", provider="P", date="2026-10-01")
COLD = starting_of(10**11, StartWishes())


@given(
    requests=st.integers(1, 50_000),
    mean=st.floats(1, 1000),
    error=st.floats(0, 1),
    copies=st.integers(1, 4),
)
@settings(max_examples=60, deadline=None)
def test_parts_add_up_and_ranges_are_ordered(
    requests: int, mean: float, error: float, copies: int
) -> None:
    asked = workload(requests, answers=answers(mean, mean=Range(0.5, 1.0, 1.5).times(2 * mean)))
    made = priced(
        asked,
        placed(copies=copies, gpus=2 * copies),
        rates(error=error),
        starting=COLD,
        offers=(DEMAND,),
        watts=500.0,
    )
    parts = [line.seconds for line in made.lines]
    for end in ("low", "likely", "high"):
        whole = sum(getattr(part, end) for part in parts)
        assert whole == pytest.approx(getattr(made.seconds, end))
        assert getattr(made.gpu_hours, end) == pytest.approx(whole * 2 * copies / 3600)
        assert getattr(made.money[0].usd, end) == pytest.approx(whole * 2 * copies / 900)
    warm = made.judging_seconds.likely + COLD.seconds.likely
    assert made.seconds.likely == pytest.approx(warm)
    assert made.energy_kwh is not None
    for each in (*parts, made.seconds, made.gpu_hours, made.money[0].usd, made.energy_kwh):
        assert 0 <= each.low <= each.likely <= each.high


def test_a_warm_engine_pays_no_start() -> None:
    made = priced(workload(), placed(), rates(), starting=starting_of(10, StartWishes(warm=True)))
    assert made.seconds == made.judging_seconds
    assert [line.part for line in made.lines] == ["prefill", "decode", "run_out", "host"]


def test_the_error_of_rates_is_put_around_the_ends() -> None:
    exact = workload(computed_tokens=Range.exactly(1e6))
    sure = priced(exact, placed(), rates(error=0.0)).judging_seconds
    unsure = priced(exact, placed(), rates(error=0.25)).judging_seconds
    assert sure.low == sure.likely == sure.high == unsure.likely
    assert unsure.high == pytest.approx(1.25 * sure.likely)
    assert unsure.low == pytest.approx(sure.likely / 1.25)


def test_spot_pays_for_pre_emptions_and_on_demand_does_not() -> None:
    often = Preemptions(per_day=Range.exactly(24.0), basis="given", checkpoint_seconds=60.0)
    made = priced(
        workload(100_000),
        placed(gpus=2),
        rates(),
        starting=COLD,
        offers=(DEMAND, SPOT),
        preemptions=often,
    )
    demand, spot = made.money
    extra = made.pre_emptions
    assert extra is not None
    assert demand.usd.likely == pytest.approx(4.0 * made.gpu_hours.likely)
    hours = made.gpu_hours.likely + extra.seconds.likely * 2 / 3600
    assert spot.usd.likely == pytest.approx(2.0 * hours)
    work, start = made.judging_seconds.likely, COLD.seconds.likely
    assert extra.seconds.likely == pytest.approx(expected(24.0, work, start, 60.0) * (start + 30.0))


def test_a_price_of_ones_own_is_taken_for_spot_where_pre_emptions_are_given() -> None:
    own = Offer(usd=1.0, kind="given")
    told = preemptions_of(24.0, None)
    with_them = priced(workload(), placed(), rates(), offers=(own,), preemptions=told)
    without = priced(workload(), placed(), rates(), offers=(own,), preemptions=Preemptions())
    assert with_them.money[0].usd.likely > without.money[0].usd.likely
    assert without.pre_emptions is None


def test_pre_emptions_are_those_that_a_simulated_run_meets() -> None:
    """Oracle: a run played second by second, with machines that are taken at random."""
    rate, work, start, interval = 6.0, 7200.0, 400.0, 120.0
    draw, met, runs = Random(7), 0, 4000  # noqa: S311 - no secret
    for _ in range(runs):
        done = 0.0
        while True:
            lasts = draw.expovariate(rate / 86_400)
            if lasts >= start + work - done:
                break
            met += 1
            # What is kept is what was written at the last checkpoint before the machine went.
            done += max(0.0, lasts - start) // interval * interval
    assert expected(rate, work, start, interval) == pytest.approx(met / runs, rel=0.06)


def test_machines_that_never_last_are_never_through() -> None:
    assert expected(1000.0, 3600.0, 300.0, 60.0) == float("inf")


def test_a_start_is_bytes_over_a_rate() -> None:
    made = starting_of(
        145_000_000_000,
        StartWishes(boot_seconds=100, download_rate=0.5, load_seconds=50, compile_seconds=70),
    )
    assert [step.part for step in made.steps] == ["boot", "download", "load", "compile"]
    assert made.seconds == Range.exactly(100 + 290 + 50 + 70)
    assert {step.basis for step in made.steps} == {"given"}


def test_what_is_assumed_of_a_start_says_so() -> None:
    assert {step.basis for step in COLD.steps} == {"assumed"}
    assert all("sets it" in step.because for step in COLD.steps)
    assert [step.part for step in starting_of(None, StartWishes()).steps] == ["boot", "compile"]
    on_disk = starting_of(10**10, StartWishes(download_rate=float("inf")))
    assert [step.part for step in on_disk.steps] == ["boot", "load", "compile"]
    assert NOTHING.seconds == Range.exactly(0.0)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"boot_seconds": -1.0}, r"--boot-seconds is -1.0; it must be 0 or more"),
        ({"load_seconds": float("nan")}, r"--load-seconds is nan; it must be 0 or more"),
        ({"download_rate": 0.0}, r"--download-rate is 0.0; it must be above 0"),
    ],
)
def test_a_wrong_start_is_refused_by_its_flag(wrong: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        StartWishes(**wrong).check()


def test_wrong_pre_emptions_are_refused_by_their_flag() -> None:
    with pytest.raises(ConfigError, match=r"--preemptions-per-day is -1; it must be 0 or more"):
        preemptions_of(-1, None)
    with pytest.raises(ConfigError, match=r"--checkpoint-seconds is inf"):
        preemptions_of(None, float("inf"))


def test_a_cache_with_little_room_is_noted() -> None:
    made = priced(workload(), placed(room_tokens=20_000), rates())
    assert any("room for 12 sequences" in note for note in made.notes)
    assert not priced(workload(), placed(), rates()).notes
