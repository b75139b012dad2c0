"""Rates out of measured workloads: least squares that admit no negative seconds.

What a workload takes is a sum over rates: each rate times how much of its work there is. How much
that is, is asked of `time_of` itself, with one rate at a time put to 1. So rates are fitted in the
very terms in which they foretell, whatever the engine's steps really are. Every workload counts
alike, the small as the large: what is least is the sum of squared shares.
"""

from __future__ import annotations

from math import inf
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from judgefast.costs.rates import Rates
from judgefast.costs.speed import SECONDS, Speed
from judgefast.costs.timing import MAX_BATCHED_TOKENS, time_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.costs.workload import Workload

TERMS = (*SECONDS, "label_read", "held_token")
"""Seconds that are fitted, of `Rates` and of `Speed`."""

LEAST_ERROR = 0.05
"""No calibration claims to be surer: machines differ by so much from one hour to the next."""
WORST_ERROR = 9.0
"""Nor does one say more than that it may be ten times as much: a probe whose rates came out at
nothing would be off by any number, which a file cannot hold."""
_TICK = 0.01

_NOTHING = Rates(
    prompt_token=0.0,
    step=0.0,
    sequence=0.0,
    context_token=0.0,
    error=0.0,
    basis="calibrated",
    because="",
)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What of an engine decides how requests lie beside each other."""

    copies: int = 1
    room_tokens: float = inf
    max_num_seqs: int
    """Of one copy."""
    batched_tokens: int = MAX_BATCHED_TOKENS
    """Prompt tokens of one step."""

    def seconds(self, workload: Workload, rates: Rates, end: str = "likely") -> float:
        """What a workload takes there, at the given ends of what is not known of it."""
        return time_of(
            workload,
            rates,
            copies=self.copies,
            room_tokens=self.room_tokens,
            max_num_seqs=self.max_num_seqs,
            max_num_batched_tokens=self.batched_tokens,
            end=end,  # type: ignore[arg-type]  # one of three words
        ).seconds


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A workload, and what it has taken each time."""

    name: str
    workload: Workload
    label_reads: int = 0
    """Of each request, passes behind the first."""
    is_held: bool = False
    """To a schema or to labels."""
    is_held_out: bool = False
    """To show how well rates foretell that were fitted without it."""
    seconds: list[float]

    @property
    def middle(self) -> float:
        """The median: a burst of others' work on the machine is in one of the times.

        One tick of the kernel's clock at least, the least that it tells.
        """
        return max(_TICK, median(self.seconds))


class Foretold(NamedTuple):
    """A measured workload beside what rates say of it."""

    name: str
    measured: float
    """Seconds."""
    foretold: float
    is_held_out: bool

    @property
    def ratio(self) -> float:
        """Of the measured one to the foretold one."""
        return self.measured / self.foretold if self.foretold else inf


class FittedSpeed(NamedTuple):
    """Speed, and how well it says what was measured."""

    speed: Speed
    foretold: list[Foretold]


def work_of(measured: Measured, place: Place) -> list[float]:
    """How much there is of the work of each term, in the order of `TERMS`."""
    work = [
        place.seconds(measured.workload, msgspec.structs.replace(_NOTHING, **{name: 1.0}))
        for name in SECONDS
    ]
    requests = measured.workload.requests
    written = work[SECONDS.index("sequence")]
    return [*work, float(requests * measured.label_reads), written * measured.is_held]


def fit(
    measured: Sequence[Measured],
    place: Place,
    *,
    because: str,
    engine_version: str | None = None,
) -> FittedSpeed:
    """Find the seconds of each kind of work.

    The error is the largest by which a workload that was held out is missed, each by a fit on all
    the others, and at least `LEAST_ERROR`. The rates themselves are fitted on all.

    Args:
        measured: Workloads with what they took by one clock, some of them held out.
        place: The engine that they ran on.
        because: Where they were measured, in words.
        engine_version: Of that engine.

    """
    terms = _solve(measured, place)
    foretold = []
    for each in measured:
        by = terms
        if each.is_held_out:
            by = _solve([other for other in measured if other is not each], place)
        foretold.append(Foretold(each.name, each.middle, _said(each, by, place), each.is_held_out))
    off = [_off(one.ratio) for one in foretold if one.is_held_out]
    error = min(WORST_ERROR, max([LEAST_ERROR, *off]))
    rates = msgspec.structs.replace(
        _NOTHING,
        **{name: terms[name] for name in SECONDS},
        error=error,
        because=because,
        engine_version=engine_version,
    )
    speed = Speed(rates=rates, label_read=terms["label_read"], held_token=terms["held_token"])
    return FittedSpeed(speed, foretold)


def _off(ratio: float) -> float:
    """By which share one of two is larger than the other one, whichever it is."""
    return max(ratio, 1 / ratio) - 1


def _solve(measured: Sequence[Measured], place: Place) -> dict[str, float]:
    import numpy as np  # noqa: PLC0415 - only a calibration needs it
    from scipy.optimize import nnls  # noqa: PLC0415 - as above

    seconds = np.array([each.middle for each in measured])
    work = np.array([work_of(each, place) for each in measured]) / seconds[:, None]
    size = np.abs(work).max(axis=0)  # terms are of very different sizes
    size[size == 0] = 1.0
    found = nnls(work / size, np.ones(len(measured)))[0] / size
    return dict(zip(TERMS, found.tolist(), strict=True))


def _said(measured: Measured, terms: dict[str, float], place: Place) -> float:
    work = work_of(measured, place)
    return sum([terms[name] * much for name, much in zip(TERMS, work, strict=True)])
