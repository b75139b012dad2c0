"""How fast an engine was measured to be: rates, and what they are not enough for.

Wall seconds are what a run takes on a machine of its own. Where others use the same cores, what
can be foretold is the CPU seconds of the engine's processes: both are kept.
"""

from __future__ import annotations

import msgspec

from judgefast.costs.rates import Rates  # noqa: TC001 - msgspec reads annotations


class MeasuredOn(msgspec.Struct, frozen=True, kw_only=True):
    """What speed hangs on; records are kept by it."""

    model: str
    """As the engine names it."""
    machine: str
    """Its GPUs, or its CPU, with their number: `2 x Intel Xeon`."""
    engine: str
    version: str | None
    """Of the engine."""
    options: str = ""
    """Those of its options that speed hangs on, as JSON; empty where all are usual."""


class Speed(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds by one clock for each unit of work."""

    rates: Rates
    """Of plain requests: a prompt, and free text behind it."""
    label_read: float = 0.0
    """For each label behind the first one that is read by a pass of its own."""
    held_token: float = 0.0
    """More for each token that is held to a schema or to labels."""
    held_start: float = 0.0
    """Once after each start of the engine, for the first schema: its library is loaded then."""

    def rates_for(self, *, label_reads: int = 0, is_held: bool = False, requests: int = 0) -> Rates:
        """Rates of one kind of request.

        Args:
            label_reads: Passes of a request behind its first one, each for a label.
            is_held: Whether its text is held to a schema or to labels.
            requests: Of one start of the engine, which share what is done once; 0: leave it out.

        """
        rates = self.rates
        once = self.held_start / requests if is_held and requests else 0.0
        return msgspec.structs.replace(
            rates,
            request=rates.request + label_reads * self.label_read + once,
            sequence=rates.sequence + (self.held_token if is_held else 0.0),
        )

    def scaled(self, factor: float, error: float, because: str) -> Speed:
        """The same, slower by a factor."""
        rates = msgspec.structs.replace(
            self.rates,
            **{name: getattr(self.rates, name) * factor for name in SECONDS},
            error=error,
            because=because,
        )
        return Speed(
            rates=rates,
            label_read=self.label_read * factor,
            held_token=self.held_token * factor,
            held_start=self.held_start * factor,
        )


SECONDS = ("prompt_token", "prompt_pair", "step", "sequence", "context_token", "request")
"""Fields of `Rates` that a calibration measures."""
