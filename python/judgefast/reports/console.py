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
    from collections.abc import Sequence

    from rich.console import RenderableType

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


def to_text(parts: Sequence[RenderableType], look: Look) -> str:
    """Lay out parts below each other.

    Args:
        parts: Rich renderables whose texts have passed `inert`.
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
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    return "".join(line.rstrip() + "\n" for line in capture.get().split("\n")[:-1])
