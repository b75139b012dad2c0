"""`--explain` prints sums that come out: each is typed into a calculator as it stands."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from tests.costs.building import answers, placed, rates, workload
from tests.costs.pocket_calculator import calculate, redone

from judgefast.costs.estimate import priced
from judgefast.costs.offers import Offer
from judgefast.costs.preemptions import Preemptions
from judgefast.costs.ranges import Range
from judgefast.costs.starting import StartWishes, starting_of
from judgefast.reports.estimate_text import render_estimate

FAST = (Phase.explicit, Phase.generate, Phase.shrink)
"""To explain a failure takes minutes."""
OFFERS = (
    Offer(usd=3.5, kind="on_demand", provider="P", date="2026-10-01", level="middle"),
    Offer(usd=1.9, kind="spot", provider="Q", date="2026-10-02", level="middle"),
)


def test_the_calculator_does_sums() -> None:
    assert calculate("2*(3+4)/7-1") == 1
    assert list(redone("1,000 tokens x 2e-03 s + (1 - 0.5) x 2 = 3 s; fitted = 4 s")) == [(3, 3)]


@given(
    requests=st.integers(50, 100_000),
    prompt=st.integers(20, 8000),
    mean=st.floats(1, 2000),
    copies=st.integers(1, 4),
    room=st.integers(0, 500_000),
    seqs=st.integers(1, 512),
)
@settings(max_examples=40, deadline=None, phases=FAST)
def test_every_printed_sum_comes_out(  # noqa: PLR0917 - drawn by name
    requests: int, prompt: int, mean: float, copies: int, room: int, seqs: int
) -> None:
    made = priced(
        workload(requests, prompt, answers=answers(mean)),
        placed(copies=copies, gpus=copies, room_tokens=room),
        rates(),
        starting=starting_of(10**11, StartWishes()),
        offers=OFFERS,
        preemptions=Preemptions(per_day=Range(0.0, 1.5, 4.0)),
        watts=700.0,
        max_num_seqs=seqs,
    )
    printed = render_estimate(made, explain=True).split("Arithmetic, of the likely case")[1]
    lines = [line for line in printed.splitlines() if " = " in line]
    assert len(lines) >= 10
    for line in lines:
        for value, shown in redone(line):
            assert value == pytest.approx(shown, rel=2e-3, abs=1e-9), line


def test_the_sums_are_those_of_the_estimate() -> None:
    made = priced(
        workload(),
        placed(),
        rates(),
        starting=starting_of(10**11, StartWishes()),
        offers=OFFERS,
        preemptions=Preemptions(),
        watts=700.0,
    )
    shown = {one.title: [value for _, value in redone(one.arithmetic)] for one in made.sums}
    for line in made.lines:
        if line.part not in {"boot", "compile"}:
            assert shown[line.part][-1] == pytest.approx(line.seconds.likely, rel=1e-3), line.part
    assert shown["all of it"] == [pytest.approx(made.seconds.likely, rel=1e-4)]
    assert shown["GPU-hours"] == [pytest.approx(made.gpu_hours.likely, rel=1e-3)]
    assert shown["on demand (P, 2026-10-01)"] == [pytest.approx(made.money[0].usd.likely, 1e-4)]
    assert shown["spot (Q, 2026-10-02)"] == [pytest.approx(made.money[1].usd.likely, 1e-4)]
    assert made.energy_kwh is not None
    assert shown["energy"] == [pytest.approx(made.energy_kwh.likely, rel=1e-3)]
