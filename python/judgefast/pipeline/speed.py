"""What speed hangs on, of an engine that has not started yet, and what is known of its speed."""

from __future__ import annotations

import os
import platform
from collections import Counter
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from judgefast.costs.calibration import Place
from judgefast.costs.speed import MeasuredOn
from judgefast.costs.timing import MAX_BATCHED_TOKENS
from judgefast.engines.base import prefix_cache_of
from judgefast.engines.vllm.hardware import find_gpus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from judgefast.engines.base import Engine
    from judgefast.prompts.decoding import Decoding

_PACKAGES = {"embedded": "openvino-genai", "vllm": "vllm"}
"""By whose version an engine's speed may change."""

_PLACES = {
    *("model", "max_model_len", "max_num_seqs", "gpu_memory_utilization", "kv_cache_memory_bytes"),
    *("room", "replicas", "devices", "step_seconds", "load_seconds", "max_restarts", "seed"),
    *("cache_gb", "kv_blocks", "load_format"),
}
"""Options by which no unit of work takes longer: they say how much is held, and where."""


class Kind(NamedTuple):
    """What of its requests the speed of a judge hangs on, beside their tokens."""

    label_reads: int
    """Passes of a request behind its first one, each for a label."""
    is_held: bool
    """Whether its text is held to a schema or to labels."""


def setting_of(engine: Engine, options: Mapping[str, Any] | None = None) -> MeasuredOn:
    """What speed hangs on; records of it are kept by this.

    Args:
        engine: Started or not.
        options: To look at in place of its own, wherever those are from.

    """
    options = options_of(engine) if options is None else options
    ours = {name: options[name] for name in sorted(options) if name not in _PLACES}
    return MeasuredOn(
        model=engine.model.name,
        machine=machine_of(engine),
        engine=engine.name,
        version=_version(engine.name),
        options=msgspec.json.encode(ours, enc_hook=str).decode() if ours else "",
    )


def machine_of(engine: Engine) -> str:
    """GPUs that an engine works on, or the CPU, each with its number."""
    if gpus := gpus_of(engine):
        return " + ".join(f"{number} x {product}" for product, number in Counter(gpus).items())
    return f"{cores()} x {_cpu()}"


def gpus_of(engine: Engine) -> list[str]:
    """GPUs that an engine works on, as their driver names them; none where it works on a CPU."""
    if engine.name != "vllm":
        return []
    found = _products(os.environ.get("CUDA_VISIBLE_DEVICES"))
    told = getattr(engine, "options", None)
    devices = [len(each.split(",")) for each in getattr(told, "devices", ())]
    return list(found[: sum(devices)] if devices else found)


@cache
def _products(visible: str | None) -> tuple[str, ...]:
    """Of this machine's GPUs; their driver takes up to a second to say, so it is asked once.

    Args:
        visible: `CUDA_VISIBLE_DEVICES`, by which they are others.

    """
    del visible
    return tuple(gpu.product for gpu in find_gpus())


def cores() -> int:
    """That this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def place_of(engine: Engine) -> Place:
    """How requests lie beside each other in an engine, by what it says of itself."""
    lanes, cache = engine.lanes, prefix_cache_of(engine)
    room = max((lane.room for lane in lanes), default=1)
    if cache is None:
        return Place(copies=max(1, len(lanes)), max_num_seqs=room)
    tokens = cache.budget_tokens
    place = Place(
        copies=max(1, len(lanes)),
        max_num_seqs=min(room, cache.running),
        batched_tokens=cache.batched_tokens or MAX_BATCHED_TOKENS,
    )
    return place if tokens is None else msgspec.structs.replace(place, room_tokens=float(tokens))


def kind_of(engine: Engine, decoding: Decoding) -> Kind:
    """What kind of requests a judge's decoding makes."""
    apart = bool(getattr(engine, "reads_labels_apart", False))
    if decoding.probabilities:
        return Kind(len(decoding.labels) - 1 if apart else 0, is_held=False)
    return Kind(0, is_held=bool(decoding.schema or decoding.labels))


def can_be_measured(engine: Engine) -> bool:
    """Whether it computes here: a server's machine is not known, and a replay has none."""
    return engine.capabilities.takes == "ids" and engine.name in _PACKAGES


def options_of(engine: Engine) -> dict[str, Any]:
    """What was set of it, by the user or for this machine; what is as usual is left out."""
    told = getattr(engine, "options", None)
    if not isinstance(told, msgspec.Struct):
        return {}
    usual = type(told)()
    found: dict[str, Any] = dict(getattr(told, "arguments", {}))
    for name in told.__struct_fields__:
        value = getattr(told, name)
        if name != "arguments" and value != getattr(usual, name):
            found[name] = value
    return found


def _version(engine: str) -> str | None:
    try:
        return version(_PACKAGES[engine])
    except (KeyError, PackageNotFoundError):
        return None


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - not on every system
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
