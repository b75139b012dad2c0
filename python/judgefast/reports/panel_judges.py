"""The first table of several judges: a row for each, then what they say together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.reports.figure_table import Column, figure_table
from judgefast.reports.inert import line
from judgefast.reports.words import SENTENCE_LIMIT, interval, name, number, percent, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from judgefast.reports.panel_report import JudgeCost, JudgeRow, PanelReport, TogetherRow
    from judgefast.stats.estimate import Estimate

UNITS = {"pairwise": "comparison", "scalar": "score", "binary": "verdict", "choice": "answer"}
"""What one unit is called, by mode."""

REPLAY = "replay"
"""Engine whose judge was paid elsewhere."""

_MEASURES = {"usd": "$", "gpu_hours": "GPU-h", "cpu_seconds": "CPU s", "seconds": "s"}
"""What 1,000 verdicts may cost, the dearest first, and how the head of a column has it."""


def judges_table(report: PanelReport, width: int) -> Table:
    """Show the headline of the first judge, by every judge that has it, and what it cost.

    Judges of runs over different data may have another first figure, of other models say: they have
    none here (`headline_facts` names it).

    Args:
        report: Of several judges.
        width: Columns that there are.

    """
    headline = _headline(report)
    with_gold = any(row.accuracy for row in report.judges) and (
        headline is None or headline.name != "accuracy"
    )
    with_places = any(row.direction for row in report.judges)
    measure = _measure(report)
    columns = [
        Column("value" if headline is None else name(headline.name)),
        Column(f"{percent(report.level)} interval", "left"),
        *[Column("accuracy")] * with_gold,
        *[Column("first")] * with_places,
        Column(UNITS.get(report.mode, "unit") + "s"),
        Column(f"{_MEASURES[measure]}/1,000"),
    ]
    rows = []
    for row in _rows(report):
        found = _like(row, headline)
        direction = getattr(row, "direction", None)
        cost = getattr(row, "cost", None)
        rows.append(
            [
                name(row.name),
                *figures(found),
                *[_value(row.accuracy)] * with_gold,
                *[_value(direction, signed=True) if cost is not None else ""] * with_places,
                "-" if found is None else f"{found.outcomes:,}",
                "" if cost is None else _amount(cost, measure),
            ]
        )
    return figure_table("Judges", columns, rows, width)


def headline_facts(report: PanelReport) -> Iterator[tuple[str, str]]:
    """Say of which models the headline is, who has another one, and what other figures are of."""
    headline = _headline(report)
    if headline is None:
        return
    label = name(headline.name)
    if headline.slice != "all":
        several = max(len(row.estimates) for row in report.judges)
        more = f", the first of {several:,}" if several > 1 else ""
        yield label, f"of {name(headline.slice)}{more}"
    for row in report.judges:
        if row.headline is not None and _like(row, headline) is None:
            own = line(f"{row.headline.name} of {row.headline.slice}", SENTENCE_LIMIT)
            yield "", f"{name(row.name)} has none; its first figure is {own}"
    unit = UNITS.get(report.mode, "unit")
    if headline.name != "accuracy":
        of_gold = {row.name: (_like(row, headline), row.accuracy) for row in _rows(report)}
        yield from _over("accuracy", of_gold, unit, " with gold")
    of_places = {row.name: (_like(row, headline), row.direction) for row in report.judges}
    yield from _over("first", of_places, unit)


def _over(
    label: str, found: dict[str, tuple[Estimate | None, Estimate | None]], unit: str, more: str = ""
) -> Iterator[tuple[str, str]]:
    """How many outcomes a figure is of, where these are not those of the headline."""
    numbers = {judge: figure.outcomes for judge, (_, figure) in found.items() if figure}
    if any(
        headline and figure and headline.outcomes != figure.outcomes
        for headline, figure in found.values()
    ):
        if len(set(numbers.values())) == 1:
            [many] = set(numbers.values())
            yield label, f"of {plural(many, unit)}{more}"
        else:
            each = ", ".join(f"{name(judge)} {many:,}" for judge, many in numbers.items())
            yield label, f"of so many {unit}s{more}: {each}"


def figures(estimate: Estimate | None) -> list[str]:
    """Value and interval of an estimate, as cells."""
    if estimate is None:
        return ["-", "-"]
    if estimate.value is None:
        return ["-", "undefined"]
    return [number(estimate.value), interval(estimate)]


def _rows(report: PanelReport) -> list[JudgeRow | TogetherRow]:
    return [*report.judges, *(report.together if len(report.judges) > 1 else ())]


def _headline(report: PanelReport) -> Estimate | None:
    return next((row.headline for row in report.judges if row.headline), None)


def _like(row: JudgeRow | TogetherRow, headline: Estimate | None) -> Estimate | None:
    """The estimate of a row that has the name of the headline, and is of the same."""
    if headline is None:
        return None
    found = [*row.estimates, *(one for one in (row.headline, row.accuracy) if one is not None)]
    return next(
        (one for one in found if (one.name, one.slice) == (headline.name, headline.slice)), None
    )


def _measure(report: PanelReport) -> str:
    """What the judges' costs can be told in, all of them: money, accelerators, CPU, else time."""
    costs = [row.cost for row in report.judges if row.engine != REPLAY]
    for measure in _MEASURES:
        if costs and all(getattr(cost, f"{measure}_per_1000") is not None for cost in costs):
            return measure
    return "seconds"


def _amount(cost: JudgeCost, measure: str) -> str:
    """What 1,000 verdicts cost, without its unit."""
    amount = getattr(cost, f"{measure}_per_1000")
    if amount is None:
        return "-"
    return f"{amount:,.1f}" if measure.endswith("seconds") else f"{amount:,.4g}"


def _value(estimate: Estimate | None, *, signed: bool = False) -> str:
    return "-" if estimate is None else number(estimate.value, signed=signed)
