"""Models side by side: what a list of them says of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.catalogue.model_view import OnGpu, on_gpu

if TYPE_CHECKING:
    from collections.abc import Iterable

    from judgefast.catalogue.fits import Cache
    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.models import Model


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One model of a list. None is not known."""

    key: str
    hub_id: str | None
    kind: str | None
    family: str | None
    licence: str | None
    context: int | None
    parameters: int | None
    """Computed; as published where config.json is not known."""
    active_parameters: int | None
    quantized: str | None
    weight_bytes: int | None
    """Of the checkpoint as it is."""
    kv_bytes_per_token: int | None
    """Of 16-bit numbers, in layers that look at all tokens."""
    window: int | None
    fits: list[OnGpu]
    """By precision, on the GPU that was asked for."""
    has_room: bool | None
    """Whether it fits there at any precision; None where no GPU was asked for."""


def list_models(
    models: Iterable[Model], gpu: Gpu | None, most: int | None, *, tokens: int, cache: Cache
) -> list[Listed]:
    """List models, and where they fit.

    Args:
        models: In the order of the list.
        gpu: That they have to fit on; None to leave that out.
        most: GPUs that one copy may take; None for as many as a machine has.
        tokens: Length of a sequence, prompt and answer.
        cache: Precision of the KV cache.

    """
    return [_listed(model, gpu, most, tokens=tokens, cache=cache) for model in models]


def _listed(
    model: Model, gpu: Gpu | None, most: int | None, *, tokens: int, cache: Cache
) -> Listed:
    shape = model.shape
    placed: list[OnGpu] = []
    if shape is not None and gpu is not None:
        placed = list(on_gpu(shape, gpu, tokens=tokens, cache=cache, most=most))
    return Listed(
        key=model.key,
        hub_id=model.hub_id,
        kind=model.kind,
        family=model.family,
        licence=model.licence,
        context=model.context,
        parameters=shape.parameters if shape else model.published_parameters,
        active_parameters=shape.active_parameters if shape else model.published_active,
        quantized=shape.quantized if shape else model.quantized,
        weight_bytes=shape.weight_bytes if shape else model.weight_bytes,
        kv_bytes_per_token=shape.cache_bytes if shape else None,
        window=shape.window if shape else None,
        fits=placed,
        has_room=any(not each.lacking_bytes for each in placed) if gpu else None,
    )
