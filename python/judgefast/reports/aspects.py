"""The plain table of a rubric's aspects, their weighted mean, and how they go together."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from judgefast.reports.figures import note_parts
from judgefast.reports.words import interval, name, number, percent
from judgefast.stats.slice_names import slice_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from judgefast.stats.aspect_table import AspectRow, AspectTable
    from judgefast.stats.estimate import Estimate


def aspect_parts(table: AspectTable) -> list[RenderableType]:
    """Lay out aspects as rows, overall below them, for each part of the data; then correlations.

    Returns:
        Renderables; names in them are inert and cut.

    """
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    parts: list[RenderableType] = []
    if table.rows:
        parts += [Text(""), _aspects(table), *note_parts(_noted(table.rows))]
    if table.correlations:
        noted = [(_pair(one), one.note) for one in table.correlations]
        parts += [Text(""), _correlations(table), *note_parts(noted)]
    return parts


def _aspects(table: AspectTable) -> Table:
    from rich.padding import Padding  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    several = len({row.scale for row in table.rows}) > 1
    grid = _table(f"Aspects ({name(table.mean)})")
    grid.add_column("weight", justify="right", no_wrap=True)
    if several:
        grid.add_column("scale", no_wrap=True)
    _add_figures(grid, table.level)
    for group, rows in groupby(table.rows, key=lambda row: row.slice):
        if group != "all":
            grid.add_row(Text(name(group)))
        for row in rows:
            label = Text("overall" if row.aspect is None else name(row.aspect))
            grid.add_row(
                label if group == "all" else Padding(label, (0, 0, 0, 2)),
                "" if row.weight is None else f"{row.weight:g}",
                *([f"{row.scale[0]:g} to {row.scale[1]:g}"] if several else []),
                number(row.value),
                interval(row),
                f"{row.outcomes:,}",
                f"{row.missing:,}",
            )
    return grid


def _correlations(table: AspectTable) -> Table:
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    grid = _table("Correlation of aspects")
    _add_figures(grid, table.level)
    for one in table.correlations:
        figures = (number(one.value, signed=True), interval(one, signed=True))
        grid.add_row(Text(_pair(one)), *figures, f"{one.outcomes:,}", f"{one.missing:,}")
    return grid


def _table(title: str) -> Table:
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    grid.add_column(title, overflow="fold", min_width=16)
    return grid


def _add_figures(grid: Table, level: float) -> None:
    grid.add_column("value", justify="right", no_wrap=True)
    grid.add_column(f"{percent(level)} interval", no_wrap=True)
    grid.add_column("outcomes", justify="right", no_wrap=True)
    grid.add_column("missing", justify="right", no_wrap=True)


def _pair(one: Estimate) -> str:
    aspects = slice_parts(one.slice)
    if aspects.keys() >= {"aspect", "with"}:
        return f"{name(aspects['aspect'])} with {name(aspects['with'])}"
    return name(one.slice)


def _noted(rows: Iterable[AspectRow]) -> Iterator[tuple[str, str]]:
    """Each sentence of a note by itself: that scales differ is said once, not of each model."""
    for row in rows:
        where = "" if row.slice == "all" else f" {name(row.slice)}"
        label = "overall" if row.aspect is None else name(row.aspect)
        yield from ((label + where, sentence) for sentence in row.note.split("; "))
