"""What a run on the disk says of its budget, and of its items."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from judgefast.pipeline.results import read_run, report_of

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.reports.report import RunBudget


def budget_of(out: Path) -> RunBudget:
    found = report_of(read_run(out)).operations.budget
    assert found is not None
    return found


def asked_of_items(out: Path) -> Counter[str]:
    """Judgments of each item that have an answer."""
    reading = read_run(out)
    ids = reading.items.item_id.to_pylist()
    rows = reading.plan.columns.item[reading.verdicts.status == 0]
    return Counter(ids[row] for row in rows.tolist())
