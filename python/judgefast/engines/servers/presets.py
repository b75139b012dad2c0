"""Judges that are known here: their size, and the settings that serve them well."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from judgefast.catalogue.models import find_model
from judgefast.catalogue.shape import Shape  # noqa: TC001 - msgspec reads annotations

_FP8_CHECKPOINT = re.compile(r"-fp8(-dynamic)?$")


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is known."""

    hub_name: str
    shape: Shape
    """Of the checkpoint under that name."""
    arguments: dict[str, Any]
    """Of vLLM, over those for every model."""


_FP8 = {"quantization": "fp8", "kv_cache_dtype": "fp8", "gpu_memory_utilization": 0.95}
"""Weights quantised as they are loaded; a KV cache of half the size holds twice the requests."""

PRESETS: dict[str, dict[str, Any]] = {
    "Qwen/Qwen2.5-72B-Instruct": _FP8,
    "openai/gpt-oss-120b": {"gpu_memory_utilization": 0.95},
    # Its configuration is a Python file of the model's own, which vLLM does not bring.
    "nvidia/Llama-3_1-Nemotron-Ultra-253B-v1": {**_FP8, "trust_remote_code": True},
}
"""Arguments by the name of a model in the catalogue, which has its sizes."""


def find_preset(model: str) -> Preset | None:
    """The preset of a model or of its fp8 checkpoint, by the last part of its name.

    >>> find_preset("RedHatAI/Qwen2.5-72B-Instruct-FP8-dynamic").shape.quantized
    'fp8'
    >>> find_preset("Qwen/Qwen2.5-72B-Instruct-AWQ")
    """
    name = model.rstrip("/").rpartition("/")[2].casefold()
    plain = _FP8_CHECKPOINT.sub("", name)
    for hub_name, arguments in PRESETS.items():
        if hub_name.rpartition("/")[2].casefold() != plain:
            continue
        shape = find_model(hub_name).shape
        if shape is None:  # a row of the user's own that says less
            return None
        if plain == name or shape.quantized:
            return Preset(hub_name=hub_name, shape=shape, arguments=arguments)
        shape = msgspec.structs.replace(
            shape, weight_bytes=shape.quantized_bytes(), quantized="fp8", precision="fp8"
        )
        own = {key: value for key, value in arguments.items() if key != "quantization"}
        return Preset(hub_name=model, shape=shape, arguments=own)
    return None
