"""How many items a budget buys: the most whose estimate stays inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.costs.reworked import with_items

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.costs.ranges import Range
    from judgefast.costs.workload import Workload

MOST_ITEMS = 1 << 40
"""No more are looked at: who can pay for them need not ask."""


def most_items(
    workload: Workload, amount: float, spent: Callable[[Workload], Range]
) -> tuple[int, int, int]:
    """Find how many items such as these an amount is enough for.

    Args:
        workload: What was asked.
        amount: What there is, in the unit of `spent`.
        spent: What a workload takes; more items take no less.

    Returns:
        Items that it is enough for if all takes as much as it may, as is likely, and as little
        as it may. 0 where it is not enough for one.

    """
    ends: list[Callable[[Range], float]] = [
        lambda taken: taken.high,
        lambda taken: taken.likely,
        lambda taken: taken.low,
    ]
    found = [0, 0, 0]
    for place, end in enumerate(ends):
        least = found[place - 1] if place else 0
        found[place] = _most(lambda items: end(spent(with_items(workload, items))), amount, least)  # noqa: B023 - called at once
    return found[0], found[1], found[2]


def _most(taken: Callable[[int], float], amount: float, least: int) -> int:
    """Most items that are within the amount, of which `least` are known to be."""
    low, high = least, max(2 * least, 1)
    while high < MOST_ITEMS and taken(high) <= amount:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if taken(middle) <= amount:
            low = middle
        else:
            high = middle
    return low
