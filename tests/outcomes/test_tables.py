"""What each rule makes of every pair of verdicts, pinned."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.codes import Position

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.outcomes.columns import OutcomeColumns

    Reconcile = Callable[..., OutcomeColumns]
    Says = Callable[[str, tuple[int, int]], dict[str, Any]]
    Value = Callable[[OutcomeColumns], list[float | None]]

N = None
CHOICES = ["A", "B", "tie"]
STRENGTHS = ["A>>B", "A>B", "A=B", "B>A", "B>>A"]

# First order down, second across. The value is B's.
THREE = {
    "strict": [[0, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 0.5]],
    "average": [[0, 0.5, 0.25], [0.5, 1, 0.75], [0.25, 0.75, 0.5]],
    "judgebench": [[0, 0.5, 0], [0.5, 1, 1], [0, 1, 0.5]],
    "games": [[0, 0.5, 0.25], [0.5, 1, 0.75], [0.25, 0.75, 0.5]],
    "drop": [[0, N, N], [N, 1, N], [N, N, 0.5]],
}
FIVE = {
    "strict": [
        [0, 0, 0.5, 0.5, 0.5],
        [0, 0, 0.5, 0.5, 0.5],
        [0.5, 0.5, 0.5, 0.5, 0.5],
        [0.5, 0.5, 0.5, 1, 1],
        [0.5, 0.5, 0.5, 1, 1],
    ],
    "average": [
        [0, 0.125, 0.25, 0.375, 0.5],
        [0.125, 0.25, 0.375, 0.5, 0.625],
        [0.25, 0.375, 0.5, 0.625, 0.75],
        [0.375, 0.5, 0.625, 0.75, 0.875],
        [0.5, 0.625, 0.75, 0.875, 1],
    ],
    "judgebench": [
        [0, 0, 0, 0.5, 0.5],
        [0, 0, 0, 0.5, 0.5],
        [0, 0, 0.5, 1, 1],
        [0.5, 0.5, 1, 1, 1],
        [0.5, 0.5, 1, 1, 1],
    ],
    "games": [
        [0, 0, 0.125, 0.25, 0.5],
        [0, 0, 0.25, 0.5, 0.75],
        [0.125, 0.25, 0.5, 0.75, 0.875],
        [0.25, 0.5, 0.75, 1, 1],
        [0.5, 0.75, 0.875, 1, 1],
    ],
    "drop": [[0, 0, N, N, N], [0, 0, N, N, N], [N, N, 0.5, N, N], [N, N, N, 1, 1], [N, N, N, 1, 1]],
}
GAMES_WEIGHT = [[6, 4, 4, 4, 6], [4, 2, 2, 2, 4], [4, 2, 2, 2, 4], [4, 2, 2, 2, 4], [6, 4, 4, 4, 6]]
POSITION = [
    ["agree", "first_twice", "tie_and_win"],
    ["second_twice", "agree", "tie_and_win"],
    ["tie_and_win", "tie_and_win", "agree"],
]


def every_pair(says: Says, words: list[str]) -> list[dict[str, Any]]:
    """Rows of one comparison an item, for every pair of verdicts, row by row of the table."""
    return [
        {**row, "item": item}
        for item, (forward, swapped) in enumerate(product(words, words))
        for row in (says(forward, (0, 1)), says(swapped, (1, 0)))
    ]


def flat(table: list[list[Any]]) -> list[Any]:
    return [cell for row in table for cell in row]


@pytest.mark.parametrize("rule", THREE)
def test_every_pair_of_choices_has_its_value(
    rule: str, outcomes: Reconcile, says: Says, value: Value
) -> None:
    got = outcomes(every_pair(says, CHOICES), rule=rule)
    assert value(got) == flat(THREE[rule])
    weight = 2 if rule == "games" else 1
    assert got.weight.tolist() == [0 if cell is None else weight for cell in flat(THREE[rule])]


@pytest.mark.parametrize("rule", FIVE)
def test_every_pair_of_strengths_has_its_value(
    rule: str, outcomes: Reconcile, says: Says, value: Value
) -> None:
    got = outcomes(every_pair(says, STRENGTHS), rule=rule, format="arena5")
    assert value(got) == flat(FIVE[rule])
    weights = flat(GAMES_WEIGHT) if rule == "games" else [1] * 25
    cells = zip(flat(FIVE[rule]), weights, strict=True)
    assert got.weight.tolist() == [0 if cell is None else weight for cell, weight in cells]


def test_a_format_without_degrees_has_no_strong_verdict(outcomes: Reconcile, says: Says) -> None:
    rows = every_pair(says, ["A>>B", "B>>A"])
    assert outcomes(rows, rule="games").weight.tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize("rule", THREE)
def test_every_pair_of_choices_has_its_position_whatever_the_rule(
    rule: str, outcomes: Reconcile, says: Says
) -> None:
    got = outcomes(every_pair(says, CHOICES), rule=rule)
    assert [Position(code).label for code in got.position] == flat(POSITION)


def test_the_tables_of_the_docs_are_what_the_kernel_does(
    outcomes: Reconcile, says: Says, value: Value
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "outcomes.md").read_text()
    tables = re.findall(r"^`(\w+)`[^|\n]*\n\n((?:\|.*\n)+)", page, re.MULTILINE)
    assert [rule for rule, _ in tables] == [*THREE, "average", "games"]
    for rule, table in tables:
        head, _, *body = [
            [cell.strip() for cell in line.split("|")[1:-1]] for line in table.strip().split("\n")
        ]
        words = head[1:]
        kind = "arena5" if "A>>B" in words else "plain"
        got = outcomes(every_pair(says, words), rule=rule, format=kind)
        assert [row[0] for row in body] == words
        written = [cell.split(" w") for row in body for cell in row[1:]]
        assert [None if cell[0] == "-" else float(cell[0]) for cell in written] == value(got)
        if len(written[0]) == 2:
            assert [int(cell[1]) for cell in written] == got.weight.tolist()
