"""Seconds that one copy of a model takes for its work, whatever they were found by.

A step of the engine computes prompt tokens and writes one token of each running sequence. Its
seconds are taken for a sum of the terms below. A roofline makes them from a model's shape, a
datasheet and fitted efficiencies; a calibration measures them.
"""

from __future__ import annotations

import msgspec

from judgefast.costs.ranges import Basis  # noqa: TC001 - msgspec reads annotations


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds for each unit of work, on all accelerators of one copy."""

    prompt_token: float
    """For each prompt token that is computed."""
    prompt_pair: float = 0.0
    """For each pair of a computed prompt token and one that it looks at (attention)."""
    prompt_step: float = 0.0
    """For each step that computes prompts and writes nothing but their first tokens."""
    step: float
    """For each step that writes tokens: the weights are read once, and what every step takes."""
    sequence: float
    """For each sequence in a step."""
    context_token: float
    """For each token that a sequence in a step looks back at."""
    request: float = 0.0
    """For each request, of the host's work that nothing overlaps."""
    experts: float = 0.0
    """For each step that needs all routed experts: one of fewer sequences reads fewer."""
    expert_share: float = 0.0
    """Share of the routed experts that one token goes through."""
    window: int | None = None
    """Tokens that sliding layers look back at; None where no layer slides."""
    window_share: float = 0.0
    """Share of `prompt_pair` and of `context_token` that sliding layers take."""
    error: float
    """Share by which a prediction may be off, as a ratio either way."""
    basis: Basis
    because: str
    """Where they are from, in words: fitted on so many rows, calibrated when and where."""
    engine_version: str | None = None

    def step_of(self, sequences: float) -> float:
        """Seconds that a step takes whatever its sequences look back at, without their own part.

        The expected share of experts that some of `sequences` tokens go through is
        `1 - (1 - expert_share) ** sequences`, were they drawn evenly.
        """
        untouched: float = (1 - self.expert_share) ** sequences
        return self.step + self.experts * (1 - untouched)

    def looked_at(self, tokens: float) -> float:
        """Tokens that one looks back at, weighed by the layers that look so far."""
        if self.window is None:
            return tokens
        return tokens - self.window_share * max(0.0, tokens - self.window)
