"""One line of a report: what was estimated of a run, and what it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.reports.words import duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.reports.estimate_bill import BilledLine, EstimateBill


def estimate_words(found: EstimateBill) -> str | None:
    """Say how well a run was foretold; None where it was not, or nothing of it was measured."""
    said = [
        words
        for name, label, write in _SHOWN
        if (line := found.line(name)) is not None and (words := _line(line, label, write))
    ]
    if not said:
        return None
    part = ""
    if found.share < 1:
        part = f"of the {100 * found.share:.0f} % that was answered: "
    missed = [line for name, _, _ in _SHOWN if (line := found.line(name)) and not line.within]
    why = ""
    if missed:
        why = "; " + ("; ".join(found.because) or "nothing that is known explains it")
    return part + "; ".join(said) + why


def _line(line: BilledLine, label: str, write: Callable[[float], str]) -> str:
    assert line.actual is not None  # the caller has looked
    assert line.off is not None  # as above
    low, likely, high = (
        write(value) for value in (line.estimated.low, line.estimated.likely, line.estimated.high)
    )
    more = f"{100 * abs(line.off):.0f} % {'more' if line.off > 0 else 'less'}"
    where = "within" if line.within else "outside"
    return f"{label} {likely} ({low} to {high}), it took {write(line.actual)}: {more}, {where}"


def _usd(value: float) -> str:
    return f"${value:,.2f}"


_SHOWN: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("judging_seconds", "judging", duration),
    ("cpu_seconds", "CPU", duration),
    ("usd", "GPUs", _usd),
)
