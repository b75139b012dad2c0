"""What several judges say of each model or pair of models, where there is more than one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.reports.figure_table import Column, figure_table
from judgefast.reports.inert import line
from judgefast.reports.panel_judges import figures
from judgefast.reports.words import SENTENCE_LIMIT, name, percent, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from judgefast.reports.panel_report import JudgeRow, PanelReport, TogetherRow

MOST = 20
"""Models, or pairs of them, that are shown; JSON has all."""


def model_parts(report: PanelReport, width: int) -> Iterator[RenderableType]:
    """Show every estimate like the headline, by all judges and by what they say together.

    Args:
        report: Nothing comes of one whose data holds one model, or one pair.
        width: Columns that there are.

    """
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    rows: list[JudgeRow | TogetherRow] = [*report.judges, *report.together]
    headline = next((row.headline for row in rows if row.headline is not None), None)
    if headline is None:
        return
    estimates = {
        (row.name, one.slice): one
        for row in rows
        for one in row.estimates
        if one.name == headline.name
    }
    slices = list(dict.fromkeys(part for _, part in estimates))
    if len(slices) <= 1:
        return
    columns = [
        Column("judge", "left"),
        Column("value"),
        Column(f"{percent(report.level)} interval", "left"),
        Column("outcomes"),
    ]
    cells = []
    for part in slices[:MOST]:
        label = line(part, SENTENCE_LIMIT)
        for row in rows:
            found = estimates.get((row.name, part))
            many = "-" if found is None else f"{found.outcomes:,}"
            cells.append([label, name(row.name), *figures(found), many])
            label = ""
    yield Text("")
    yield figure_table(name(headline.name), columns, cells, width)
    if len(slices) > MOST:
        yield Text(f"and {plural(len(slices) - MOST, 'more such row')} of each judge in --json")
