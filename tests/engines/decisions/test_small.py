"""What small questions are taken to have cost."""

from __future__ import annotations

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
    small = SmallQuestions()
    for _ in range(missed):  # before any reply, as well
        small.missed()
    for usage in replies:
        small.add(usage)
    assert (small.tokens, small.usd, small.are_billed) == (tokens, usd, billed)
    assert small.most_tokens == max((each.prompt_tokens or 0 for each in replies), default=0)
    assert small.most_usd == max((each.usd or 0.0 for each in replies), default=0.0)
