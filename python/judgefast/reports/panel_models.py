"""What several judges say of each model or pair of models, where there is more than one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.reports.inert import line
from judgefast.reports.words import SENTENCE_LIMIT, interval, name, number, percent, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from judgefast.reports.panel_report import JudgeRow, PanelReport, TogetherRow
    from judgefast.stats.estimate import Estimate

MOST = 20
"""Models, or pairs of them, that are shown; JSON has all."""


def model_parts(report: PanelReport) -> Iterator[RenderableType]:
    """Show every estimate like the headline, by all judges and by what they say together.

    Args:
        report: Nothing comes of one whose data holds one model, or one pair.

    """
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    rows: list[JudgeRow | TogetherRow] = [*report.judges, *report.together]
    slices = list(dict.fromkeys(one.slice for row in rows for one in row.estimates))
    if len(slices) <= 1:
        return
    headline = next(row.headline for row in rows if row.headline is not None)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(name(headline.name), overflow="fold", min_width=12)
    table.add_column("judge")
    table.add_column("value", justify="right")
    table.add_column(f"{percent(report.level)} interval", no_wrap=True)
    table.add_column("outcomes", justify="right")
    for part in slices[:MOST]:
        label = line(part, SENTENCE_LIMIT)
        for row in rows:
            found = next((one for one in row.estimates if one.slice == part), None)
            table.add_row(label, name(row.name), *_cells(found))
            label = ""
    yield Text("")
    yield table
    if len(slices) > MOST:
        yield Text(f"and {plural(len(slices) - MOST, 'more such row')} of each judge in --json")


def _cells(found: Estimate | None) -> list[str]:
    if found is None or found.value is None:
        return ["-", "undefined", "-" if found is None else f"{found.outcomes:,}"]
    return [number(found.value), interval(found), f"{found.outcomes:,}"]
