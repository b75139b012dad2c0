"""Says of gold that a rubric cannot use: nothing is held against it, and nobody would see why."""

from __future__ import annotations

import msgspec

from judgefast.reports.inert import line
from judgefast.reports.words import NAME_LIMIT, plural

MOST_VALUES = 5
"""Values of gold, and labels of a rubric, that are named."""


class UnusedGold(msgspec.Struct, frozen=True, kw_only=True):
    """Gold of lone answers that is no label of the rubric."""

    items: int
    values: dict[str, int]
    """The most frequent ones, at most five, with how many items have each."""
    different: int
    """How many different ones there are."""
    labels: list[str]
    """Of the rubric. Where it reads numbers, none."""


def unused_gold_finding(unused: UnusedGold | None, *, is_all: bool) -> list[str]:
    """Say it; nothing where all gold can be used.

    Args:
        unused: What cannot be used.
        is_all: Whether nothing else is held against gold, so that there is no accuracy.

    """
    if unused is None:
        return []
    values = [f"`{_name(one)}` ({count:,})" for one, count in unused.values.items()]
    if more := unused.different - len(values):
        values.append("1 other" if more == 1 else f"{more:,} others")
    verb = "is no label" if unused.different == 1 else "are no labels"
    labels = [f"`{_name(one)}`" for one in unused.labels[:MOST_VALUES]]
    if more := len(unused.labels) - len(labels):
        labels.append(f"{more:,} more")
    has = ", ".join(labels) or "it reads numbers"
    words = f"Gold of {plural(unused.items, 'item')} is not used: {_listed(values)} {verb} of this "
    words += f"rubric ({has})"
    return [f"{words}, and so there is no accuracy." if is_all else f"{words}."]


def _name(word: str) -> str:
    return line(word, NAME_LIMIT)


def _listed(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
