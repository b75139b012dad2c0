"""Shares of a datasheet that a calibration has shown to be reached, for other models too.

Rates are of one model. What they say of the accelerator holds for others like it: by how much a
term of the roofline was off is put into the efficiency that it hangs on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.costs.roofline import rates_of

if TYPE_CHECKING:
    from judgefast.catalogue.fits import Cache
    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.shape import Precision, Shape
    from judgefast.costs.efficiencies import Efficiencies
    from judgefast.costs.rates import Rates

OTHER_MODEL = 0.15
"""Added to the error of a calibration where it is used for another model."""
_FASTEST = 1.0
"""No share of a datasheet is more than all of it."""


def reached_by(  # noqa: PLR0913 - what a roofline hangs on
    rates: Rates,
    shape: Shape,
    gpu: Gpu,
    *,
    like: Efficiencies,
    gpus: int = 1,
    weights: Precision | None = None,
    cache: Cache = "16bit",
) -> Efficiencies:
    """Efficiencies by which the roofline would give calibrated rates.

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
    return msgspec.structs.replace(
        like,
        mfu=min(_FASTEST, like.mfu * prompt),
        activations=like.activations / prompt,
        bandwidth=min(_FASTEST, like.bandwidth * step),
        step_seconds=like.step_seconds / step,
        cache=like.cache if eight else min(_FASTEST, like.cache * context),
        cache_8bit=min(_FASTEST, like.cache_8bit * context) if eight else like.cache_8bit,
        error=rates.error + OTHER_MODEL,
        basis="calibrated",
        because=f"{rates.because}, with another model",
    )


def _ratio(said: float, measured: float) -> float:
    """By how much it is faster than was said; 1 where the calibration found nothing of it."""
    return said / measured if said > 0 and measured > 0 else 1.0
