"""A class that vLLM adds to its workers, so that they can be asked what they have chosen.

It is imported in their processes, by name (`worker_extension_cls`), and imports nothing itself.
"""

from __future__ import annotations

from typing import Any


class Told:
    """Methods that `collective_rpc` finds by name."""

    vllm_config: Any

    def judgefast_told(self) -> dict[str, Any]:
        """Names of the attention backends of the layers, and the seconds of compiling."""
        config = self.vllm_config.compilation_config
        layers = getattr(config, "static_forward_context", {}).values()
        backends = {getattr(layer, "attn_backend", None) for layer in layers} - {None}
        return {
            "attention_backends": sorted({str(each.get_name()) for each in backends if each}),
            "compile_seconds": float(getattr(config, "compilation_time", 0.0)),
        }
