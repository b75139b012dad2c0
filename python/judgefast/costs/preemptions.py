"""What is expected of pre-emptions: a spot machine is taken away, and another one starts anew.

A run of T seconds on machines of which one is taken every 1/r seconds pays, at each of them, the
start of another (S) and the work since the last checkpoint, half an interval on the average (c/2).
Work and starts are exposed alike, so the expected number n is that of the whole time:

    n = r x (T + S + n x (S + c/2)), hence n = r x (T + S) / (1 - r x (S + c/2))
"""

from __future__ import annotations

from math import inf

import msgspec

from judgefast.costs.ranges import Basis, Range
from judgefast.errors import ConfigError

DAY, HOUR = 86_400.0, 3600.0
PER_DAY = Range(0.0, 1.0, 4.0)
"""Of one machine: providers publish no rates, and they change with the hour and the region."""
CHECKPOINT_SECONDS = 30.0
"""Work that is lost with a machine: a run keeps every answer at once, and a folder that outlives
the machine has them as soon as it is synced."""


class Preemptions(msgspec.Struct, frozen=True, kw_only=True):
    """How often, and what is lost each time."""

    per_day: Range = PER_DAY
    """Of each machine."""
    basis: Basis = "assumed"
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    """Between two states that outlive the machine."""
    restart: Range | None = None
    """Seconds of a cold start on another machine; None: those of the estimate's own start."""

    @property
    def because(self) -> str:
        """In words."""
        if self.basis == "given":
            return "by --preemptions-per-day"
        low, high = self.per_day.low, self.per_day.high
        return f"assumed: {low:g} to {high:g} a day; --preemptions-per-day sets it"


def preemptions_of(per_day: float | None, checkpoint_seconds: float | None) -> Preemptions:
    """What the user says, else what is assumed.

    Raises:
        ConfigError: A number below 0.

    """
    for flag, value in (
        ("--preemptions-per-day", per_day),
        ("--checkpoint-seconds", checkpoint_seconds),
    ):
        if value is not None and not 0 <= value < inf:
            msg = f"{flag} is {value}; it must be 0 or more"
            raise ConfigError(msg, hint=f"write {flag} 2")
    lost = CHECKPOINT_SECONDS if checkpoint_seconds is None else checkpoint_seconds
    if per_day is None:
        return Preemptions(checkpoint_seconds=lost)
    return Preemptions(per_day=Range.exactly(per_day), basis="given", checkpoint_seconds=lost)


def expected(per_day: float, work: float, start: float, checkpoint: float) -> float:
    """Number of pre-emptions that a run meets before it is through.

    Args:
        per_day: Of the machine.
        work: Seconds of judging.
        start: Seconds of a cold start.
        checkpoint: Seconds between two states that outlive the machine.

    Returns:
        Infinite where a machine is taken before it has done what was lost with the last one.

    >>> round(expected(24.0, 3600.0, 300.0, 60.0), 3)
    1.193

    """
    rate = per_day / DAY
    kept = 1 - rate * (start + checkpoint / 2)
    return rate * (work + start) / kept if kept > 0 else inf


def seconds_of(asked: Preemptions, work: Range, start: Range) -> tuple[Range, str]:
    """Time that they add, and the sum for the likely case.

    Args:
        asked: How often, and what is lost each time.
        work: Seconds of judging.
        start: Of a cold start, where `asked` has no other.

    """
    start = asked.restart or start
    lost = asked.checkpoint_seconds / 2
    ends = [
        expected(day, judging, cold, asked.checkpoint_seconds) * (cold + lost)
        for day, judging, cold in (
            (asked.per_day.low, work.low, start.low),
            (asked.per_day.likely, work.likely, start.likely),
            (asked.per_day.high, work.high, start.high),
        )
    ]
    rate = asked.per_day.likely / DAY
    number = expected(asked.per_day.likely, work.likely, start.likely, asked.checkpoint_seconds)
    words = (
        f"{rate:.6g} /s x ({work.likely:.6g} s + {start.likely:.6g} s) / (1 - {rate:.6g} x "
        f"({start.likely:.6g} + {lost:g})) = {number:.6g} pre-emptions; {number:.6g} x "
        f"({start.likely:.6g} s + {lost:g} s) = {ends[1]:.4g} s"
    )
    return Range(ends[0], ends[1], ends[2]), words


def never_ends(asked: Preemptions, extra: Range, start: Range) -> str:
    """Say why machines that are taken away have no price.

    Args:
        asked: How often, and what is lost each time.
        extra: What that adds; its high end has no bound.
        start: Of a cold start, where `asked` has no other.

    """
    start = asked.restart or start
    if extra.likely < inf:
        words, rate, cold = "may never end", asked.per_day.high, start.high
    else:
        words, rate, cold = "never ends", asked.per_day.likely, start.likely
    likely = f" (likely {extra.likely / HOUR:.2g} h more)" if extra.likely < inf else ""
    return (
        f"machines that are taken away are not priced: the run {words}{likely}, for one is taken "
        f"every {DAY / rate:,.0f} s, and a start takes {cold:,.0f} s ({asked.because})"
    )
