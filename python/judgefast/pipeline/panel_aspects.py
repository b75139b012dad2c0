"""Which aspects of several rubrics are the same: those of one name, or each one's only one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from judgefast.prompts.rubric import Rubric

JOINED_BY_NAMES = "where a rubric has several aspects, judges are joined by their names"
"""Hint of judges without an aspect in common."""


def aspects_of_all(rubrics: Sequence[Rubric]) -> tuple[list[str], list[NDArray[np.int64]]]:
    """Names of all aspects, and for each rubric the code of each of its own."""
    own = _names(rubrics)
    if all(len(names) == 1 for names in own):
        return own[0], [np.zeros(1, np.int64) for _ in own]
    names = list(dict.fromkeys(name for each in own for name in each))
    return names, [np.array([names.index(name) for name in each], np.int64) for each in own]


def without_aspect_in_common(rubrics: Sequence[tuple[str, Rubric]]) -> str:
    """Say which of some judges shares no aspect with any other; empty where there is none.

    Args:
        rubrics: Of each judge, with what it is called.

    """
    _, codes = aspects_of_all([rubric for _, rubric in rubrics])
    own = [set(each.tolist()) for each in codes]
    for place, (called, rubric) in enumerate(rubrics):
        others = [each for at, each in enumerate(own) if at != place]
        if others and not any(own[place] & each for each in others):
            theirs = [one for at, (_, one) in enumerate(rubrics) if at != place]
            return (
                f"{called} has no aspect in common with another judge: it has {_told([rubric])}, "
                f"the others {_told(theirs)}"
            )
    return ""


def _told(rubrics: Sequence[Rubric]) -> str:
    names = dict.fromkeys(name for each in _names(rubrics) for name in each)
    return ", ".join(f"`{name}`" for name in names)


def _names(rubrics: Sequence[Rubric]) -> list[list[str]]:
    return [[aspect.name for aspect in rubric.aspects] for rubric in rubrics]
