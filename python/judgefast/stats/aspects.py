"""What statistics need to know of the aspects of a rubric. Light: reports name it."""

from __future__ import annotations

from fractions import Fraction
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    Scale = tuple[float, float]
    """Lowest and highest possible value."""

UNIT_SCALE = (0.0, 1.0)


class JudgedAspect(NamedTuple):
    """One aspect of a rubric; its place among them is its code."""

    name: str
    weight: float = 1
    """Of its value in the overall value, above 0; only ratios of weights count."""
    scale: Scale = UNIT_SCALE
    """Of its values."""


def overall_scale(aspects: Sequence[JudgedAspect]) -> Scale:
    """Scale of the overall value: that of all aspects where it is one, else 0 to 1."""
    scales = {aspect.scale for aspect in aspects}
    return scales.pop() if len(scales) == 1 else UNIT_SCALE


def weight_shares(aspects: Sequence[JudgedAspect]) -> list[Fraction]:
    """How much of the overall value is each aspect's; together 1.

    A decimal is taken as it is written: weights .1 and .3 are 1 and 3.

    Raises:
        ConfigError: A weight is not above 0.

    >>> weight_shares([JudgedAspect("tone", 0.1), JudgedAspect("facts", 0.3)])
    [Fraction(1, 4), Fraction(3, 4)]

    """
    for aspect in aspects:
        if not 0 < aspect.weight < inf:
            message = f"aspect `{aspect.name}` has the weight {aspect.weight}; it must be above 0"
            raise ConfigError(message, hint="leave out an aspect that is not to count")
    weights = [Fraction(str(aspect.weight)) for aspect in aspects]
    return [weight / sum(weights) for weight in weights]
