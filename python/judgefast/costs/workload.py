"""What is asked of a judge, in tokens: all that a cost hangs on, and nothing else of the data."""

from __future__ import annotations

from typing import Literal

import msgspec

from judgefast.costs.ranges import Basis, Range


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens that the judge writes behind one prompt, its thinking included."""

    mean: Range
    spread: float
    """Standard deviation by mean: 0 where all are of one length. It decides the run-out."""
    most: int
    """Cap on one answer."""
    thinking: Range = Range(0.0, 0.0, 0.0)
    """Mean of those tokens that are thinking; they are in `mean` too."""
    basis: Basis
    because: str
    """Where they are known from, in words: a pilot of so many answers, the rubric's cap."""


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """Requests of a run, by their sums and means."""

    items: int
    judgments: int
    requests: int
    """Sent to the engine: fewer than judgments where one answers several."""
    prompt_tokens: int
    """Of all requests."""
    computed_tokens: Range
    """Of these, what must be computed: the rest is in the prefix cache."""
    longest_prompt: int
    answers: Answers
    orders: int = 1
    asked: Range = Range(1.0, 1.0, 1.0)
    """By how much requests and tokens of prompts may be fewer or more: with adaptive orders how
    many are asked is not known before."""
    held: bool = False
    """Whether answers are held to a grammar as they are written."""
    basis: Basis
    """`counted` where prompts were made from the data, `given` for a shape."""
    because: str
    """In words, for `--explain`."""

    def requests_at(self, end: Literal["low", "likely", "high"]) -> float:
        """Requests, as few or as many as there may be."""
        share: float = getattr(self.asked, end)
        return self.requests * share
