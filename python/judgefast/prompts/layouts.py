"""The layouts that a rubric may have, for plans that weigh one against another."""

from __future__ import annotations

from typing import get_args

from judgefast.errors import RubricError
from judgefast.prompts.read_rubric import read_rubric
from judgefast.prompts.rubric import Asking, LayoutName, Rubric


def allowed_layouts(
    rubric: Rubric, aspects: Asking | None = None
) -> list[tuple[LayoutName, Rubric]]:
    """Lay a rubric out in every way that its template allows.

    A layout is left out where the seam rule forbids it, or where `{criterion}` or `{scale}` stands
    in the system message or beside a text of the item and would have to move.

    Args:
        rubric: It is read again from its text.
        aspects: How its aspects are asked, in place of what is written. Where the verdict holds
            but one of them, none is allowed together.

    Returns:
        Name and rubric, always in this order: `as-written`, `aspect-last`, `aspect-first`. Two may
        come to the same blocks; `rubric.template.layout` names the one in force. Each is what the
        text would be read as after that edit: options of a run are not in it.

    """
    found: list[tuple[LayoutName, Rubric]] = []
    for name in get_args(LayoutName):
        try:
            read = read_rubric(rubric.source, rubric.file, layout=name, aspects=aspects)
        except RubricError:
            continue
        found.append((name, read))
    return found
