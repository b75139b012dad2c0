"""The coded columns that stages hand to each other, and what each code means.

A code is a `uint8` in kernels and its name, as a dictionary string, on disk. New codes are added at
the end of a group; none is ever renamed.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal, get_args

Rule = Literal["strict", "average", "judgebench", "games", "drop"]
RULES: tuple[Rule, ...] = get_args(Rule)
"""How the two orders of a comparison become one. Best of several: `strict`, `average`, `drop`;
scored answers: `strict` (the score as read), `average` (the expected score, where probabilities
exist)."""

OneFailed = Literal["pair", "single", "tie"]
ONE_FAILED: tuple[OneFailed, ...] = get_args(OneFailed)
"""What a comparison comes to of which one order was read: nothing, that order's vote, a tie."""

IntervalOption = Literal["auto", "poisson", "histogram", "cluster"]
INTERVALS: tuple[IntervalOption, ...] = get_args(IntervalOption)
"""Which interval rule 4 of `docs/statistics.md` gives a mean of many clusters."""

Across = Literal["judge", "rubric", "parse", "rule", "orders", "pairs", "data"]
ACROSS: tuple[Across, ...] = get_args(Across)
"""What two runs may differ in where that is named as what is compared: the judge model; what it is
asked, and how its answer is read; how its answer is read; how verdicts become an outcome; which
orders were asked; which pairs of several answers; what items of one id ask."""

AlphaScale = Literal["nominal", "ordinal", "interval"]
ALPHA_SCALES: tuple[AlphaScale, ...] = get_args(AlphaScale)
"""What alpha takes two values to say: that they differ; which is more; by how much."""

CHOICE_TIE = 254
"""`choice` of a verdict that calls the answers equal. Other values are positions, from 0."""

CHOICE_NONE = 255
"""`choice` where there is no verdict, or one that is a score."""

NO_ANSWER = 65535
"""`baseline` of an outcome that compares with nothing: a scored answer."""

FIXED_ONE = 1 << 24
"""The integer that stands for 1.0 in a `value` column: values are multiples of 2^-24."""


class Status(IntEnum):
    """What became of one judgment. Every planned judgment has exactly one."""

    PARSED = 0
    EMPTY = 1
    TRUNCATED = 2
    REFUSED = 3
    NO_VERDICT = 4
    CONFLICTING = 5
    OUT_OF_RANGE = 6
    MALFORMED = 7
    ENGINE_ERROR = 16
    TOO_LONG = 17
    TIMEOUT = 18
    UNSUPPORTED = 19
    INVALID = 20
    INTERRUPTED = 32
    BUDGET = 33
    DECIDED = 34
    NOT_NEEDED = 35

    @property
    def part(self) -> str:
        """`parsed`, `unparsed`, `failed` or `not_judged`: the term of the sum in every report."""
        if self is Status.PARSED:
            return "parsed"
        if self < Status.ENGINE_ERROR:
            return "unparsed"
        return "failed" if self < Status.INTERRUPTED else "not_judged"

    @property
    def label(self) -> str:
        """Name on disk and in reports."""
        return self.name.lower()


class OutcomeStatus(IntEnum):
    """Why an outcome has a value, or has none."""

    SCORED = 0
    MISSING = 1
    """No judgment of it was read."""
    ONE_ORDER_MISSING = 2
    """Only one order was read, and the rule `pair` wants both."""
    INCONSISTENT = 3
    """The orders disagree, and the rule `drop` leaves such pairs out."""

    @property
    def label(self) -> str:
        """Name on disk and in reports."""
        return self.name.lower()


class Position(IntEnum):
    """How the two orders of one comparison relate."""

    AGREE = 0
    """Both orders say the same of the same answer, or both say tie."""
    FIRST_TWICE = 1
    """The answer shown first won in both orders."""
    SECOND_TWICE = 2
    """The answer shown second won in both orders."""
    TIE_AND_WIN = 3
    """One order says tie, the other does not."""
    ONE_MISSING = 4
    """Both orders were asked, one was read."""
    BOTH_MISSING = 5
    """None was read."""
    ONE_ORDER = 6
    """Only one order was asked."""
    MIXED = 7
    """Repeats of this comparison relate in different ways."""
    DIFFER = 8
    """Best of more than two: the orders chose different answers, in another way than the above."""
    NOT_COMPARED = 255
    """A scored answer: nothing was shown beside it."""

    @property
    def label(self) -> str:
        """Name on disk and in reports."""
        return self.name.lower()
