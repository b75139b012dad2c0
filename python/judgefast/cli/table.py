"""Rows of words in columns, as commands that list things print them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.cli.output import put
from judgefast.reports.inert import line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LONGEST = 200


def put_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, right: int = 0) -> None:
    """Print rows below a head, each column as wide as its widest cell.

    Args:
        head: Names of the columns.
        rows: Their cells; what a terminal would act on is made harmless.
        right: Columns after the first that hold figures and end at the right.

    """
    cells = [[line(cell, _LONGEST) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        laid = [
            cell.rjust(width) if 0 < place <= right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        put("  ".join(laid).rstrip())
