"""What a calibration has found: the rates, and every workload that they were measured by."""

from __future__ import annotations

import msgspec

from judgefast.costs.calibration import Place  # noqa: TC001 - msgspec reads annotations
from judgefast.costs.reached import Reached  # noqa: TC001 - as below
from judgefast.costs.speed import MeasuredOn, Speed  # noqa: TC001 - as above

CALIBRATION_FORMAT = 1
"""Version of the JSON form. Fields are added, never renamed."""


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """One workload of a calibration: medians of what it took, and what the rates say of it."""

    name: str
    requests: int
    is_held_out: bool
    """What the rates say of it was said by a fit on the others."""
    wall_seconds: list[float]
    wall_foretold: float
    cpu_seconds: list[float] = []
    cpu_foretold: float | None = None


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What a calibration has found."""

    format: int = CALIBRATION_FORMAT
    setting: MeasuredOn
    when: str
    """UTC, ISO 8601."""
    seconds: float
    """Of measuring."""
    load_seconds: float
    """Of starting the engine, before that."""
    rounds: int
    place: Place
    wall: Speed
    cpu: Speed | None
    """None on a GPU, and where the engine's processes cannot be looked at."""
    probes: list[Probed]
    busy: float | None = None
    """Share of the CPU that others took meanwhile; None where the kernel does not say."""
    reached: Reached | None = None
    """On GPUs of the catalogue: what it shows of them."""
    gpu: str | None = None
    """Their key there."""
    stored: str | None = None
    """File that it was added to."""
    notes: list[str] = []
