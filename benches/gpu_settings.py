"""What is measured on a GPU, each by one command of under ten minutes: `benches/GPU.md`."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from judgefast.benchmarks.workloads import SHAPES, Shape


class Setting(NamedTuple):
    """Shapes of a judge, what it is asked, and how vLLM is told to run it."""

    shapes: str
    """Of `model_shapes.py`."""
    workload: Shape
    sequences: int
    """Requests that vLLM runs side by side: as many as the KV cache has room for."""
    weights: str = "fp8"
    cache: str = "fp8"
    """Precision of the KV cache."""

    def asked(
        self, *, sequences: int | None, max_tokens: int | None, orders: str | None
    ) -> Setting:
        """The same with what the command line says."""
        changes: dict[str, Any] = {} if orders is None else {"orders": orders}
        if max_tokens and self.workload.max_tokens > 1:
            changes["max_tokens"] = max_tokens
        workload = msgspec.structs.replace(self.workload, **changes)
        return self._replace(workload=workload, sequences=sequences or self.sequences)

    def arguments(self) -> dict[str, Any]:
        """Arguments of vLLM on a GPU: weights are dummies, quantised as they are loaded."""
        found: dict[str, Any] = {
            "load_format": "dummy",
            "max_model_len": 4096,
            "max_num_batched_tokens": 16_384,
            "gpu_memory_utilization": 0.95,
        }
        if self.weights == "fp8":  # others are quantised by their config.json
            found["quantization"] = "fp8"
        if self.cache == "fp8":
            found["kv_cache_dtype"] = "fp8"
        return found


_REASONS, _SHORT, _LABEL = (
    SHAPES[name] for name in ("worked-example", "short-reasons", "one-token")
)
_LITTLE = msgspec.structs.replace(_LABEL, rubric=200, answer=100)

SETTINGS = {
    "worked-72b": Setting("72b", _REASONS, 128),
    "short-72b": Setting("72b", _SHORT, 128),
    "label-72b": Setting("72b", _LABEL, 128),
    "worked-32b": Setting("32b", _REASONS, 96),
    "label-32b": Setting("32b", _LABEL, 96),
    "label-8b": Setting("8b", _LABEL, 256),
    "label-4b-short": Setting("4b", _LITTLE, 512),
    "worked-gpt-oss-120b": Setting("gpt-oss-120b", _REASONS, 128, "mxfp4", "16bit"),
    "short-gpt-oss-120b": Setting("gpt-oss-120b", _SHORT, 128, "mxfp4", "16bit"),
    "label-gpt-oss-120b": Setting("gpt-oss-120b", _LABEL, 128, "mxfp4", "16bit"),
}
"""72B for one H200, 32B for one H100, gpt-oss and the small ones for either."""

GOALS = {"worked-72b": 1.25, "short-72b": 0.78, "label-72b": 0.66, "label-8b": 0.08}
"""GPU-hours for 10,000 judgments of one order that are aimed at, on one H200."""

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
    workload = setting.workload
    short = msgspec.structs.replace(
        workload,
        max_tokens=min(workload.max_tokens, 24),
        rubric=min(workload.rubric, 96),
        answer=min(workload.answer, 64),
    )
    return Setting("two-layers", short, 16, "bf16", "16bit")
