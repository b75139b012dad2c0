"""Formats and a one-text reader that the tests of this stage share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from judgefast.codes import CHOICE_TIE, Status
from judgefast.prompts.verdict_format import Pattern, VerdictFormat, VerdictLabel
from judgefast.verdicts import read_texts

if TYPE_CHECKING:
    from collections.abc import Callable

AB = (VerdictLabel(text="A", choice="first"), VerdictLabel(text="B", choice="second"))
ABC = (*AB, VerdictLabel(text="C", choice="tie"))
SCORE = Pattern(r"Score: (-?[\d.]+)")

FORMATS = {
    "bracket": VerdictFormat(name="bracket", labels=ABC),
    "four": VerdictFormat(
        name="bracket",
        labels=tuple(VerdictLabel(text=text, choice=place) for place, text in enumerate("ABCD")),
    ),
    "arena5": VerdictFormat(name="arena5"),
    "label": VerdictFormat(name="label", labels=ABC),
    "rating": VerdictFormat(name="rating", low=1, high=10),
    "result": VerdictFormat(name="result", low=1, high=5, integer=True),
    "result-ab": VerdictFormat(name="result", labels=AB),
    "score-pair": VerdictFormat(name="score-pair", low=0, high=10),
    "json": VerdictFormat(name="json", low=1, high=10, integer=True, reason_field="reason"),
    "json-choice": VerdictFormat(name="json", labels=ABC, reason_field="reason"),
    "regex": VerdictFormat(name="regex", patterns=(SCORE,), low=1, high=10, which="unanimous"),
    "regex-listed": VerdictFormat(
        name="regex", labels=AB, patterns=(Pattern("A is better", "A"), Pattern("B is better", "B"))
    ),
}


class Read(NamedTuple):
    """One verdict, in words."""

    status: str
    verdict: str | float | None
    """Text of a label's choice (A, B, tie, position), or the score; None where unparsed."""
    strength: float
    source: str
    repaired: bool


def read_one(verdict_format: VerdictFormat, text: str, *, cut: bool = False) -> Read:
    """Read one text."""
    columns = read_texts(verdict_format, [text], np.array([cut], dtype=np.uint8))
    status = Status(columns.status[0])
    choice, score = int(columns.choice[0]), float(columns.score[0])
    start, end = columns.span[0]
    verdict: str | float | None = None
    if status is Status.PARSED:
        by_choice = {0: "A", 1: "B", 2: "C", 3: "D", CHOICE_TIE: "tie"}
        verdict = score if verdict_format.low is not None else by_choice[choice]
    else:
        assert np.isnan(score)
        assert np.isnan(columns.strength[0])
        assert choice == 255
        assert (start, end) == (0, 0)
    source = text.encode()[start:end].decode()
    repaired = bool(columns.repaired[0])
    return Read(status.label, verdict, float(columns.strength[0]), source, repaired)


@pytest.fixture(scope="session")
def formats() -> dict[str, VerdictFormat]:
    """Formats by a short name."""
    return FORMATS


@pytest.fixture(scope="session")
def read() -> Callable[..., Read]:
    """Reader of one text."""
    return read_one
