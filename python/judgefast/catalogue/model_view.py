"""Everything known of one model, with the sums by which it is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import msgspec

from judgefast.catalogue.attention import Attention, attention_of
from judgefast.catalogue.config_json import text_of
from judgefast.catalogue.fits import MOST, Cache, Fit, fits, memory_of, number_bytes
from judgefast.catalogue.models import Model  # noqa: TC001 - msgspec reads annotations
from judgefast.catalogue.shape import FOUR_BITS, Precision, Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.parameters import Count

PRECISIONS: tuple[Precision, ...] = get_args(Precision)


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """One figure, as a person would redo it."""

    name: str
    arithmetic: str
    value: float
    unit: str = ""
    """`B`, `FLOP`; empty for parameters."""


class OnGpu(msgspec.Struct, frozen=True, kw_only=True):
    """One copy of a model on GPUs of a kind, by one precision of its weights."""

    gpu: str
    weights: Precision | None
    cache: Cache
    gpus: int
    """The fewest that hold it; where `lacking_bytes` is above 0, those that lack least."""
    sequences: int
    """Of the length asked for, side by side."""
    room_bytes: float
    """For the KV cache; below 0 what is lacking for the weights alone."""
    lacking_bytes: float
    """For one sequence; 0 where it fits."""
    memory_bytes: int
    """Of one of them."""
    memory_as_sold: bool
    """What the driver reports is not known: the memory is a little more."""


class ModelView(msgspec.Struct, frozen=True, kw_only=True):
    """A model for a person or a program."""

    model: Model
    shape: Shape | None
    parameters: list[Sum]
    """Term by term, then their sums."""
    sizes: list[Sum]
    """FLOP, cache, weights."""
    notes: list[str]
    """What is not counted."""
    tokens: int
    """Length of a sequence in `fits`."""
    fits: list[OnGpu]


def view_of(
    model: Model, gpus: Iterable[Gpu], *, tokens: int, cache: Cache, most: int | None = None
) -> ModelView:
    """Compute all that can be of a model.

    Args:
        model: From the catalogue or of a folder.
        gpus: That it may be put on; those whose memory is not known are left out.
        tokens: Length of a sequence, prompt and answer.
        cache: Precision of the KV cache.
        most: GPUs that one copy may take; None for as many as a machine has.

    """
    shape, count = model.shape, model.count
    placed: list[OnGpu] = []
    sizes: list[Sum] = []
    if shape is not None:
        for gpu in gpus:
            placed += on_gpu(shape, gpu, tokens=tokens, cache=cache, most=most)
        told = text_of(model.config or {})
        seen = model.weight_bytes is not None
        sizes = [
            *_work(shape),
            *_cache(shape, attention_of(told, shape.heads)),
            *_weights(shape, by_files=seen),
        ]
    return ModelView(
        model=model,
        shape=shape,
        parameters=list(_parameters(count)) if count else [],
        sizes=sizes,
        notes=list(count.notes) if count else [],
        tokens=tokens,
        fits=placed,
    )


def precisions_of(shape: Shape) -> tuple[Precision | None, ...]:
    """Precisions that the weights may have: of a checkpoint that is quantised its own alone."""
    if shape.quantized is not None:
        return (shape.precision,)
    return ("bf16", "fp8", "4bit")


def on_gpu(
    shape: Shape, gpu: Gpu, *, tokens: float, cache: Cache, most: int | None = None
) -> Iterator[OnGpu]:
    """Put a model on a kind of GPU, at each precision that its weights may have."""
    for weights in precisions_of(shape):
        fit = fits(
            shape,
            gpu,
            tokens=tokens,
            weights=weights,
            cache=cache,
            most=MOST if most is None else most,
        )
        if fit is not None:
            yield _on(gpu, fit)


def _on(gpu: Gpu, fit: Fit) -> OnGpu:
    return OnGpu(
        gpu=gpu.key,
        weights=fit.weights,
        cache=fit.cache,
        gpus=fit.gpus,
        sequences=fit.sequences,
        room_bytes=fit.room_bytes,
        lacking_bytes=fit.lacking_bytes,
        memory_bytes=memory_of(gpu) or 0,
        memory_as_sold=gpu.memory_bytes is None,
    )


def _parameters(count: Count) -> Iterator[Sum]:
    for term in count.terms:
        yield Sum(name=term.name, arithmetic=term.arithmetic, value=term.parameters)
    yield Sum(name="all", arithmetic="their sum", value=count.total)
    used, of = count.experts
    less = f", {used} of {of} experts" if of > 1 else ""
    table = count.sum_of("embedding")
    without = "without the embedding, which is looked up" if table else "all"
    yield Sum(name="of a token", arithmetic=without + less, value=count.active)
    words = "of these without biases, norms, convolutions"
    yield Sum(name="multiplied", arithmetic=words, value=count.multiplied)


def _work(shape: Shape) -> Iterator[Sum]:
    if shape.matmul_parameters is not None and shape.flop_per_token is not None:
        flop = shape.flop_per_token
        words = f"2 x {shape.matmul_parameters:,}"
        yield Sum(name="a token that is written", arithmetic=words, value=flop, unit="FLOP")
        words = f"{flop:,} - 2 x {shape.head_parameters:,}, without the output head"
        read = flop - 2 * shape.head_parameters
        yield Sum(name="a token that is read", arithmetic=words, value=read, unit="FLOP")
    if shape.pair_flop or shape.sliding_pair_flop:
        words = "for each token that it looks at"
        if shape.window is not None:
            last = f"of the last {shape.window:,}"
            words += f"; {shape.sliding_pair_flop:,} more for each {last}"
        yield Sum(name="looking back", arithmetic=words, value=shape.pair_flop, unit="FLOP")


def _cache(shape: Shape, attention: Attention) -> Iterator[Sum]:
    if shape.cache_bytes is not None:
        words = attention.full_words or "no layer looks at all tokens"
        yield Sum(name="KV a token", arithmetic=words, value=shape.cache_bytes, unit="B")
        words = f"{shape.cache_bytes:,} / 2"
        yield Sum(name="KV a token, fp8", arithmetic=words, value=shape.cache_bytes / 2, unit="B")
        if shape.window is not None:
            words = f"{attention.sliding_words}, for the last {shape.window:,} tokens"
            value = shape.sliding_bytes
            yield Sum(name="KV, sliding layers", arithmetic=words, value=value, unit="B")
        if shape.state_bytes:
            words = "whatever its length, in layers that keep a state"
            value = shape.state_bytes
            yield Sum(name="state of a sequence", arithmetic=words, value=value, unit="B")


def _weights(shape: Shape, *, by_files: bool) -> Iterator[Sum]:
    for precision in precisions_of(shape):
        weights = shape.weight_bytes_at(precision)
        if weights is not None:
            name = f"weights {precision or shape.quantized}"
            words = _weight_words(shape, precision, by_files=by_files)
            yield Sum(name=name, arithmetic=words, value=weights, unit="B")


def _weight_words(shape: Shape, precision: Precision | None, *, by_files: bool) -> str:
    """How the weights of a model are computed, or that they were seen."""
    total, outer = shape.parameters or 0, shape.outer_parameters
    if by_files and precision == shape.precision:
        return "by the files of the checkpoint"
    if by_files and precision == "fp8":
        return "by its files, all but embedding and output head halved"
    small = total - outer if precision == "4bit" else shape.expert_parameters
    words = {
        "bf16": f"2 x {total:,}",
        "fp8": f"{total:,} + {outer:,}, embedding and output head with 16 bits",
    }
    of_experts = " of experts" if precision == "mxfp4" else ""
    four = f"{FOUR_BITS * 8} / 8 x {small:,}{of_experts} + 2 x {total - small:,}"
    return words.get(precision or "bf16", four)


def sequence_words(shape: Shape, tokens: int, cache: Cache) -> str:
    """Memory of one sequence as a person would redo it."""
    number = number_bytes(cache)
    each = shape.sequence_bytes(tokens, number_bytes=number, gpus=1)
    if each is None or shape.cache_bytes is None:
        return "not known"
    half = "" if cache == "16bit" else " / 2"
    parts = [f"{tokens:,} x {shape.cache_bytes:,} B{half}"]
    if shape.window is not None:
        kept = min(tokens, shape.window)
        parts.append(f"{kept:,} x {shape.sliding_bytes:,} B{half}")
    if shape.state_bytes:
        parts.append(f"{shape.state_bytes:,} B")
    return f"{' + '.join(parts)} = {each / 1e9:.3f} GB"
