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
    step: float
    """For each step that writes tokens: the weights are read once, and what every step takes."""
    sequence: float
    """For each sequence in a step."""
    context_token: float
    """For each token that a sequence in a step looks back at."""
    request: float = 0.0
    """For each request, of the host's work that nothing overlaps."""
    error: float
    """Share by which a prediction may be off, as a ratio either way."""
    basis: Basis
    because: str
    """Where they are from, in words: fitted on so many rows, calibrated when and where."""
    engine_version: str | None = None
