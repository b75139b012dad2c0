"""Says of a run that much of it has no verdict, where that is more than a person may overlook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.reports.words import percent, plural, reasons

if TYPE_CHECKING:
    from judgefast.reports.report import Counts


def unread_finding(counts: Counts, most: float) -> list[str]:
    """Say that more judgments than `most`, a share, have no verdict though they were asked."""
    lost = counts.unparsed | counts.failed
    number = sum(lost.values())
    judged = counts.parsed + number
    if not number or number <= most * judged:
        return []
    words = (
        f"{number:,} of {plural(judged, 'judgment')} ({percent(number / judged)}) have no verdict: "
        f"{reasons(lost)}."
    )
    rest = "What is said is of the others alone, which may be the easy ones."
    return [f"{words} {rest}" if counts.parsed else words]
