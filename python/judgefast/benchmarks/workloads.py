"""Workloads by name: what is asked, in tokens of the judge that is measured."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Literal

import msgspec

from judgefast.errors import ConfigError

Mode = Literal["pairwise", "scalar"]


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One workload: lengths in tokens, at scale 1."""

    name: str
    about: str
    mode: Mode = "pairwise"
    rubric: int = 500
    """Of the criteria, beside some 60 of the frame and the judge's chat template."""
    question: int = 20
    answer: int = 1000
    """Of each answer."""
    answers: int = 2
    """About one question; pairs of them are compared, or each is scored."""
    aspects: int = 1
    max_tokens: int = 1
    """1 asks for a label, more for a text that ends in a verdict."""
    orders: Literal["both", "one"] = "one"
    items: int = 200
    """Questions, where nobody says otherwise."""

    @property
    def judgments(self) -> int:
        """Judgments of one item."""
        pairs = self.answers * (self.answers - 1) // 2
        each = self.answers if self.mode == "scalar" else pairs
        return each * self.aspects * (2 if self.orders == "both" else 1)

    def at(self, scale: float) -> Shape:
        """Shorten every length by a share; at least one token of each is left."""

        def of(tokens: int) -> int:
            return max(1, round(tokens * scale))

        return msgspec.structs.replace(
            self,
            rubric=of(self.rubric),
            question=of(self.question),
            answer=of(self.answer),
            max_tokens=1 if self.max_tokens == 1 else max(_LEAST_TEXT, of(self.max_tokens)),
        )


_LEAST_TEXT = 8
"""Tokens in which a verdict in brackets has room."""

SHAPES = {
    shape.name: shape
    for shape in (
        Shape(
            name="worked-example",
            about="the guide's: rubric 500, two answers of 1,000, reasons of up to 500 tokens",
            max_tokens=500,
        ),
        Shape(
            name="short-reasons",
            about="the same with reasons of up to 60 tokens",
            max_tokens=60,
        ),
        Shape(name="one-token", about="the same, with one label for an answer"),
        Shape(
            name="multi-aspect",
            about="one answer of 600 scored by three aspects, one label each",
            mode="scalar",
            question=150,
            answer=600,
            answers=1,
            aspects=3,
        ),
        Shape(
            name="long-answers",
            about="two answers of 6,000 and one label: prompts are all of the work",
            question=100,
            answer=6000,
            items=60,
        ),
        Shape(
            name="many-answers",
            about="six answers of 300 to each question, all 15 pairs in both orders, one label",
            question=150,
            answer=300,
            answers=6,
            orders="both",
            items=40,
        ),
    )
}
"""In the order in which they are listed."""


def find_workload(name: str) -> Shape:
    """Look a workload up.

    Raises:
        ConfigError: There is none of that name; the hint names the nearest.

    """
    if name in SHAPES:
        return SHAPES[name]
    close = get_close_matches(name, SHAPES, n=1)
    message = f"there is no workload `{name}`, and no such file or run directory"
    hint = f"did you mean `{close[0]}`?" if close else f"workloads: {', '.join(SHAPES)}"
    raise ConfigError(message, hint=hint)
