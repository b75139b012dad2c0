"""Seconds for a model's work on an accelerator, by its shape, a datasheet and efficiencies.

Prompts are bound by arithmetic, written tokens by memory: each step reads the weights once and what
the running sequences have in the KV cache. Both times are added, as if nothing overlapped; what
does is in the fitted efficiencies. Several GPUs of one copy share all of it, and sum two vectors
of each token in each layer over their link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from judgefast.catalogue.fits import UTILISATION, kv_room, memory_of, number_bytes
from judgefast.costs.estimates import Placed
from judgefast.costs.rates import Rates
from judgefast.costs.timing import MAX_NUM_SEQS, batch_of, length_of
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.catalogue.fits import Cache
    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.shape import Precision, Shape
    from judgefast.costs.efficiencies import Efficiencies
    from judgefast.costs.timing import End
    from judgefast.costs.workload import Workload

ATTENTION = 0.5
"""Share of the 16-bit peak that attention over a prompt reaches. Set, not fitted."""
ALL_REDUCE_SECONDS = 1e-5
"""That an all-reduce takes however little it sums. Set; AIConfigurator's systems have it so too."""
_ALL_REDUCES = 2
"""In each layer: behind the attention and behind the MLP."""
_HALF = 2
_GB = 1e9


class DoesNotFitError(ConfigError):
    """A model with one sequence is more than its accelerators hold."""


class Term(NamedTuple):
    """One sum of the roofline."""

    name: str
    """Of the field of `Rates` that it is a part of."""
    title: str
    arithmetic: str
    seconds: float


def rates_of(  # noqa: PLR0913 - what a roofline hangs on
    shape: Shape,
    gpu: Gpu,
    *,
    efficiencies: Efficiencies,
    gpus: int = 1,
    weights: Precision | None = None,
    cache: Cache = "16bit",
) -> Rates:
    """Seconds for each unit of work of one copy of a model.

    Args:
        shape: Of the model.
        gpu: Kind of accelerator.
        efficiencies: Shares of its datasheet that the engine reaches.
        gpus: That hold the copy together.
        weights: Precision as they load; None for the checkpoint's own.
        cache: Precision of the KV cache.

    Raises:
        ConfigError: A figure is needed that the catalogue does not know.

    """
    sums: dict[str, float] = {}
    for term in _terms(shape, gpu, efficiencies, gpus, weights, cache):
        sums[term.name] = sums.get(term.name, 0.0) + term.seconds
    every = shape.cache_bytes or 0
    sliding = shape.sliding_bytes / (every + shape.sliding_bytes) if shape.sliding_bytes else 0.0
    return Rates(
        prompt_token=sums["prompt_token"],
        prompt_pair=sums["prompt_pair"],
        prompt_step=sums["prompt_step"],
        step=sums["step"],
        sequence=sums["sequence"],
        context_token=sums["context_token"],
        request=efficiencies.request_seconds,
        experts=sums.get("experts", 0.0),
        expert_share=shape.experts_used / shape.experts if shape.experts > 1 else 0.0,
        window=shape.window,
        window_share=sliding,
        error=efficiencies.error,
        basis=efficiencies.basis,
        because=efficiencies.because,
    )


def rates_sums(  # noqa: PLR0913 - as `rates_of`
    shape: Shape,
    gpu: Gpu,
    *,
    efficiencies: Efficiencies,
    gpus: int = 1,
    weights: Precision | None = None,
    cache: Cache = "16bit",
) -> list[tuple[str, str]]:
    """The sums behind `rates_of`, each with a title and as a person would redo it."""
    terms = _terms(shape, gpu, efficiencies, gpus, weights, cache)
    return [(term.title, f"{term.arithmetic} = {term.seconds:.4g} s") for term in terms]


def place(  # noqa: PLR0913 - as `rates_of`
    shape: Shape,
    gpu: Gpu,
    *,
    model: str,
    workload: Workload,
    gpus_per_copy: int = 1,
    copies: int = 1,
    weights: Precision | None = None,
    cache: Cache = "16bit",
    max_num_seqs: int = MAX_NUM_SEQS,
    utilisation: float = UTILISATION,
    end: End = "likely",
) -> Placed:
    """Put copies of a model on accelerators, and count the sequences beside them.

    Args:
        shape: Of the model.
        gpu: Kind of accelerator.
        model: Its name.
        workload: What is asked: the room hangs on the length of its sequences.
        gpus_per_copy: That hold one copy together.
        copies: Of the model.
        weights: Precision as they load; None for the checkpoint's own.
        cache: Precision of the KV cache.
        max_num_seqs: Sequences that one copy runs at once at most.
        utilisation: Share of the memory that the engine may take.
        end: Of the workload's ranges.

    Raises:
        DoesNotFitError: Not even one sequence fits beside the weights; says by how much.
        ConfigError: The size of the model or of the memory is not known.

    """
    tokens = max(1.0, length_of(workload, end))
    memory = _known(memory_of(gpu), gpu.key, "the memory", "gpus.jsonl")
    fit = kv_room(
        shape,
        memory,
        gpus_per_copy,
        tokens=tokens,
        weights=weights,
        cache=cache,
        utilisation=utilisation,
    )
    if fit is None:
        raise _unknown(model, "the parameters or the KV cache", "models.jsonl")
    if fit.lacking_bytes:
        message = (
            f"`{model}` with {_said(fit.weights)} weights and one sequence of {tokens:,.0f} tokens "
            f"is {fit.lacking_bytes / _GB:.1f} GB more than {gpus_per_copy} x {gpu.key} hold"
        )
        hint = "take more GPUs for a copy, as `--gpu H200:2`, or weights of fewer bits"
        raise DoesNotFitError(message, hint=hint)
    batch, limit = batch_of(
        workload,
        copies=copies,
        room_tokens=fit.room_tokens,
        max_num_seqs=max_num_seqs,
        end=end,
    )
    of_one = shape.sequence_bytes(tokens, number_bytes=number_bytes(cache), gpus=gpus_per_copy)
    return Placed(
        model=model,
        gpu=gpu.key,
        gpus=gpus_per_copy * copies,
        copies=copies,
        weights=_said(fit.weights),
        cache=cache,
        weight_bytes=fit.weight_bytes,
        kv_bytes_per_token=(of_one or 0.0) / tokens,
        room_tokens=fit.room_tokens,
        batch=batch,
        limit=limit,
    )


def _said(weights: Precision | None) -> str:
    return weights or "the checkpoint's"


def peak_of(gpu: Gpu, weights: Precision | None) -> float:
    """FLOP/s of an accelerator for weights of a precision.

    Weights of 4 bits are widened before they are multiplied, to 16 bits or, where the hardware has
    4-bit numbers, to 8. An accelerator without 8-bit arithmetic takes 16.

    Raises:
        ConfigError: The catalogue does not know.

    """
    if weights == "fp8" or (weights == "mxfp4" and gpu.flops_fp4):
        return _known(gpu.flops_fp8 or gpu.flops_bf16, gpu.key, "the 8-bit FLOP/s", "gpus.jsonl")
    return _known(gpu.flops_bf16, gpu.key, "the 16-bit FLOP/s", "gpus.jsonl")


def _terms(  # noqa: PLR0913, PLR0917 - as `rates_of`
    shape: Shape,
    gpu: Gpu,
    reached: Efficiencies,
    gpus: int,
    weights: Precision | None,
    cache: Cache,
) -> Iterator[Term]:
    flop = _known(shape.flop_per_token, "the model", "the parameters", "models.jsonl")
    of_cache = _known(shape.cache_bytes, "the model", "the KV cache", "models.jsonl")
    fixed = _known(shape.read_bytes_at(weights, 0), "the model", "the weights", "models.jsonl")
    every = shape.read_bytes_at(weights, float("inf")) or fixed
    bandwidth = _known(gpu.bandwidth, gpu.key, "the memory's bandwidth", "gpus.jsonl")
    own = weights if weights is not None and shape.quantized is None else shape.precision
    peak, share = peak_of(gpu, own), reached.bandwidth
    computing = f"({reached.mfu:.3g} x {peak:.4g} FLOP/s x {gpus})"
    for name, title, work in (
        ("prompt_token", "a prompt token", flop - 2 * shape.head_parameters),
        ("sequence", "a written token", flop),
    ):
        yield Term(name, title, f"{work:,} FLOP / {computing}", work / (reached.mfu * peak * gpus))
    yield from _activation_terms(shape, reached, gpus, bandwidth)
    pair, wide = shape.pair_flop + shape.sliding_pair_flop, peak_of(gpu, "bf16")
    yield Term(
        "prompt_pair",
        "attention of a prompt token to one other",
        f"{pair:,} FLOP / ({ATTENTION} x {wide:.4g} FLOP/s x {gpus})",
        pair / (ATTENTION * wide * gpus),
    )
    for name, title, read in (
        ("step", "the weights, each step", fixed),
        ("experts", "all experts, each step", every - fixed),
    ):
        if name == "step" or read:
            reading = f"{read:,.0f} B / ({share:.3g} x {bandwidth:.4g} B/s x {gpus})"
            yield Term(name, title, reading, read / (share * bandwidth * gpus))
    yield Term("step", "what else each step takes", "fitted", reached.step_seconds)
    yield Term("prompt_step", "what a step of prompts alone takes", "fitted", reached.step_seconds)
    if reached.sequence_seconds:
        yield Term("sequence", "what else a sequence takes", "fitted", reached.sequence_seconds)
    yield from _cache_terms(shape, reached, gpus, cache, bandwidth, of_cache)
    if gpus > 1:
        yield from _link_terms(shape, gpu, reached, gpus)


def _activation_terms(
    shape: Shape, reached: Efficiencies, gpus: int, bandwidth: float
) -> Iterator[Term]:
    if not (reached.activations and shape.layers and shape.hidden):
        return
    moved = reached.activations * shape.layers * shape.hidden
    moving = f"{moved:,.0f} B / ({bandwidth:.4g} B/s x {gpus})"
    seconds = moved / (bandwidth * gpus)
    for name, title in (("prompt_token", "a prompt token"), ("sequence", "a written token")):
        yield Term(name, f"activations of {title}, between the multiplications", moving, seconds)


def _cache_terms(  # noqa: PLR0913, PLR0917 - as `rates_of`
    shape: Shape, reached: Efficiencies, gpus: int, cache: Cache, bandwidth: float, full: float
) -> Iterator[Term]:
    numbers = number_bytes(cache)
    share = reached.cache_of(numbers)
    copies = gpus if shape.is_latent else max(1.0, gpus / max(1, shape.kv_heads))
    one = (full + shape.sliding_bytes) * numbers / _HALF * copies
    reading = f"({share:.3g} x {bandwidth:.4g} B/s x {gpus})"
    yield Term(
        "context_token",
        "a token in the KV cache that is looked at",
        f"{one:,.0f} B / {reading}",
        one / (share * bandwidth * gpus),
    )
    if shape.state_bytes:
        moved = 2 * shape.state_bytes
        yield Term(
            "sequence",
            "a sequence's state, read and written",
            f"{moved:,} B / {reading}",
            moved / (share * bandwidth * gpus),
        )


def _link_terms(shape: Shape, gpu: Gpu, reached: Efficiencies, gpus: int) -> Iterator[Term]:
    layers = _known(shape.layers, "the model", "the number of layers", "models.jsonl")
    hidden = _known(shape.hidden, "the model", "the width", "models.jsonl")
    link = _known(gpu.link_bytes, gpu.key, "the link between GPUs", "gpus.jsonl")
    reduces = _ALL_REDUCES * layers
    sent = reduces * hidden * _HALF * 2 * (gpus - 1) / gpus
    sending = f"{sent:,.0f} B / ({reached.link:.2g} x {link:.4g} B/s)"
    for name, title in (("prompt_token", "a prompt token"), ("sequence", "a written token")):
        yield Term(name, f"all-reduces of {title}", sending, sent / (reached.link * link))
    for name, title in (("step", "a step"), ("prompt_step", "a step of prompts alone")):
        yield Term(
            name,
            f"all-reduces of {title}, however small",
            f"{reduces} x {ALL_REDUCE_SECONDS:.0e} s",
            reduces * ALL_REDUCE_SECONDS,
        )


def _known(value: float | None, whose: str, what: str, file: str) -> float:
    if value is None:
        raise _unknown(whose, what, file)
    return value


def _unknown(whose: str, what: str, file: str) -> ConfigError:
    message = f"{what} of {whose} is not in the catalogue, and an estimate needs it"
    hint = f"add it to a {file} of your own (docs/costs.md), or calibrate on the machine"
    return ConfigError(message, hint=hint)
