"""Model folders without weights, in the shapes of known judges, for `load_format=dummy`.

The tokenizer is the embedded engine's, so that nothing is fetched from a hub; a model of such
shapes costs what the real one does, whatever its tokens mean.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from judgefast.engines.embedded import fetch
from judgefast.prompts.gguf_tokenizer import tokenizer_from_gguf

if TYPE_CHECKING:
    from pathlib import Path


def _shape(hidden: int, inner: int, layers: int, heads: int, kv_heads: int) -> dict[str, int]:
    return {
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": 32 if hidden == _TINY_WIDTH else 128,
    }


_TINY_WIDTH = 64

SHAPES = {
    "72b": _shape(8192, 29568, 80, 64, 8),
    "32b": _shape(5120, 27648, 64, 40, 8),
    "8b": _shape(4096, 12288, 36, 32, 8),
    "4b": _shape(2560, 9728, 36, 32, 8),
    "two-layers": _shape(_TINY_WIDTH, 128, 2, 2, 1),
}
"""Qwen2.5-72B and 32B, Qwen3-8B and 4B, and one that any machine runs."""

GPT_OSS: dict[str, Any] = {
    "architectures": ["GptOssForCausalLM"],
    "model_type": "gpt_oss",
    "attention_bias": True,
    "experts_per_token": 4,
    "head_dim": 64,
    "hidden_act": "silu",
    "hidden_size": 2880,
    "initial_context_length": 4096,
    "intermediate_size": 2880,
    "layer_types": ["sliding_attention", "full_attention"] * 18,
    "max_position_embeddings": 131_072,
    "num_attention_heads": 64,
    "num_experts_per_tok": 4,
    "num_hidden_layers": 36,
    "num_key_value_heads": 8,
    "num_local_experts": 128,
    "quantization_config": {
        "quant_method": "mxfp4",
        "modules_to_not_convert": [
            "model.layers.*.self_attn",
            "model.layers.*.mlp.router",
            "model.embed_tokens",
            "lm_head",
        ],
    },
    "rms_norm_eps": 1e-5,
    "rope_scaling": {
        "beta_fast": 32.0,
        "beta_slow": 1.0,
        "factor": 32.0,
        "original_max_position_embeddings": 4096,
        "rope_type": "yarn",
        "truncate": False,
    },
    "rope_theta": 150_000,
    "sliding_window": 128,
    "swiglu_limit": 7.0,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "vocab_size": 201_088,
}
"""openai/gpt-oss-120b, its config.json of 2025-08."""

NAMES = {
    "72b": "Qwen2.5-72B-Instruct",
    "32b": "Qwen2.5-32B-Instruct",
    "8b": "Qwen3-8B",
    "4b": "Qwen3-4B",
    "gpt-oss-120b": "gpt-oss-120b",
}
"""Whose shapes these are, as the catalogue names them."""

_VOCABULARY = 151_936
_TINY_VOCABULARY = 50_000


def write_folder(folder: Path, name: str) -> Path:
    """Write what vLLM and judgefast read of a model of these shapes."""
    tokenizer, known = tokenizer_from_gguf(fetch())
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    _write(
        folder / "tokenizer_config.json",
        tokenizer_class="PreTrainedTokenizerFast",
        bos_token=known.bos_token,
        eos_token=known.eos_token,
        chat_template=known.chat_template,
        clean_up_tokenization_spaces=False,
    )
    if name == "gpt-oss-120b":
        _write(folder / "config.json", **GPT_OSS, eos_token_id=known.eos_id)
        return folder
    is_tiny = SHAPES[name]["hidden_size"] == _TINY_WIDTH
    _write(
        folder / "config.json",
        **SHAPES[name],
        architectures=["LlamaForCausalLM"],
        model_type="llama",
        vocab_size=_TINY_VOCABULARY if is_tiny else _VOCABULARY,
        hidden_act="silu",
        tie_word_embeddings=False,
        bos_token_id=known.eos_id,
        eos_token_id=known.eos_id,
        rms_norm_eps=1e-6,
        rope_theta=1_000_000.0,
        max_position_embeddings=32_768,
        torch_dtype="bfloat16",
    )
    return folder


def _write(path: Path, **values: Any) -> None:  # noqa: ANN401 - JSON
    path.write_text(json.dumps(values, indent=1), encoding="utf-8")
