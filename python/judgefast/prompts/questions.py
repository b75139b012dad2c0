"""What a rubric asks, for engines that take typed questions instead of a prompt."""

from __future__ import annotations

from typing import Literal

import msgspec

QuestionKind = Literal["choice", "score", "yes_no"]


class Question(msgspec.Struct, frozen=True):
    """One typed question of a rubric, for engines that take a state instead of a prompt."""

    aspect: str
    kind: QuestionKind
    instructions: str
    labels: tuple[str, ...]
    """Options in the rubric's order; levels from lowest to highest; or yes, no."""
