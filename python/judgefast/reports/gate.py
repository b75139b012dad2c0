"""What a gate decided: its form, and its text for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.reports.comparison import RunFacts  # noqa: TC001 - msgspec reads it to decode
from judgefast.reports.console import Look, to_text
from judgefast.reports.inert import line
from judgefast.reports.words import SENTENCE_LIMIT, interval, name, number, percent, plural
from judgefast.stats.gate_decisions import Decision, RuleResult  # noqa: TC001 - as above

if TYPE_CHECKING:
    from rich.console import RenderableType

GATE_FORMAT = 1
"""Version of the JSON form. Fields are added, never renamed; a change of meaning raises it."""

STATUSES: dict[Decision, int] = {"pass": 0, "fail": 1, "inconclusive": 3}
"""Exit status of each decision."""


class GateReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of each rule, and of all of them."""

    format: int = GATE_FORMAT
    decision: Decision
    """`fail` if a rule failed; else `inconclusive` if one was, or a run is incomplete."""
    run: RunFacts
    baseline: RunFacts | None = None
    across: list[str] = []
    """What run and baseline differ in, as was asked for: from baseline to run."""
    level: float
    """Confidence level of all rules together."""
    rules: list[RuleResult]

    @property
    def status(self) -> int:
        """Exit status: 0 passed, 1 failed, 3 inconclusive."""
        return STATUSES[self.decision]


def render_gate(report: GateReport, look: Look | None = None) -> str:
    """Write what a gate decided: the decision, then each rule with its number and its interval.

    Returns:
        Lines that end in a line feed. Data in them are escaped (`inert.line`).

    """
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    head = Text(report.decision, style=f"bold {_COLORS[report.decision]}")
    head.append(f"  {_counted(report)}", style="not bold")
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(style="cyan", no_wrap=True, min_width=12)
    facts.add_column(overflow="fold")
    for label, run in (("run", report.run), ("baseline", report.baseline)):
        if run is not None:
            facts.add_row(label, line(run.path, SENTENCE_LIMIT))
            if run.incomplete is not None:
                facts.add_row("", f"incomplete: {run.incomplete}; so the gate cannot pass")
    for words in report.across:
        facts.add_row("across", line(words, SENTENCE_LIMIT))
    parts: list[RenderableType] = [head, facts]
    for result in report.rules:
        parts += [Text(""), *_rule(result)]
    return to_text(parts, look or Look())


_COLORS: dict[Decision, str] = {"pass": "green", "fail": "red", "inconclusive": "yellow"}


def _counted(report: GateReport) -> str:
    counts = dict.fromkeys(STATUSES, 0)
    for result in report.rules:
        counts[result.decision] += 1
    words = {"pass": "passed", "fail": "failed", "inconclusive": "inconclusive"}
    said = ", ".join(f"{count} {words[one]}" for one, count in counts.items() if count)
    return f"{said} at level {percent(report.level)}"


def _rule(result: RuleResult) -> list[RenderableType]:
    from rich.padding import Padding  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    title = Text(f"{result.decision}: ", style=f"bold {_COLORS[result.decision]}")
    title.append(line(result.rule, SENTENCE_LIMIT), style="bold")
    below = [line(result.reason, SENTENCE_LIMIT)]
    if result.value is not None and result.method is not None:
        where = "" if result.slice in {None, "all"} else f" of {name(str(result.slice))}"
        level = "" if result.level is None else f"{percent(result.level)} interval "
        below.insert(
            0,
            f"{number(result.value)}{where}, {level}{interval(result)}, {result.method}, "
            f"{plural(result.clusters, 'cluster')}"
            + (f", {result.missing:,} missing" if result.missing else ""),
        )
    return [title, *(Padding(Text(words), (0, 0, 0, 2)) for words in below)]
