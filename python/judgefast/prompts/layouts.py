"""The layouts that a rubric may have, for plans that weigh one against another."""

from __future__ import annotations

from typing import get_args

import msgspec

from judgefast.errors import RubricError
from judgefast.prompts.read_rubric import read_rubric
from judgefast.prompts.rubric import LayoutName, Rubric


def allowed_layouts(rubric: Rubric) -> list[tuple[LayoutName, Rubric]]:
    """Lay a rubric out in every way that its template allows.

    A layout is left out where the seam rule forbids it, or where `{criterion}` or `{scale}` stands
    in the system message or beside a text of the item and would have to move.

    Returns:
        Name and rubric, always in this order: `as-written`, `aspect-last`, `aspect-first`. Two may
        come to the same blocks; `rubric.template.layout` names the one in force.

    """
    found: list[tuple[LayoutName, Rubric]] = []
    for name in get_args(LayoutName):
        try:
            read = read_rubric(rubric.source, rubric.file, layout=name)
        except RubricError:
            continue
        found.append((name, msgspec.structs.replace(rubric, template=read.template)))
    return found
