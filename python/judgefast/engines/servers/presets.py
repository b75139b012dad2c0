"""Judges that are known here: their size, and the settings that serve them well."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from judgefast.engines.servers.shapes import Shape

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

PRESETS = (
    Preset(
        hub_name="Qwen/Qwen2.5-72B-Instruct",
        shape=Shape(weight_bytes=145.4e9, kv_bytes_per_token=327_680, context_tokens=32_768),
        arguments=_FP8,
    ),
    Preset(
        hub_name="openai/gpt-oss-120b",
        shape=Shape(
            weight_bytes=65.3e9,
            is_quantized=True,
            kv_bytes_per_token=73_728,
            context_tokens=131_072,
            has_windows=True,
        ),
        arguments={"gpu_memory_utilization": 0.95},
    ),
    Preset(
        hub_name="nvidia/Llama-3_1-Nemotron-Ultra-253B-v1",
        shape=Shape(weight_bytes=506.8e9, kv_bytes_per_token=262_144, context_tokens=131_072),
        # Its configuration is a Python file of the model's own, which vLLM does not bring.
        arguments={**_FP8, "trust_remote_code": True},
    ),
)


def find_preset(model: str) -> Preset | None:
    """The preset of a model or of its fp8 checkpoint, by the last part of its name.

    >>> find_preset("RedHatAI/Qwen2.5-72B-Instruct-FP8-dynamic").shape.is_quantized
    True
    >>> find_preset("Qwen/Qwen2.5-72B-Instruct-AWQ")
    """
    name = model.rstrip("/").rpartition("/")[2].casefold()
    plain = _FP8_CHECKPOINT.sub("", name)
    for preset in PRESETS:
        if preset.hub_name.rpartition("/")[2].casefold() != plain:
            continue
        if plain == name or preset.shape.is_quantized:
            return preset
        weights = preset.shape.served_bytes("fp8")
        shape = msgspec.structs.replace(preset.shape, weight_bytes=weights, is_quantized=True)
        arguments = {k: v for k, v in preset.arguments.items() if k != "quantization"}
        return Preset(hub_name=model, shape=shape, arguments=arguments)
    return None
