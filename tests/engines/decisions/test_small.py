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
    ("replies", "missed", "tokens", "usd", "billed"),
    [
        ([], 0, 0, 0.0, True),
        ([TOKENS, DEARER, TOKENS], 0, 140, None, True),
        ([DEARER, TOKENS], 2, 220, None, True),
        ([BOTH, TOKENS], 1, 120, None, True),
        ([BOTH, MONEY, BOTH], 1, 120, 1.75, True),
        ([BOTH, SILENT], 0, 80, 1.0, False),
        ([MONEY, TOKENS], 0, 40, None, False),
        ([SILENT], 1, 0, 0.0, False),
    ],
)
def test_what_they_took_and_what_they_may_have_taken(
    replies: list[Usage], missed: int, tokens: int, usd: float | None, *, billed: bool
) -> None:
    asked = SmallQuestions()
    for _ in range(missed):  # before any reply, as well
        asked.missed()
    for usage in replies:
        asked.add(usage)
    small = asked.sums
    assert (small.tokens, small.usd, small.are_billed) == (tokens, usd, billed)
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
    assert {(each.tokens, each.usd, each.are_billed) for each in seen} == {(40, 0.5, True)}
    assert (held.tokens, held.usd, held.most_tokens) == (40, 0.5, 40)
    assert (asked.sums.tokens, asked.sums.usd, asked.sums.most_tokens) == (100, 0.75, 60)
