"""Shares of a datasheet that a calibration has shown to be reached, for other models too.

Rates are of one model. What they say of the accelerator holds for others like it: by how much a
term of the roofline was off there, so much is it taken to be off here, and no surer than it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.costs.efficiencies import Efficiencies  # noqa: TC001 - msgspec reads annotations
from judgefast.costs.roofline import rates_of

if TYPE_CHECKING:
    from judgefast.catalogue.fits import Cache
    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.shape import Precision, Shape
    from judgefast.costs.rates import Rates

OTHER_MODEL = 0.15
"""Added to the error of a calibration where it is used for another model."""
_FASTEST = 1.0
"""No share of a datasheet is more than all of it."""
_SHARES = ("mfu", "bandwidth", "cache", "cache_8bit")


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """What a calibration shows of a kind of accelerator."""

    shown: Efficiencies
    """By which the roofline would give the rates that were calibrated."""
    foretold: Efficiencies
    """What it takes for that judge where nothing was calibrated."""
    experts: bool
    """Whether that judge is a network of experts: another kind of work, which says nothing here."""

    def onto(self, efficiencies: Efficiencies) -> Efficiencies:
        """Change what the roofline takes for another judge by what it was off by.

        Args:
            efficiencies: Of that judge, a network of the same kind.

        Returns:
            As unsure as the calibration and as those efficiencies at least; `assumed` where these
            are, since what they were guessed from does not change.

        """
        shares = {
            name: min(_FASTEST, getattr(efficiencies, name) * self._ratio(name)) for name in _SHARES
        }
        return msgspec.structs.replace(
            efficiencies,
            **shares,
            activations=efficiencies.activations * self._ratio("activations"),
            step_seconds=efficiencies.step_seconds * self._ratio("step_seconds"),
            error=max(efficiencies.error, self.shown.error + OTHER_MODEL),
            basis="assumed" if efficiencies.basis == "assumed" else "calibrated",
            because=f"{self.shown.because}, with another model; {efficiencies.because}",
        )

    def _ratio(self, name: str) -> float:
        shown, foretold = getattr(self.shown, name), getattr(self.foretold, name)
        return float(shown / foretold) if foretold > 0 else 1.0


def reached_by(  # noqa: PLR0913 - what a roofline hangs on
    rates: Rates,
    shape: Shape,
    gpu: Gpu,
    *,
    like: Efficiencies,
    gpus: int = 1,
    weights: Precision | None = None,
    cache: Cache = "16bit",
) -> Reached:
    """Find the efficiencies by which the roofline would give calibrated rates.

    Args:
        rates: Calibrated, of one copy.
        shape: Of the model that they were calibrated with.
        gpu: Kind of accelerator.
        like: What the roofline takes for it: a term that the calibration found nothing of stays.
        gpus: That hold the copy together.
        weights: Precision as they load.
        cache: Precision of the KV cache.

    Raises:
        ConfigError: The catalogue lacks a figure.

    """
    said = rates_of(shape, gpu, efficiencies=like, gpus=gpus, weights=weights, cache=cache)
    prompt = _ratio(said.prompt_token, rates.prompt_token)
    step = _ratio(said.step, rates.step)
    context = _ratio(said.context_token, rates.context_token)
    eight = cache == "fp8"
    shown = msgspec.structs.replace(
        like,
        mfu=min(_FASTEST, like.mfu * prompt),
        activations=like.activations / prompt,
        bandwidth=min(_FASTEST, like.bandwidth * step),
        step_seconds=like.step_seconds / step,
        cache=like.cache if eight else min(_FASTEST, like.cache * context),
        cache_8bit=min(_FASTEST, like.cache_8bit * context) if eight else like.cache_8bit,
        error=rates.error,
        basis="calibrated",
        because=rates.because,
    )
    return Reached(shown=shown, foretold=like, experts=shape.experts > 1)


def _ratio(said: float, measured: float) -> float:
    """By how much it is faster than was said; 1 where the calibration found nothing of it."""
    return said / measured if said > 0 and measured > 0 else 1.0
