"""From rich renderables to a string, for a terminal of some width or for a file.

Nothing here interprets data: markup, emoji codes and highlighting are off, and the environment is
read in one place only, so that the same report is the same text wherever it is rendered.
"""

from __future__ import annotations

import os
import shutil
from io import StringIO
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

PLAIN_WIDTH = 80
"""Columns where the output is no terminal, and at least: figures are never cut to fit."""

WIDEST = 120
"""Longer lines are hard to read."""


class Look(NamedTuple):
    """How a text is laid out."""

    width: int = PLAIN_WIDTH
    """Columns; a line may only be longer if a single word is."""
    color: bool = False
    """Write escape sequences for colour and weight."""


class Inset(NamedTuple):
    """Lines of a text, set in from the margin, wrapped ones too, so that it can't pass for ours."""

    lines: Sequence[str]
    """They have passed `inert`."""
    margin: str = "  "


def look_of(stream: TextIO | None) -> Look:
    """Choose width and colour for a stream: plain unless it is a terminal that wants colour.

    `NO_COLOR` (any value but the empty one) and `TERM=dumb` turn colour off.
    """
    if not is_terminal(stream):
        return Look()
    columns = shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns
    wants_color = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Look(width=max(PLAIN_WIDTH, min(columns, WIDEST)), color=wants_color)


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a person looks at this stream; a closed or missing one is no terminal."""
    try:
        return stream is not None and stream.isatty()
    except (ValueError, OSError):
        return False


def to_text(parts: Sequence[RenderableType | Inset], look: Look) -> str:
    """Lay out parts below each other.

    Args:
        parts: Rich renderables whose texts have passed `inert`, and insets.
        look: Width and colour.

    Returns:
        Lines without trailing blanks, each ended by a line feed.

    """
    from rich.console import Console  # noqa: PLC0415 - loaded when something is shown

    console = Console(
        file=StringIO(),
        width=look.width,
        force_terminal=look.color,
        color_system="standard" if look.color else None,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
        _environ={},
    )
    lines: list[str] = []
    for part in parts:
        if isinstance(part, Inset):
            lines += _inset_lines(part, console)
            continue
        with console.capture() as capture:
            console.print(part, crop=False)
        lines += capture.get().split("\n")[:-1]
    return "".join(line.rstrip() + "\n" for line in lines)


def _inset_lines(inset: Inset, console: Console) -> Iterator[str]:
    """Wrap without rich's layout: an answer may have a hundred thousand lines."""
    from rich.cells import cell_len  # noqa: PLC0415 - loaded when something is shown
    from rich.text import Text  # noqa: PLC0415 - loaded when something is shown

    room = console.width - len(inset.margin)
    for line in inset.lines:
        if cell_len(line) <= room:
            yield inset.margin + line
            continue
        for wrapped in Text(line).wrap(console, room, overflow="fold"):
            yield inset.margin + wrapped.plain
