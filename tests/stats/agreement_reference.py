"""Agreement from its definitions, one pair of values at a time, in fractions: the oracle."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import permutations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Unit = Sequence[int | None]
    """What each judge gave, None where nothing."""


def kappa(units: Sequence[Unit], weight: Callable[[int, int], int]) -> Fraction | None:
    """Of two judges: what they say of one unit, against what they say of any two units."""
    pairs = [(a, b) for a, b in units if a is not None and b is not None]
    within = sum(weight(a, b) for a, b in pairs)
    across = sum(weight(a, b) for a, _ in pairs for _, b in pairs)
    return 1 - Fraction(len(pairs) * within, across) if across else None


def alpha(units: Sequence[Unit], scale: str) -> Fraction | None:
    """Of all judges: values of one unit, against any two values."""
    judged = [[one for one in unit if one is not None] for unit in units]
    judged = [unit for unit in judged if len(unit) > 1]
    values = [one for unit in judged for one in unit]
    numbers = Counter(values)

    def apart(a: int, b: int) -> Fraction:
        if scale == "nominal":
            return Fraction(a != b)
        if scale == "interval":
            return Fraction((a - b) ** 2)
        low, high = sorted((a, b))
        between = sum(number for value, number in numbers.items() if low <= value <= high)
        return (between - Fraction(numbers[low] + numbers[high], 2)) ** 2

    within = sum(
        (apart(a, b) / (len(unit) - 1) for unit in judged for a, b in permutations(unit, 2)),
        Fraction(0),
    )
    across = sum((apart(a, b) for a, b in permutations(values, 2)), Fraction(0))
    return 1 - within * (len(values) - 1) / across if across else None


def left_out(
    units: Sequence[Unit],
    clusters: Sequence[int],
    coefficient: Callable[[Sequence[Unit]], Fraction | None],
) -> list[Fraction | None]:
    """The coefficient of the rows that are left without each cluster, in the order of ids."""
    return [
        coefficient([unit for unit, one in zip(units, clusters, strict=True) if one != cluster])
        for cluster in sorted(set(clusters))
    ]
