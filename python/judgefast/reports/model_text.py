"""A model of the catalogue for a person: facts with their sources, sums, and where it fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.catalogue.model_view import PRECISIONS, sequence_words
from judgefast.reports.inert import line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from judgefast.catalogue.gpus import Gpu
    from judgefast.catalogue.model_list import Listed
    from judgefast.catalogue.model_view import ModelView, OnGpu, Sum
    from judgefast.catalogue.models import Model
    from judgefast.catalogue.shape import Shape

_UNKNOWN = "unknown"
_LONGEST = 500
_FACTS = (
    *("hub_id", "kind", "family", "base_model", "licence", "released", "tokenizer"),
    *("published_parameters", "published_active", "context"),
)
_LABELS = {
    "hub_id": "name on the hub",
    "base_model": "trained from",
    "published_parameters": "parameters, published",
    "published_active": "of a token, published",
}


def list_rows(
    listed: Sequence[Listed], gpu: Gpu | None
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of a list; of models that fit alone, where a GPU was asked for."""
    head = ("model", "kind", "parameters", "weights GB", "KV kB/token", "context")
    if gpu is None:
        return head, [_row(each) for each in listed]
    kept = [each for each in listed if each.has_room]
    used = [each for each in PRECISIONS if any(_cell(one.fits, each) for one in kept)]
    rows = [(*_row(one), *(_cell(one.fits, each) for each in used)) for one in kept]
    return (*head, *used), rows


def _row(one: Listed) -> tuple[str, ...]:
    active = ""
    if one.parameters and one.active_parameters and one.active_parameters < one.parameters / 2:
        active = f" ({_billions(one.active_parameters)})"
    return (
        one.key,
        one.kind or _UNKNOWN,
        _billions(one.parameters) + active if one.parameters else _UNKNOWN,
        _scaled(one.weight_bytes, 1e9, 1) + (f" {one.quantized}" if one.quantized else ""),
        _scaled(one.kv_bytes_per_token, 1e3, 0) + (" + window" if one.window else ""),
        f"{one.context:,}" if one.context else _UNKNOWN,
    )


def _billions(parameters: int) -> str:
    return f"{parameters / 1e9:,.1f}B"


def _scaled(value: float | None, unit: float, places: int) -> str:
    return _UNKNOWN if value is None else f"{value / unit:,.{places}f}"


def _cell(fits: Iterable[OnGpu], weights: str) -> str:
    """How many GPUs one copy takes, and sequences beside it; empty where it does not fit."""
    for one in fits:
        if one.weights == weights and not one.lacking_bytes:
            return f"{one.gpus} ({one.sequences:,})"
    return ""


def closest_words(listed: Sequence[Listed], gpu: Gpu, tokens: int) -> str:
    """What to say where no model of a list fits: by how much the nearest does not."""
    tries = [(one.lacking_bytes, each.key, one) for each in listed for one in each.fits]
    if not tries:
        return f"none of these has a size that is known, or {gpu.key} has no memory that is"
    lacking, key, one = min(tries, key=lambda each: each[:2])
    return (
        f"none fits on {one.gpus} x {gpu.key} with one sequence of {tokens:,} tokens; "
        f"nearest is {key} at {one.weights}, which lacks {lacking / 1e9:,.1f} GB"
    )


def render_model(view: ModelView) -> str:
    """Write everything known of a model."""
    return "\n".join(
        [
            *_facts(view.model, view),
            *_sums("Parameters, from config.json", view.parameters),
            *(f"  {line(note, _LONGEST)}" for note in view.notes),
            *_sums("Sizes, from these", view.sizes),
            *_places(view),
            *_sources(view.model),
        ]
    )


def _facts(model: Model, view: ModelView) -> Iterator[str]:
    yield line(model.name, _LONGEST)
    yield ""
    shape = view.shape
    is_dense = shape is None or shape.experts == 1
    names = [name for name in _FACTS if name != "published_active" or not is_dense]
    shown = [(_LABELS.get(name, name), *_fact(model, name)) for name in names]
    if shape is not None:
        by = _marks(model, "config")
        if shape.context and shape.context != model.context:
            shown.append(("context, config.json", by, f"{shape.context:,}"))
        shown.append(("vocabulary", by, f"{shape.vocabulary:,}" if shape.vocabulary else _UNKNOWN))
        own = _marks(model, "quantized") or by
        shown.append(("weights as published", own, _published(shape)))
    yield from _columns(shown)
    if model.note:
        yield f"note: {line(model.note, _LONGEST)}"


def _published(shape: Shape) -> str:
    size = _scaled(shape.weight_bytes, 1e9, 1)
    method = f"quantised by {line(shape.quantized, _LONGEST)}" if shape.quantized else "16 bits"
    return f"{method}, {size} GB"


def _fact(model: Model, name: str) -> tuple[str, str]:
    value: object = getattr(model, name)
    if value is None:
        return "", _UNKNOWN
    words = f"{value:,}" if isinstance(value, int) else line(str(value), _LONGEST)
    if name in model.unverified:
        words += " (unverified: no source was seen)"
    return _marks(model, name), words


def _marks(model: Model, name: str) -> str:
    numbers = [number for number, each in enumerate(model.sources, 1) if name in each.fields]
    return "".join(f"[{number}]" for number in numbers)


def _sums(title: str, sums: Sequence[Sum]) -> Iterator[str]:
    if not sums:
        return
    yield ""
    yield title
    rows = [(f"  {each.name}", f"{each.value:,.0f} {each.unit}".strip()) for each in sums]
    wide = max(len(name) for name, _ in rows)
    long = max(len(value) for _, value in rows)
    for (name, value), each in zip(rows, sums, strict=True):
        yield f"{name:<{wide}}  {value:>{long}}  = {each.arithmetic}"


def _places(view: ModelView) -> Iterator[str]:
    if view.shape is None:
        yield ""
        yield "Its config.json is not known: it cannot be sized."
        return
    yield ""
    if not view.fits:
        yield "Where it fits cannot be computed: its weights or its cache are not known."
        return
    cache = view.fits[0].cache
    yield f"GPUs that one copy takes (sequences of {view.tokens:,} tokens beside it)"
    yield "  room = (memory x 0.99 x 0.92 - 3 GB) x GPUs - weights"
    yield f"  a sequence = {sequence_words(view.shape, view.tokens, cache)}"
    if view.shape.is_latent:
        yield "  its cache is compressed: each GPU of a copy holds all of it"
    elif any(each.gpus > view.shape.kv_heads for each in view.fits):
        yield f"  its cache has {view.shape.kv_heads} heads: more GPUs hold some of them twice"
    yield from _table(view)
    if any(each.memory_as_sold for each in view.fits):
        yield "  * as sold: what the driver reports is not known, and is usually a little more"
    if all(each.lacking_bytes for each in view.fits):
        least = min(view.fits, key=lambda each: each.lacking_bytes)
        yield (
            f"It fits on none of these. Nearest is {least.weights} on {least.gpus} x {least.gpu}, "
            f"which lack {least.lacking_bytes / 1e9:,.1f} GB for one sequence."
        )


def _table(view: ModelView) -> Iterator[str]:
    by_gpu: dict[str, list[OnGpu]] = {}
    for each in view.fits:
        by_gpu.setdefault(each.gpu, []).append(each)
    used = [each for each in PRECISIONS if any(one.weights == each for one in view.fits)]
    own = [] if used else [None]
    head = ("GPU", "memory GB", *(map(str, used) if used else ("as it is",)))
    rows = [
        [gpu, _memory(ways[0]), *(_way(ways, weights) for weights in used or own)]
        for gpu, ways in by_gpu.items()
    ]
    yield from _columns([head, *map(tuple, rows)], margin="  ")


def _memory(one: OnGpu) -> str:
    return f"{one.memory_bytes / 1e9:.1f}{' *' if one.memory_as_sold else ''}"


def _way(ways: Sequence[OnGpu], weights: str | None) -> str:
    one = next((each for each in ways if each.weights == weights), None)
    if one is None:
        return "-"
    if one.lacking_bytes:
        return f"{one.gpus} lack {one.lacking_bytes / 1e9:,.1f} GB"
    return f"{one.gpus} ({one.sequences:,})"


def _columns(rows: Sequence[tuple[str, ...]], margin: str = "") -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield (margin + "  ".join(cells)).rstrip()


def _sources(model: Model) -> Iterator[str]:
    if model.sources:
        yield ""
        yield "Sources"
    for number, source in enumerate(model.sources, 1):
        yield f"[{number}] {line(source.source, _LONGEST)} ({source.date})"
