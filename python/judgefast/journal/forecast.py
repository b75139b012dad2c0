"""What was foretold of a run before its engine started: kept in the manifest, read for the bill."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.costs.estimates import ESTIMATE_FORMAT, Estimate
from judgefast.costs.ranges import Range  # noqa: TC001 - msgspec reads annotations

if TYPE_CHECKING:
    from judgefast.journal.manifest import Manifest

FORECAST_FORMAT = 1
"""Version of what a manifest keeps. Fields are added, never renamed."""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """Of the whole plan, whatever of it a start asks."""

    format: int = FORECAST_FORMAT
    made: str
    """UTC, ISO 8601."""
    estimate: Estimate | None = None
    """None where no rates are known."""
    cpu_seconds: Range | None = None
    """Of the engine's processes, for its judging; None where it works on a GPU."""
    answer_tokens: Range | None = None
    """Of all requests, as the engine counts them: a label that it reads counts as a token."""
    reason: str | None = None
    """Why there is no estimate, and how to have one."""


def forecast_of(manifest: Manifest) -> Forecast | None:
    """What a manifest keeps; None where there is nothing, or nothing that this program knows."""
    kept = manifest.estimate
    if kept is None or kept.get("format") != FORECAST_FORMAT:
        return None
    estimate = kept.get("estimate")
    if estimate is not None and estimate.get("format") != ESTIMATE_FORMAT:
        return None
    try:
        return msgspec.convert(kept, Forecast)
    except msgspec.ValidationError:  # a run must be readable whatever was foretold of it
        return None
