"""What is measured on a GPU, each by one command of under ten minutes: `benches/GPU.md`."""

from __future__ import annotations

from typing import Any, NamedTuple


class Setting(NamedTuple):
    """Shapes of a judge, what it is asked, and how vLLM is told to run it."""

    shapes: str
    """Of `model_shapes.py`."""
    verdict: str
    max_tokens: int
    rubric_tokens: int
    answer_tokens: int
    """Of each of two answers."""
    sequences: int
    """Requests that vLLM runs side by side: as many as the KV cache has room for."""


COMMON: dict[str, Any] = {
    "load_format": "dummy",
    "quantization": "fp8",
    "kv_cache_dtype": "fp8",
    "max_model_len": 4096,
    "max_num_batched_tokens": 16_384,
    "gpu_memory_utilization": 0.95,
}
"""Arguments of vLLM on a GPU: weights quantised online, so that their values spread."""

SETTINGS = {
    "worked-72b": Setting("72b", "text", 500, 500, 1000, 128),
    "worked-32b": Setting("32b", "text", 500, 500, 1000, 96),
    "label-72b": Setting("72b", "label", 1, 500, 1000, 128),
    "label-32b": Setting("32b", "label", 1, 500, 1000, 96),
    "label-8b": Setting("8b", "label", 1, 500, 1000, 256),
    "label-4b-short": Setting("4b", "label", 1, 200, 100, 512),
}
"""72B for one H200, 32B for one H100, the small ones for either."""

ANYWHERE: dict[str, Any] = {
    "load_format": "dummy",
    "max_model_len": 2048,
    "enforce_eager": True,
    "block_size": 32,
    "max_logprobs": -1,
    "kv_cache_memory_bytes": 1 << 26,
}
"""Arguments in their place where there is no GPU, for two layers: a rehearsal."""


def rehearsal(setting: Setting) -> Setting:
    """The same on a model of two layers, short enough for a CPU."""
    return Setting(
        "two-layers",
        setting.verdict,
        min(setting.max_tokens, 24),
        min(setting.rubric_tokens, 96),
        min(setting.answer_tokens, 64),
        16,
    )
