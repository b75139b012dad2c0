"""What the files of a model tell of its size, without a tokenizer and without loading it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec

from judgefast.errors import ModelError

_FP8_SHARE = 0.52
"""Bytes of weights at fp8 by bytes at 16 bits; embedding and output head stay as they are."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Size of a model. What is not known is None."""

    weight_bytes: float | None = None
    """As its files have them."""
    is_quantized: bool = False
    """Whether they are of 8 bits or fewer already."""
    kv_bytes_per_token: int | None = None
    """Of the KV cache at 16 bits, as if every layer kept every token."""
    context_tokens: int | None = None
    has_windows: bool = False
    """Whether some layers see the last tokens alone."""

    def served_bytes(self, quantization: object) -> float | None:
        """Bytes of weights in memory, by vLLM's argument `quantization`."""
        if self.weight_bytes is None or self.is_quantized:
            return self.weight_bytes
        is_fp8 = str(quantization).startswith("fp8")
        return self.weight_bytes * (_FP8_SHARE if is_fp8 else 1)


def find_folder(model: str) -> Path | None:
    """The folder of a model: the one named, or its newest in the cache of the Hugging Face hub.

    Raises:
        ModelError: What is named is a path, but no model folder.

    """
    path = Path(model).expanduser()
    if path.is_dir() or model.startswith((".", "/", "~")):
        if not (path / "config.json").is_file():
            message = f"`{model}` is no model folder: it has no config.json"
            raise ModelError(message, hint="name the folder that holds the model's config.json")
        return path
    home = Path(os.environ.get("HF_HOME") or "~/.cache/huggingface").expanduser()
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    kept = cache.glob(f"models--{model.replace('/', '--')}/snapshots/*/config.json")
    newest = max(kept, key=lambda file: file.stat().st_mtime, default=None)
    return newest.parent if newest else None


def read_shape(folder: Path) -> Shape:
    """Read config.json and the sizes of the weights.

    Raises:
        ModelError: config.json cannot be read.

    """
    file = folder / "config.json"
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"`{file}` cannot be read: {error}"
        raise ModelError(message, hint="copy the model's own file there") from error
    if not isinstance(config, dict):
        message = f"`{file}` holds no JSON object"
        raise ModelError(message, hint="copy the model's own file there")
    inner = config.get("text_config")
    text: dict[str, Any] = inner if isinstance(inner, dict) else config
    weights = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return Shape(
        weight_bytes=weights or None,
        is_quantized="quantization_config" in config or "quantization_config" in text,
        kv_bytes_per_token=_kv_bytes(text),
        context_tokens=_whole(text.get("max_position_embeddings")),
        has_windows="sliding_attention" in (text.get("layer_types") or ()),
    )


def _kv_bytes(config: dict[str, Any]) -> int | None:
    """Keys and values of all layers; None for models that keep something else."""
    if any(name in config for name in ("kv_lora_rank", "block_configs", "linear_num_key_heads")):
        return None
    layers, heads = (
        _whole(config.get("num_hidden_layers")),
        _whole(config.get("num_attention_heads")),
    )
    if not layers or not heads:
        return None
    width = _whole(config.get("head_dim")) or (_whole(config.get("hidden_size")) or 0) // heads
    kv_heads = _whole(config.get("num_key_value_heads")) or heads
    return 2 * 2 * layers * kv_heads * width or None


def _whole(value: object) -> int | None:
    return value if type(value) is int else None
