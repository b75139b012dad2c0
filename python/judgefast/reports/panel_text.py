"""The report of several judges for a person: a row for each, then where they agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from judgefast.costs.budget import amount_words
from judgefast.reports.console import Look, to_text
from judgefast.reports.families import family_words
from judgefast.reports.figure_table import Column, figure_table
from judgefast.reports.inert import line
from judgefast.reports.panel_judges import (
    REPLAY,
    UNITS,
    figures,
    headline_facts,
    judges_table,
)
from judgefast.reports.panel_models import model_parts
from judgefast.reports.panel_report import MOST_PAIRS
from judgefast.reports.words import (
    SENTENCE_LIMIT,
    duration,
    interval,
    name,
    number,
    percent,
    plural,
    reasons,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from judgefast.reports.panel_report import JudgeRow, PanelReport
    from judgefast.stats.agreed import Agreement, PairAgreement

_NO_WINNER = "No winner"
"""How a finding begins that is about the candidates, not about the judge."""

CUTS = {
    "scalar": "standard deviation of the scores below 1/8 of the scale's range high, below 1/4 "
    "medium, else low (0.5 and 1 on 1 to 5)",
    "pairwise": "all the same high, ties beside one answer medium, both answers low",
}
"""By which cuts agreement is high, medium or low; of other modes all the same is high, else low."""


def render_panel(report: PanelReport, look: Look | None = None) -> str:
    """Write the report of several judges.

    Returns:
        Lines that end in a line feed. Data in them are escaped (`inert.line`).

    """
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    judges = plural(len(report.judges) + len(report.not_started), "judge")
    title = f"{judges} of {plural(report.items, 'item')}, {report.mode}"
    if report.panel:
        title = f"{name(report.panel)}  {title}"
    parts: list[RenderableType] = [Text(title, style="bold"), Text("")]
    look = look or Look()
    parts.append(judges_table(report, look.width))
    parts += [*model_parts(report, look.width), Text(""), _facts(report)]
    if report.agreement is not None:
        parts += _agreement(report, report.agreement, look.width)
    for aspect, agreement in report.agreement_by_aspect.items():
        parts += [Text(""), Text(name(aspect), style="bold")]
        parts += _agreement(report, agreement, look.width)
    if len(report.judges) > 1:
        grid = _grid()
        for label, words in _levels(report):
            grid.add_row(label, words)
        parts.append(grid)
    for finding in report.findings:
        parts.append(_indented(f"* {line(finding, SENTENCE_LIMIT)}"))
    return to_text(parts, look)


def _facts(report: PanelReport) -> Table:
    """Who the judges are, what became of their judgments, and what each has cost."""
    table = _grid()
    for row in report.judges:
        who = f"{name(row.engine)}, model {name(row.model)}, rubric {name(row.rubric)}"
        table.add_row(name(row.name), f"{who} ({name(row.rule)})")
        table.add_row("", _judged(row))
        table.add_row("", _cost(row))
        if row.mean_confidence is not None:
            table.add_row("", f"confidence {number(row.mean_confidence)} on average")
        if row.families is not UNSET:
            table.add_row("", f"family {line(family_words(row.families), SENTENCE_LIMIT)}")
        for finding in [one for one in row.findings if one not in report.findings][:1]:
            if not finding.startswith(_NO_WINNER):
                table.add_row("", f"* {line(finding, SENTENCE_LIMIT)}")
        if row.incomplete is not None:
            table.add_row("", f"incomplete: {row.incomplete}")
    for judge in report.not_started:
        table.add_row(name(judge), "not started")
    for label, words in (*headline_facts(report), *_joined(report)):
        table.add_row(label, words)
    return table


def _joined(report: PanelReport) -> Iterator[tuple[str, str]]:
    """What majority and mean are over, and what is not in them."""
    joining, unit = report.joining, UNITS.get(report.mode, "unit")
    yield "together", f"{plural(joining.valued_by_all, unit)} with a value of every judge"
    if report.silent:
        yield "", f"without {', '.join(map(name, report.silent))}, which gave no value at all"
    parts = [
        (joining.valued_by_some, "with a value of some judges alone"),
        (joining.valued_by_none, "with none"),
        (joining.asked_of_some, "that not every judge was asked for"),
        (joining.asked_of_one, "that one judge alone was asked for"),
    ]
    for count, words in parts:
        if count:
            yield "", f"{plural(count, unit)} {words}"
    if joining.unseen:
        words = "that an empty answer lost, which no judge saw: in no agreement"
        yield "", f"{plural(joining.unseen, unit)} {words}"
    tied = next((row.undecided for row in report.together if row.undecided), 0)
    if tied:
        ends = _TIED.get(report.mode, "take the middle of those tied")
        votes = "tied or for no one answer" if report.mode == "choice" else "tied"
        yield "", f"{plural(tied, unit)} on which votes are {votes} {ends}"


_TIED = {
    "pairwise": "count as ties",
    "binary": "count half",
    "choice": "are shared among the answers",
}
"""What the row of the majority takes where votes are tied, by mode."""


def _judged(row: JudgeRow) -> str:
    counts = row.counts
    words = f"{plural(counts.planned, 'judgment')} = {counts.parsed:,} parsed"
    for label, by_reason in (
        ("unparsed", counts.unparsed),
        ("failed", counts.failed),
        ("not judged", counts.not_judged),
    ):
        if by_reason:
            words += f" + {sum(by_reason.values()):,} {label} ({reasons(by_reason)})"
    return words


def _cost(row: JudgeRow) -> str:
    cost, parts = row.cost, []
    if row.engine == REPLAY:
        return "recorded: what it cost is not known here"
    if cost.seconds is not None:
        parts.append(f"judged in {duration(cost.seconds)}")
    if cost.cpu_seconds is not None:
        parts.append(f"{cost.cpu_seconds:,.1f} CPU seconds")
    if cost.gpu_hours is not None:
        parts.append(amount_words(cost.gpu_hours, "gpu_hours"))
    if cost.usd is not None:
        price = "" if cost.price is None else f" (price {line(cost.price, SENTENCE_LIMIT)})"
        parts.append(f"{amount_words(cost.usd, 'usd')}{price}")
    elif cost.price is not None:
        parts.append(f"no price: {line(cost.price.partition(';')[0], SENTENCE_LIMIT)}")
    if cost.untimed:
        parts.append(f"without {plural(cost.untimed, 'judgment')} of starts that were killed")
    if cost.prompt_tokens is not None:
        parts.append(f"{cost.prompt_tokens:,} prompt tokens")
    return ", ".join(parts) or "what it took is not known"


def _agreement(report: PanelReport, agreement: Agreement, width: int) -> Iterator[RenderableType]:
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    yield Text("")
    columns = [
        Column("units"),
        Column("same"),
        Column(f"{percent(report.level)} interval", "left"),
        Column("by chance"),
        Column("kappa"),
        Column("interval", "left"),
    ]
    shown = agreement.pairs[:MOST_PAIRS]
    yield figure_table("Agreement", columns, [_pair(pair) for pair in shown], width)
    weighted = [
        [f"{name(pair.a)}, {name(pair.b)}", *figures(pair.kappa_quadratic)]
        for pair in shown
        if pair.kappa_quadratic is not None
    ]
    if len(shown) < len(agreement.pairs):
        yield Text(f"and {plural(len(agreement.pairs) - len(shown), 'more pair')} in --json")
    if len(weighted) > 1:
        yield Text("")
        yield figure_table("By steps apart, squared", [*columns[4:]], weighted, width)
    grid = _grid()
    alpha = f"{number(agreement.alpha.value)} {interval(agreement.alpha)}"
    grid.add_row("alpha", f"{alpha}  {agreement.scale}")
    if len(weighted) == 1:
        _, *cells = weighted[0]
        grid.add_row("weighted", f"kappa, by squared steps apart: {' '.join(cells)}")
    if agreement.rounded:
        values = plural(agreement.rounded, "value")
        what = "same and kappa" if agreement.scale == "interval" else "same, kappa and alpha"
        grid.add_row("rounded", f"{values} to the nearest of the scale, for {what}")
    if agreement.alpha.note:
        grid.add_row("", line(agreement.alpha.note, SENTENCE_LIMIT))
    if agreement.all_agree is not None and len(agreement.pairs) > 1:
        every = agreement.all_agree
        grid.add_row("all agree", f"{number(every.value)} {interval(every)}")
    yield grid


def _pair(pair: PairAgreement) -> list[str]:
    return [
        f"{name(pair.a)}, {name(pair.b)}",
        f"{pair.units:,}",
        *figures(pair.percent),
        number(pair.chance),
        *figures(pair.kappa),
    ]


def _levels(report: PanelReport) -> Iterator[tuple[str, str]]:
    levels = report.levels
    none = f", {levels.none:,} by fewer than two judges" if levels.none else ""
    yield "levels", f"{levels.high:,} high, {levels.medium:,} medium, {levels.low:,} low{none}"
    yield "", CUTS.get(report.mode, "all the same high, else low")
    if levels.held_back:
        many = plural(levels.held_back, UNITS.get(report.mode, "unit"))
        yield "", f"{many} medium since a judge's own orders or repeats chose different answers"
    effective = report.effective
    if effective is not None:
        yield "worth", line(effective.finding.text, SENTENCE_LIMIT)
    if not report.disagreements:
        yield "look at", "nothing: no agreement is low or medium"
    elif report.disagreements_file is None:
        many = plural(report.disagreements, "unit")
        yield "look at", f"{many} of low and medium agreement (--disagreements FILE lists them)"
    else:
        is_cut = report.listed < report.disagreements
        more = f"the first {report.listed:,} of " if is_cut else ""
        many = plural(report.disagreements, "unit")
        path = line(report.disagreements_file, SENTENCE_LIMIT)
        rest = " (--disagreements FILE lists all)" if is_cut else ""
        yield "look at", f"{more}{many} of low and medium agreement: {path}{rest}"


def _grid() -> Table:
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True, min_width=12)
    table.add_column(overflow="fold")
    return table


def _indented(words: str) -> RenderableType:
    from rich.padding import Padding  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    return Padding(Text(words), (0, 0, 0, 2))
