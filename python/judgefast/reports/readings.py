"""How the same judge outputs read by different rules: for a person, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.reports.console import Look, to_text
from judgefast.reports.inert import line
from judgefast.reports.words import EXCERPT_LIMIT, interval, name, number, reasons
from judgefast.stats.differences import Difference  # noqa: TC001 - msgspec reads it to decode
from judgefast.stats.estimate import Estimate  # noqa: TC001 - msgspec reads it to decode

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_SHOWN = 12
"""Verdicts, and changes of one reading, that are listed; a scale may have thousands of scores."""


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One output."""

    place: str
    text: str
    """Its beginning."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """One verdict, or one reason why there is none."""

    outcome: str
    is_parsed: bool
    count: int
    examples: list[Example] = []


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Outputs that read otherwise than by the first reading."""

    before: str
    after: str
    count: int


class ReadingFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The outputs by one rule."""

    name: str
    rule: str | None = None
    """How two orders become one, where the rows hold both; None where each row stands alone."""
    parsed: int
    unparsed: dict[str, int]
    repaired: int = 0
    """Read by the lenient mode alone; a part of `parsed`."""
    changed: int = 0
    """Outputs that read otherwise than by the first reading."""
    changes: list[Change] = []
    estimates: list[Estimate] = []
    """The headline first."""


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """What `judgefast parse` found."""

    rubric: str
    format: str
    """Name of the verdict format."""
    rows: int
    skipped: dict[str, int] = {}
    skipped_examples: dict[str, list[str]] = {}
    fields: dict[str, str] = {}
    """Field -> its name in the last file."""
    outcomes: list[Tally] = []
    """By the first reading: the rubric as it is written."""
    readings: list[ReadingFacts] = []


class Reread(msgspec.Struct, frozen=True, kw_only=True):
    """What another parse rule makes of a run: the run's own reading first."""

    run: str
    readings: list[ReadingFacts]
    difference: Difference | None = None
    """The headline by the new rule minus that by the run's own, item by item."""


def render_audit(audit: Audit, look: Look | None = None) -> str:
    """Write an audit. Data in it are escaped."""
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - as above

    skipped = f", {sum(audit.skipped.values()):,} skipped" if audit.skipped else ""
    used = ", ".join(f"{field} = {line(of)}" for field, of in audit.fields.items())
    title = f"{name(audit.rubric)}, format {audit.format}: {audit.rows:,} outputs{skipped}"
    head: list[RenderableType] = [Text(title), Text(f"fields  {used}", style="dim")]
    for examples in audit.skipped_examples.values():
        head += [Text(f"  - {line(example, EXCERPT_LIMIT)}") for example in examples]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Outcome", no_wrap=True)
    table.add_column("outputs", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    for kind in (True, False):
        these = [one for one in audit.outcomes if one.is_parsed is kind]
        for one in these[:MOST_SHOWN]:
            word = f"parsed {name(one.outcome)}" if kind else one.outcome
            table.add_row(word, f"{one.count:,}", f"{100 * one.count / audit.rows:.1f} %")
        if len(these) > MOST_SHOWN:
            rest = sum(one.count for one in these[MOST_SHOWN:])
            table.add_row(f"{len(these) - MOST_SHOWN} other verdicts", f"{rest:,}", "")
    parts = [*head, Text(""), table, Text(""), *_readings(audit.readings)]
    listed = [one for one in audit.outcomes if one.examples][: 2 * MOST_SHOWN]
    parts += [Text(""), Text("Examples", style="bold")]
    for one in listed:
        parts.append(Text(f"  {name(one.outcome)}"))
        parts += [
            Text(f"    {line(each.place)}  {line(each.text, EXCERPT_LIMIT)}")
            for each in one.examples
        ]
    return to_text(parts, look or Look())


def render_reread(reread: Reread, look: Look | None = None) -> str:
    """Write what changed in a run."""
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    parts: list[RenderableType] = [Text(name(reread.run)), *_readings(reread.readings)]
    if (gap := reread.difference) is not None:
        ends = f"{number(gap.value, signed=True)} {interval(gap, signed=True)}"
        parts.append(Text(f"difference  {name(gap.name)} {ends}, item by item"))
    return to_text([*parts, Text("")], look or Look())


def _readings(readings: list[ReadingFacts]) -> list[RenderableType]:
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Reading", overflow="fold", min_width=12)
    for title in ("parsed", "unparsed", "changed"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("headline", overflow="fold")
    notes: list[RenderableType] = []
    for one in readings:
        label = one.name if one.rule is None else f"{one.name}, rule {one.rule}"
        for place, estimate in enumerate(one.estimates or [None]):
            words = ""
            if estimate is not None:
                of = "" if estimate.slice == "all" else f" {name(estimate.slice)}"
                words = f"{estimate.name}{of} {number(estimate.value)} {interval(estimate)}"
            if place >= MOST_SHOWN:
                break
            counts = (one.parsed, sum(one.unparsed.values()), one.changed)
            cells = [f"{count:,}" for count in counts] if place == 0 else ["", "", ""]
            table.add_row(label if place == 0 else "", *cells, words)
        if one.unparsed and one.rule is None:
            notes.append(Text(f"  {one.name}: unparsed {reasons(one.unparsed)}"))
        if one.repaired and one.rule is None:
            notes.append(Text(f"  {one.name}: {one.repaired:,} repaired"))
        for change in one.changes[:MOST_SHOWN]:
            words = f"{name(change.before)} -> {name(change.after)}"
            notes.append(Text(f"  {one.name}: {change.count:,} {words}"))
        if len(one.changes) > MOST_SHOWN:
            rest = len(one.changes) - MOST_SHOWN
            notes.append(Text(f"  {one.name}: {rest:,} more kinds of change (--json has all)"))
    return [table, *notes]
