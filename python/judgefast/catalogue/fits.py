"""On how many accelerators a model fits, and how many sequences beside it."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING, Literal, NamedTuple

from judgefast.catalogue.attention import HALF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.shape import Precision, Shape

Cache = Literal["16bit", "fp8"]
"""Precision of the KV cache."""

UTILISATION = 0.92
"""Share of a GPU's memory that vLLM takes, by its own default."""
SEEN_BY_CUDA = 0.99
"""Of what the driver reports."""
OVERHEAD_BYTES = 3_000_000_000
"""What a GPU needs beside weights and cache: CUDA itself, activations, captured graphs."""
MOST = 8
"""Accelerators in a machine."""


class Fit(NamedTuple):
    """A model on some accelerators that hold one copy of it together."""

    gpus: int
    weights: Precision | None
    """None: quantised by the checkpoint, in a way that is not known here."""
    cache: Cache
    weight_bytes: int
    room_bytes: float
    """For the KV cache, over these accelerators; below 0 what is lacking for the weights alone."""
    sequences: int
    """Of the given length, that fit side by side."""
    room_tokens: int
    """Of sequences of that length, part ones included."""
    lacking_bytes: float
    """That are missing for one such sequence; 0 where it fits."""


def number_bytes(cache: Cache) -> int:
    """Bytes of a number in the KV cache."""
    return 1 if cache == "fp8" else HALF


def usable_bytes(memory_bytes: float, *, utilisation: float = UTILISATION) -> float:
    """Bytes of one GPU's memory that an engine may fill, its own overhead included."""
    return memory_bytes * SEEN_BY_CUDA * utilisation


def room_bytes(
    memory_bytes: float, gpus: int, weight_bytes: float, *, utilisation: float = UTILISATION
) -> float:
    """Memory that is left for the KV cache, over all GPUs of a copy.

    Args:
        memory_bytes: Of one GPU, as its driver reports it.
        gpus: That hold one copy together.
        weight_bytes: Of the copy.
        utilisation: Share of the memory that the engine may take.

    Returns:
        Bytes; below 0 where the weights alone do not fit. Within 2 % of what vLLM 0.26 found on an
        H200 (docs/decisions/0016-settings.md).

    >>> round(room_bytes(150_754_820_096, 1, 75_197_620_224) / 1e9, 1)
    59.1

    """
    each = usable_bytes(memory_bytes, utilisation=utilisation) - OVERHEAD_BYTES
    return each * gpus - weight_bytes


def kv_room(  # noqa: PLR0913 - what memory is divided between
    shape: Shape,
    memory_bytes: float,
    gpus: int,
    *,
    tokens: float,
    weights: Precision | None = None,
    cache: Cache = "16bit",
    utilisation: float = UTILISATION,
) -> Fit | None:
    """Put one copy of a model on some GPUs.

    Args:
        shape: Of the model.
        memory_bytes: Of one GPU, as its driver reports it.
        gpus: That hold the copy together.
        tokens: Length of a sequence, prompt and answer.
        weights: Precision as they load; None for the checkpoint's own.
        cache: Precision of the KV cache.
        utilisation: Share of the memory that the engine may take.

    Returns:
        None where it is not known how large the model is, or its cache.

    """
    of_weights = shape.weight_bytes_at(weights)
    each = shape.sequence_bytes(tokens, number_bytes=number_bytes(cache), gpus=gpus)
    if of_weights is None or each is None:
        return None
    room = room_bytes(memory_bytes, gpus, of_weights, utilisation=utilisation)
    held = max(0.0, room / each) if each else 0.0
    return Fit(
        gpus=gpus,
        weights=shape.precision if shape.quantized or weights is None else weights,
        cache=cache,
        weight_bytes=of_weights,
        room_bytes=room,
        sequences=floor(held),
        room_tokens=floor(held * tokens),
        lacking_bytes=max(0.0, each - room),
    )


def memory_of(gpu: Gpu) -> int | None:
    """Bytes of an accelerator's memory by its driver; where that is not known, as sold: a few less.

    >>> from judgefast.catalogue.gpus import find_gpu
    >>> memory_of(find_gpu("H200")), memory_of(find_gpu("B200"))
    (150754820096, 180000000000)

    """
    return gpu.memory_sold if gpu.memory_bytes is None else gpu.memory_bytes


def groups(shape: Shape, most: int = MOST) -> Iterator[int]:
    """Numbers of GPUs that may hold a copy together: powers of two that divide its heads."""
    size = 1
    while size <= most:
        if shape.heads % size == 0:
            yield size
        size *= 2


def fits(  # noqa: PLR0913 - as for `kv_room`
    shape: Shape,
    gpu: Gpu,
    *,
    tokens: float,
    weights: Precision | None = None,
    cache: Cache = "16bit",
    most: int = MOST,
) -> Fit | None:
    """The fewest GPUs of a kind that hold a model and one sequence.

    Returns:
        Where not even `most` do, the try that lacks least, with `lacking_bytes` above 0. None where
        the size of the model, or the memory of the GPU, is not known.

    """
    closest: Fit | None = None
    memory = memory_of(gpu)
    if memory is None:
        return None
    for size in groups(shape, most):
        fit = kv_room(shape, memory, size, tokens=tokens, weights=weights, cache=cache)
        if fit is None or not fit.lacking_bytes:
            return fit
        if closest is None or fit.lacking_bytes < closest.lacking_bytes:
            closest = fit
    return closest
