"""Data a window at a time, for streams: rows keep the file and the line that they came from."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from judgefast.datasets.sources import WindowSource, find_sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.datasets.lines import Raw
    from judgefast.datasets.sources import Source


def windows(data: Any, size: int, max_row_bytes: int) -> Iterator[list[Source]]:  # noqa: ANN401 - see read_items
    """Read data `size` rows at a time; a row is read when the window that it is in is taken.

    Args:
        data: As for `read_items`.
        size: Rows of a window, good and bad.
        max_row_bytes: Longest line of a text file.

    Raises:
        DataError: Nothing is there to read. A file that cannot be read raises it on the way.

    """
    return _windows(find_sources(data), size, max_row_bytes)


def _windows(sources: list[Source], size: int, max_row_bytes: int) -> Iterator[list[Source]]:
    rows = ((source, row) for source in sources for row in source.rows(max_row_bytes))
    while window := list(islice(rows, size)):
        parts: list[Source] = []
        last: Source | None = None
        numbered: list[tuple[int, Raw]] = []
        for source, row in window:
            if source is not last:
                last, numbered = source, []
                parts.append(WindowSource(source.name, source.unit, numbered))
            numbered.append(row)
        yield parts
