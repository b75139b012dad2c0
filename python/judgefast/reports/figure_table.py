"""A table of names and figures, in which a name is folded and no figure is ever cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

_GAP = 2
"""Blanks between two columns."""
_NAME = 12
"""Least width of the first column."""


class Column(NamedTuple):
    """Head of a column of figures."""

    head: str
    justify: str = "right"


def figure_table(
    title: str, columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int
) -> Table:
    """Lay out names and figures.

    Where they do not fit, heads are broken before a `/`; then the table is wider than asked for.

    Args:
        title: Head of the first column.
        columns: The others.
        rows: A name, and a cell for each of `columns`; they have passed `inert`.
        width: Columns that there are.

    """
    from rich.table import Table  # noqa: PLC0415 - loaded when something is shown

    figures = [[row[at] for row in rows] for at in range(1, len(columns) + 1)]
    heads = [column.head for column in columns]
    if _needed(heads, figures) > width:
        heads = [head.replace("/", "\n/") for head in heads]
    needed = _needed(heads, figures)
    table = Table(
        box=None,
        pad_edge=False,
        padding=(0, _GAP, 0, 0),
        header_style="bold",
        width=needed if needed > width else None,
    )
    table.add_column(title, overflow="fold", min_width=_NAME)
    for column, head in zip(columns, heads, strict=True):
        table.add_column(head, no_wrap=True, justify=column.justify)  # type: ignore[arg-type]  # of rich's own words
    for row in rows:
        table.add_row(*row)
    return table


def _needed(heads: Sequence[str], figures: Sequence[Sequence[str]]) -> int:
    """Least width of the whole."""
    from rich.cells import cell_len  # noqa: PLC0415 - as above

    columns = zip(heads, figures, strict=True)
    widths = [
        max(map(cell_len, [*head.splitlines(), *cells]), default=0) for head, cells in columns
    ]
    return _NAME + sum(_GAP + width for width in widths)
