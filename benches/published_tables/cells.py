"""Cells and rows, and the check that a figure is as published."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from judgefast.codes import Status
from judgefast.pipeline.results import estimates_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.pipeline.results import Reading
    from judgefast.stats.estimate import Estimate

TOLERANCE = 1e-9


class NotAsPublishedError(Exception):
    """A replay by the source's rule does not give the source's figure."""


def same(where: object, name: str, found: object, published: object) -> None:
    """Stop where a figure is not the published one."""
    if found != published:
        msg = f"{where}: {name} is {found}, published {published}"
        raise NotAsPublishedError(msg)


def near(
    where: object, name: str, found: float, published: float, tolerance: float = TOLERANCE
) -> None:
    """Stop where a figure is further from the published one than `tolerance`."""
    if not math.isclose(found, published, rel_tol=0, abs_tol=tolerance):
        same(where, name, found, published)


def head(*names: str) -> Iterator[str]:
    """The two lines that begin a table."""
    yield row(names)
    yield f"|{'---|' * len(names)}"


def row(figures: tuple[str, ...] | list[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(figures)} |"


def unread(reading: Reading) -> str:
    """Share of the judgments without a verdict, in percent."""
    status = reading.verdicts.status
    return f"{100 * (status != Status.PARSED).mean():.1f}"


def estimate_of(reading: Reading, name: str, part: str = "all") -> Estimate:
    """One estimate of the report."""
    estimates = estimates_of(reading)
    found = [(one.name, one.slice) for one in estimates]
    return estimates[found.index((name, part))]


def percent(estimate: Estimate, sign: str = "", digits: int = 1) -> str:
    """Value and interval in percent, or percentage points where there is a sign."""
    return figure(estimate, unit=100, sign=sign, digits=digits)


def figure(estimate: Estimate, *, unit: float = 1, sign: str = "", digits: int) -> str:
    """Value and interval; what there is none of is said in words."""
    if estimate.value is None:
        return estimate.note or "none"
    value = _number(unit * estimate.value, sign, digits)
    if estimate.low is None or estimate.high is None:
        return f"{value} ({estimate.note or 'no interval'})"
    ends = (_number(unit * end, sign, digits) for end in (estimate.low, estimate.high))
    return f"{value} [{', '.join(ends)}]"


def _number(value: float, sign: str, digits: int) -> str:
    return f"{round(value, digits) + 0.0:{sign}.{digits}f}"  # a zero has no sign of its own
