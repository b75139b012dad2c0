"""What small questions are taken to have cost."""

from __future__ import annotations

from typing import cast

import pytest

from judgefast.engines.decisions.asked import Usage
from judgefast.engines.decisions.small import SmallQuestions

TOKENS = Usage(prompt_tokens=40)
DEARER = Usage(prompt_tokens=60)
BOTH = Usage(prompt_tokens=40, usd=0.5)
MONEY = Usage(usd=0.25)
SILENT = Usage()


@pytest.mark.parametrize(
    ("replies", "missed", "cost", "billed"),
    [
        ([], 0, 0.0, True),
        ([TOKENS, DEARER, TOKENS], 0, 1.4, True),
        ([DEARER, TOKENS], 2, 2.2, True),
        ([BOTH, TOKENS], 1, 1.4, True),
        ([BOTH, MONEY, BOTH], 1, 1.75, True),
        ([BOTH, SILENT], 0, 1.0, False),
        ([MONEY, TOKENS], 1, 1.05, True),
        ([SILENT], 1, 0.0, False),
    ],
)
def test_what_they_took_and_what_they_may_have_taken(
    replies: list[Usage], missed: int, cost: float, *, billed: bool
) -> None:
    """A token is a cent, so that 40 of them are less than the 0.5 dollars that a reply says."""
    asked, sums = SmallQuestions(), [0.0]
    for _ in range(missed):  # before any reply, as well
        asked.missed()
    for usage in replies:
        asked.add(usage)
        sums.append(asked.sums.cost(0.01))
    small = asked.sums
    assert (small.cost(0.01), small.are_billed) == (pytest.approx(cost), billed)
    assert sums == sorted(sums), "a budget would have more than was left"
    assert small.most_tokens == max((each.prompt_tokens or 0 for each in replies), default=0)
    assert small.most_usd == max((each.usd or 0.0 for each in replies), default=0.0)


def test_whoever_reads_while_a_reply_is_taken_in_has_the_sums_before_it() -> None:
    """A reply that is read from at each look at it, as another thread might."""
    asked, seen = SmallQuestions(), []
    asked.add(BOTH)

    class Watched:
        @property
        def prompt_tokens(self) -> int:
            seen.append(asked.sums)
            return 60

        @property
        def usd(self) -> float:
            seen.append(asked.sums)
            return 0.25

    held = asked.sums
    asked.add(cast("Usage", Watched()))
    assert {(each.cost(0.01), each.most_tokens, each.are_billed) for each in seen} == {
        (0.5, 40, True)
    }
    assert (held.cost(0.01), held.most_tokens) == (0.5, 40)
    assert (asked.sums.cost(0.01), asked.sums.most_tokens) == (0.75, 60)
