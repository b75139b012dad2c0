"""The keys of a model's config.json that sizes hang on, by the names that its class knows.

All that is computed of a model is computed from these keys: a catalogue keeps no others.
"""

from __future__ import annotations

from typing import Any

KEYS = frozenset(
    {
        "attention_bias",
        "attention_k_eq_v",
        "attn_output_gate",
        "architectures",
        "block_configs",
        "compression_config",
        "conv_kernel",
        "decoder_sparse_step",
        "dtype",
        "enable_moe_block",
        "first_k_dense_replace",
        "full_attention_interval",
        "global_head_dim",
        "head_dim",
        "hidden_size",
        "hybrid_override_pattern",
        "intermediate_size",
        "kv_lora_rank",
        "layer_types",
        "layers_block_type",
        "linear_conv_kernel_dim",
        "linear_key_head_dim",
        "linear_num_key_heads",
        "linear_num_value_heads",
        "linear_value_head_dim",
        "mamba_head_dim",
        "mamba_num_heads",
        "mamba_proj_bias",
        "mamba_ssm_cache_dtype",
        "mamba_ssm_dtype",
        "max_position_embeddings",
        "max_window_layers",
        "mlp_bias",
        "mlp_only_layers",
        "model_type",
        "moe_intermediate_size",
        "moe_shared_expert_intermediate_size",
        "mtp_num_hidden_layers",
        "n_groups",
        "n_routed_experts",
        "n_shared_experts",
        "num_attention_heads",
        "num_experts",
        "num_experts_per_tok",
        "num_global_key_value_heads",
        "num_hidden_layers",
        "num_key_value_heads",
        "num_kv_shared_layers",
        "num_local_experts",
        "num_nextn_predict_layers",
        "q_lora_rank",
        "qk_nope_head_dim",
        "qk_rope_head_dim",
        "quantization_config",
        "shared_expert_intermediate_size",
        "sliding_window",
        "sliding_window_pattern",
        "ssm_state_size",
        "tie_word_embeddings",
        "top_k_experts",
        "torch_dtype",
        "use_conv_bias",
        "use_qk_norm",
        "use_sliding_window",
        "v_head_dim",
        "vision_config",
        "vocab_size",
    }
)
"""Everything that is read of a config.json."""

_GEMMA = {"num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256}
_UNSAID: dict[str, dict[str, Any]] = {
    "gemma2": {**_GEMMA, "sliding_window_pattern": 2, "tie_word_embeddings": True},
    "gemma3_text": {
        **_GEMMA,
        "sliding_window_pattern": 6,
        "tie_word_embeddings": True,
        "vocab_size": 262_208,
        "max_position_embeddings": 131_072,
    },
    "gemma4_text": {"tie_word_embeddings": True},
    "cohere2": {"sliding_window_pattern": 4, "tie_word_embeddings": True},
    "olmo3": {"sliding_window_pattern": 4},
    "gpt_oss": {"attention_bias": True},
    "qwen3_5_text": {"attn_output_gate": True},
    "qwen3_5_moe_text": {"attn_output_gate": True},
    "qwen3_next": {"attn_output_gate": True},
}
"""What config.json leaves to its class, by `model_type`, and what sizes hang on."""

_LETTERS = {"mamba": "M", "attention": "*", "full_attention": "*", "mlp": "-", "moe": "E"}
"""Layers of Nemotron-H by either of its ways to name them."""

_BLOCK = {
    "attention": ("n_heads_in_group", "no_op", "replace_with_linear"),
    "ffn": ("ffn_mult", "intermediate_size", "no_op", "replace_with_linear"),
}


def text_of(config: dict[str, Any]) -> dict[str, Any]:
    """What a config.json says of the text model, with what its class adds."""
    text = config.get("text_config")
    told: dict[str, Any] = {**config, **text} if isinstance(text, dict) else config
    if kinds := texts(told, "layers_block_type"):  # what `hybrid_override_pattern` became
        pattern = "".join(_LETTERS.get(kind, "?") for kind in kinds)
        told = {**told, "hybrid_override_pattern": pattern, "num_hidden_layers": len(kinds)}
    return {**_UNSAID.get(str(told.get("model_type")), {}), **told}


def kept(config: dict[str, Any]) -> dict[str, Any]:
    """A config.json with the keys alone that something is computed from.

    >>> kept({"hidden_size": 64, "bos_token_id": 1, "vision_config": {"depth": 27}})
    {'hidden_size': 64, 'vision_config': {}}
    """
    found = {key: config[key] for key in sorted(KEYS & config.keys()) if config[key] is not None}
    if isinstance(config.get("vision_config"), dict):
        found["vision_config"] = {}  # that there is one
    if isinstance(config.get("text_config"), dict):
        found["text_config"] = kept(config["text_config"])
    if isinstance(config.get("block_configs"), list):
        found["block_configs"] = [_kept_of_block(block) for block in blocks_of(config)]
    return found


def _kept_of_block(block: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        part: {key: block[part][key] for key in keys if block[part].get(key)}
        for part, keys in _BLOCK.items()
    }


def blocks_of(told: dict[str, Any]) -> list[dict[str, dict[str, Any]]]:
    """Layers with sizes of their own (Nemotron-NAS), each as `attention` and `ffn`."""
    blocks = told.get("block_configs")
    return [
        {
            part: said
            if isinstance(block, dict) and isinstance(said := block.get(part), dict)
            else {}
            for part in _BLOCK
        }
        for block in (blocks if isinstance(blocks, list) else [])
    ]


def texts(told: dict[str, Any], name: str) -> list[str]:
    """The words of a list under a name; of anything else none."""
    found = told.get(name)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def whole(told: dict[str, Any], name: str) -> int | None:
    """A number of at least 1 under a name; None where there is none."""
    found: object = told.get(name)
    return found if isinstance(found, int) and found is not True and found > 0 else None


def first_of(told: dict[str, Any], *names: str) -> int:
    """The first of some names that has a number; 0 where none has."""
    return next((found for name in names if (found := whole(told, name))), 0)
