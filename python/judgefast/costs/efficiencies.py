"""How much of a datasheet an engine reaches, and for which models and accelerators that is known.

What was fitted holds where its rows are: an engine, models with or without experts, a kind of GPU,
how many of them, a precision. Anywhere else the same shares are a guess, with a wider error and
that reason beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.catalogue.throughput import Fitted, read_fitted
from judgefast.costs.ranges import Basis  # noqa: TC001 - msgspec reads annotations
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.shape import Precision, Shape

LINK = 0.7
"""Share of a link's bandwidth that an all-reduce reaches. Set, not fitted."""
LEAST_ERROR = 0.20
"""No uncalibrated estimate is taken for better than this."""

_SMALL = 14_000_000_000
"""Parameters below which rows of 32 and 70 billion say little."""
_BEYOND: dict[str, float] = {"engine": 0.35, "gpus": 0.30, "weights": 0.30, "size": 0.35}
"""Error where an estimate leaves the rows of a fit, by what rows that are in none came out at."""
_EXPERTS = 0.40
"""The same of models with experts: their rows have 64 sequences at once, and queued ones of
TensorRT-LLM came out up to twice as slow."""
_SOME_GPUS, _MANY_GPUS = 4, 0.40
_OTHER_EXPERTS = 1.0
"""Of experts with other than MXFP4 weights: Qwen3-235B in 8 bits was half as fast on vLLM 0.12."""
_OTHER_GPU = 0.50
_RELATIVE = 0.35
"""The same for another GPU, and for one of the same architecture."""


class Efficiencies(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of a datasheet's figures, and seconds that it does not know of."""

    mfu: float
    """Of the peak FLOP/s, in matrix multiplications."""
    bandwidth: float
    """Of the memory's, when weights are read."""
    cache: float
    """Of the memory's, when a KV cache of 16-bit numbers is read."""
    cache_8bit: float
    """The same, of 8-bit numbers."""
    step_seconds: float
    """For each step, beside reading the weights."""
    sequence_seconds: float = 0.0
    """For each sequence in a step, beside its FLOP and its cache."""
    link: float = LINK
    """Of a link's bandwidth, in all-reduces."""
    error: float
    basis: Basis
    because: str

    def cache_of(self, number_bytes: int) -> float:
        """Share of the bandwidth at which a cache of such numbers is read."""
        return self.cache_8bit if number_bytes == 1 else self.cache


def of_fitted(fitted: Fitted, error: float, basis: Basis, because: str) -> Efficiencies:
    """Take over what was fitted, with an error and a reason."""
    return Efficiencies(
        mfu=fitted.mfu,
        bandwidth=fitted.bandwidth,
        cache=fitted.cache,
        cache_8bit=fitted.cache_8bit,
        step_seconds=fitted.step_seconds,
        sequence_seconds=fitted.sequence_seconds,
        error=error,
        basis=basis,
        because=because,
    )


def efficiencies_of(  # noqa: PLR0913 - what efficiencies hang on
    *,
    gpu: Gpu,
    shape: Shape,
    weights: Precision | None = None,
    gpus: int = 1,
    engine: str = "vLLM",
    fitted: Mapping[str, Fitted] | None = None,
) -> Efficiencies:
    """Choose what was fitted nearest to an engine, a model and accelerators.

    Args:
        gpu: Kind of accelerator.
        shape: Of the model.
        weights: Precision as they load; None for the checkpoint's own.
        gpus: That hold one copy together.
        engine: By name; what is not vLLM or TensorRT-LLM is taken for vLLM.
        fitted: Sets to choose from; by default the catalogue's.

    Returns:
        `basis` is `fitted` inside the rows of a fit, else `assumed`; `because` says of which rows,
        how well they are predicted, and where this case leaves them.

    Raises:
        ConfigError: There is no set, or a line of the user's own file is not one.

    """
    known = list((read_fitted() if fitted is None else fitted).values())
    mixed = shape.experts > 1
    if not known:
        message = "no efficiencies are in the catalogue: `efficiencies.jsonl` has no row"
        raise ConfigError(message, hint="install the package anew, or calibrate on the machine")
    row = min(known, key=lambda each: (each.experts != mixed, each.engine != engine))
    own = weights if weights is not None and shape.quantized is None else shape.precision
    errors, leaves = [max(LEAST_ERROR, row.most, _EXPERTS if row.experts else 0.0)], []
    if row.experts != mixed or row.engine != engine:
        errors.append(_BEYOND["engine"])
        leaves.append(f"none of {engine} with {'experts' if mixed else 'one network'}")
    if gpu.key not in row.gpus:
        near = gpu.architecture == "Hopper"
        errors.append(_RELATIVE if near else _OTHER_GPU)
        leaves.append(f"none on a {gpu.key}")
    if gpus > row.most_gpus:
        errors.append(_BEYOND["gpus"] if gpus <= _SOME_GPUS else _MANY_GPUS)
        leaves.append(f"none with {gpus} GPUs")
    if own not in row.weights:
        errors.append(_OTHER_EXPERTS if mixed else _BEYOND["weights"])
        leaves.append(f"none with {own or 'such'} weights")
    if not mixed and (shape.parameters or 0) < _SMALL:
        errors.append(_BEYOND["size"])
        leaves.append("none of so small a model")
    because = (
        f"fitted on {row.rows} public rows of {row.engine} ({row.key}): "
        f"half of them within {row.median:.0%}, the worst {row.worst:.0%} off"
    )
    if row.experts:
        because += "; none of them has more than 64 sequences at once"
    if leaves:
        because += f"; {', '.join(leaves)}"
    return of_fitted(row, max(errors), "assumed" if leaves else "fitted", because)
