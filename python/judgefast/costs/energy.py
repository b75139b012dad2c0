"""Energy of the accelerators, by their rated power: what a datasheet allows them, not a meter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.costs.ranges import Range

if TYPE_CHECKING:
    from judgefast.costs.estimates import Estimate

IDLE_SHARE = 0.2
"""Of its rated power that a GPU takes while it waits for a machine, a download or a compiler."""
BUSY_SHARE = Range(0.6, 0.85, 1.0)
"""Of its rated power that a GPU takes while it judges: near all of it on prompts, less on text."""

_KILOWATT_HOUR = 3600.0 * 1000.0


def energy_of(watts: float, judging: Range, starting: Range, gpus: int) -> Range:
    """Kilowatt-hours of all GPUs; the machine around them takes as much again, or half.

    Args:
        watts: Rated power of one.
        judging: Seconds at work.
        starting: Seconds before that.
        gpus: How many there are.

    """
    busy = judging.by(BUSY_SHARE) + starting.times(IDLE_SHARE)
    return busy.times(watts * gpus / _KILOWATT_HOUR)


def energy_sum(estimate: Estimate, watts: float) -> str:
    """The same in numbers, for the likely case."""
    judging = estimate.judging_seconds.likely
    rest = estimate.seconds.likely - judging
    kwh = 0.0 if estimate.energy_kwh is None else estimate.energy_kwh.likely
    return (
        f"({judging:.6g} s x {BUSY_SHARE.likely:g} + {rest:.6g} s x {IDLE_SHARE:g}) x {watts:g} W "
        f"x {estimate.placed.gpus} GPUs / 3600 / 1000 = {kwh:.4g} kWh"
    )
