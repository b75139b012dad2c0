"""What a comparison of two runs holds, and its text for a person."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import msgspec

from judgefast.reports.console import Look, to_text
from judgefast.reports.inert import line
from judgefast.reports.words import SENTENCE_LIMIT, interval, name, number, percent, plural
from judgefast.stats.differences import Difference  # noqa: TC001 - msgspec reads it to decode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

COMPARISON_FORMAT = 1
"""Version of the JSON form. Fields are added, never renamed; a change of meaning raises it."""


MOST_LISTED = 6
"""Slices of one run alone that are named."""


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two runs."""

    path: str
    judge: str
    rubric: str
    items: int
    planned: int
    parsed: int
    incomplete: str | None = None
    """What is missing of it, for a person; None where it is complete."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Every mean that two runs share: run a minus run b, over what both judged."""

    format: int = COMPARISON_FORMAT
    a: RunFacts
    b: RunFacts
    across: list[str] = []
    """What the runs differ in, as was asked for: from a to b."""
    level: float
    differences: list[Difference]
    unpaired: list[str] = []
    """Means and slices that one run alone has."""

    @property
    def is_complete(self) -> bool:
        """Whether both runs are complete."""
        return self.a.incomplete is None and self.b.incomplete is None

    def difference(self, name: str, slice: str | None = None) -> Difference:  # noqa: A002 - the column's name
        """Look a difference up.

        Args:
            name: Such as `win_rate`.
            slice: Which part of the data; None for all, or for the only pair of models.

        Raises:
            ConfigError: There is none of that name, or it has no such slice.

        """
        from judgefast.stats.lookup import find  # noqa: PLC0415 - on first use

        return find(self.differences, name, slice)


def render_comparison(comparison: Comparison, look: Look | None = None) -> str:
    """Write a comparison: what was joined, then each difference and what may be said of it.

    Returns:
        Lines that end in a line feed. Data in them are escaped (`inert.line`).

    """
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    of_name: dict[str, list[Difference]] = defaultdict(list)
    for one in comparison.differences:
        of_name[one.name].append(one)
    parts: list[RenderableType] = [Text("A minus B, item by item", style="bold")]
    parts.append(_facts(comparison))
    parts += [Text(""), _table(comparison, of_name)]
    for several in of_name.values():
        parts += _said(several, comparison.level)
    return to_text(parts, look or Look())


def _facts(comparison: Comparison) -> RenderableType:
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="cyan", no_wrap=True, min_width=12)
    table.add_column(overflow="fold")
    for label, run in (("A", comparison.a), ("B", comparison.b)):
        table.add_row(label, f"{line(run.path, SENTENCE_LIMIT)}  {plural(run.items, 'item')}")
        if run.incomplete is not None:
            table.add_row("", f"incomplete: {run.incomplete}")
    for words in comparison.across:
        table.add_row("across", line(words, SENTENCE_LIMIT))
    if comparison.unpaired:
        table.add_row("in one alone", _listed(comparison.unpaired))
    return table


def _listed(unpaired: Sequence[str]) -> str:
    """The first few, and how many there are of each mean beyond them."""
    words = ", ".join(name(one) for one in unpaired[:MOST_LISTED])
    rest = Counter(one.split(" ", 1)[0] for one in unpaired[MOST_LISTED:])
    if rest:
        more = ", ".join(f"{count:,} of {mean}" for mean, count in rest.items())
        words += f"; and {plural(rest.total(), 'slice')} more: {more} (--json has all)"
    return words


def _table(comparison: Comparison, of_name: dict[str, list[Difference]]) -> RenderableType:
    from rich.padding import Padding  # noqa: PLC0415 - loaded when something is shown
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Differences", overflow="fold", min_width=16)
    for column in ("A", "B", "A - B"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column(f"{percent(comparison.level)} interval", no_wrap=True)
    table.add_column("both", justify="right", no_wrap=True)
    table.add_column("only A/B", justify="right", no_wrap=True)
    for title, several in of_name.items():
        if several[0].slice != "all":
            table.add_row(title)
        for one in several:
            whole = one.slice == "all"
            label = title if whole else Padding(Text(name(one.slice)), (0, 0, 0, 2))
            table.add_row(
                label,
                number(one.value_a),
                number(one.value_b),
                number(one.value, signed=True),
                interval(one, signed=True),
                f"{one.both:,}",
                f"{one.only_a:,}/{one.only_b:,}",
            )
    return table


def _said(several: Sequence[Difference], level: float) -> list[RenderableType]:
    """Say of each difference of a name what may be said of it."""
    from rich.padding import Padding  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    title = several[0].name
    parts: list[RenderableType] = [Text(""), Text(title, style="bold")]
    if several[0].simultaneous_method is not None:
        differing = [one for one in several if one.differs]
        alone = sum(one.verdict in {"higher", "lower"} for one in several)
        words = f"Of {len(several)} slices {_differ(alone)} alone at {percent(level)}"
        if alone:
            words += (
                f"; taken together ({several[0].simultaneous_method}) {_differ(len(differing))}"
            )
        if differing:
            words += f": {', '.join(name(one.slice) for one in differing)}"
        words += "."
        parts.append(Padding(Text(words), (0, 0, 0, 2)))
    for one in several:
        where = "" if one.slice == "all" else f"{name(one.slice)}: "
        if one.slice_b is not None:
            where = f"{name(one.slice)} against {name(one.slice_b)}: "
        words = f"{where}{one.words}; {one.method}, {plural(one.clusters, 'cluster')}"
        if one.note:
            words += f" ({line(one.note, SENTENCE_LIMIT)})"
        parts.append(Padding(Text(words + "."), (0, 0, 0, 2)))
    return parts


def _differ(count: int) -> str:
    return f"{count or 'none'} {'differs' if count <= 1 else 'differ'}"
