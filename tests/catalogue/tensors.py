"""An oracle for sizes: every tensor of a model's checkpoint, layer by layer, with its shape.

Written after the modelling code of transformers 5.19, with none of the sums of `catalogue`: what
`sum(map(prod, ...))` of the tensors says is what a checkpoint of that config.json holds.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Tensor(NamedTuple):
    name: str
    shape: tuple[int, ...]
    share: float = 1.0
    """Of it that one token is multiplied by."""

    @property
    def numbers(self) -> int:
        return prod(self.shape)


def tensors(config: dict[str, Any]) -> Iterator[Tensor]:
    """Every tensor of the text model."""
    c = {**config, **config.get("text_config", {})}
    h, words = c["hidden_size"], c["vocab_size"]
    tied = config.get("tie_word_embeddings", c.get("tie_word_embeddings", False))
    yield Tensor("embed_tokens", (words, h), 1.0 if tied else 0.0)
    if not tied:
        is_scalar = "SequenceClassification" in c["architectures"][0]
        yield Tensor("score" if is_scalar else "lm_head", (1 if is_scalar else words, h))
    yield Tensor("norm", (h,))
    for layer in range(c["num_hidden_layers"]):
        for each in _layer(c, h, layer):
            yield each._replace(name=f"layers.{layer}.{each.name}")


def _layer(c: dict[str, Any], h: int, layer: int) -> Iterator[Tensor]:
    kind = c["model_type"]
    if kind == "nemotron-nas":
        yield from _block(c, h, c["block_configs"][layer])
        return
    if kind == "nemotron_h":
        yield Tensor("norm", (h,))
        letter = c["hybrid_override_pattern"][layer]
        yield from {"M": _mamba, "*": _attention, "E": _nemotron_experts}[letter](c, h, layer)
        return
    norms = {"gemma3_text": 4, "gemma4_text": 7}.get(kind, 2)
    yield from (Tensor(f"norm_{each}", (h,)) for each in range(norms))
    if kind == "deepseek_v3":
        yield from _latent(c, h)
    elif c.get("layer_types", [""] * 999)[layer] == "linear_attention":
        yield from _delta(c, h)
    else:
        yield from _attention(c, h, layer)
    if kind in {"mixtral", "gpt_oss", "qwen3_moe", "qwen3_5_moe_text"} or (
        kind in {"deepseek_v3", "glm4_moe"} and layer >= c["first_k_dense_replace"]
    ):
        yield from _experts(c, h)
    else:
        yield from _mlp("mlp", h, c["intermediate_size"])
    if kind == "gemma4_text":
        yield from _experts(c, h)
        yield Tensor("router.scale", (h,))
        yield Tensor("router.per_expert_scale", (c["num_experts"],))


def _attention(c: dict[str, Any], h: int, layer: int, kv: int | None = None) -> Iterator[Tensor]:
    kind, heads = c["model_type"], c["num_attention_heads"]
    size = c.get("head_dim") or h // heads
    kv = kv or c["num_key_value_heads"]
    has_values = True
    if kind == "gemma4_text" and c["layer_types"][layer] == "full_attention":
        size, kv, has_values = c["global_head_dim"], c["num_global_key_value_heads"], False
    gate = 2 if kind.startswith("qwen3_5") else 1
    out = {"q": heads * size * gate, "k": kv * size, **({"v": kv * size} if has_values else {})}
    for name, wide in out.items():
        yield Tensor(f"{name}_proj.weight", (wide, h))
        if kind in {"qwen2", "gpt_oss", "glm4_moe"}:
            yield Tensor(f"{name}_proj.bias", (wide,))
    yield Tensor("o_proj.weight", (h, heads * size))
    if kind == "gpt_oss":
        yield Tensor("o_proj.bias", (h,))
        yield Tensor("sinks", (heads,))
    if kind.startswith(("qwen3", "gemma")):
        yield Tensor("q_norm", (size,))
        yield Tensor("k_norm", (size,))


def _latent(c: dict[str, Any], h: int) -> Iterator[Tensor]:
    heads, rank, rope = c["num_attention_heads"], c["kv_lora_rank"], c["qk_rope_head_dim"]
    yield Tensor("q_a_proj", (c["q_lora_rank"], h))
    yield Tensor("q_a_layernorm", (c["q_lora_rank"],))
    yield Tensor("q_b_proj", (heads * (c["qk_nope_head_dim"] + rope), c["q_lora_rank"]))
    yield Tensor("kv_a_proj_with_mqa", (rank + rope, h))
    yield Tensor("kv_a_layernorm", (rank,))
    yield Tensor("kv_b_proj", (heads * (c["qk_nope_head_dim"] + c["v_head_dim"]), rank))
    yield Tensor("o_proj", (h, heads * c["v_head_dim"]))


def _delta(c: dict[str, Any], h: int) -> Iterator[Tensor]:
    heads, size = c["linear_num_value_heads"], c["linear_value_head_dim"]
    inner = 2 * c["linear_num_key_heads"] * c["linear_key_head_dim"] + heads * size
    yield Tensor("in_proj_qkv", (inner, h))
    yield Tensor("in_proj_z", (heads * size, h))
    yield Tensor("in_proj_a", (heads, h))
    yield Tensor("in_proj_b", (heads, h))
    yield Tensor("conv1d.kernel", (inner * c["linear_conv_kernel_dim"],))
    yield Tensor("A_log", (heads,))
    yield Tensor("dt_bias", (heads,))
    yield Tensor("norm", (size,))
    yield Tensor("out_proj", (h, heads * size))


def _mamba(c: dict[str, Any], h: int, layer: int) -> Iterator[Tensor]:
    heads = c["mamba_num_heads"]
    inner = heads * c["mamba_head_dim"]
    seen = inner + 2 * c["n_groups"] * c["ssm_state_size"]
    yield Tensor("in_proj", (inner + seen + heads, h))
    yield Tensor("conv1d.kernel", (seen * c["conv_kernel"],))
    yield Tensor("conv1d.bias", (seen,))
    yield from (Tensor(name, (heads,)) for name in ("A_log", "D", "dt_bias"))
    yield Tensor("norm", (inner,))
    yield Tensor("out_proj", (h, inner))


def _mlp(name: str, h: int, inner: int) -> Iterator[Tensor]:
    yield Tensor(f"{name}.gate_proj", (inner, h))
    yield Tensor(f"{name}.up_proj", (inner, h))
    yield Tensor(f"{name}.down_proj", (h, inner))


def _experts(c: dict[str, Any], h: int) -> Iterator[Tensor]:
    count = c.get("num_local_experts") or c.get("num_experts") or c.get("n_routed_experts")
    share = (c.get("num_experts_per_tok") or c.get("top_k_experts")) / count
    inner = c.get("moe_intermediate_size") or c["intermediate_size"]
    yield Tensor("experts.gate_up_proj", (count, 2 * inner, h), share)
    yield Tensor("experts.down_proj", (count, h, inner), share)
    yield Tensor("router", (count, h))
    if c["model_type"] == "gpt_oss":
        yield Tensor("router.bias", (count,))
        yield Tensor("experts.gate_up_proj_bias", (count * 2 * inner,), share)
        yield Tensor("experts.down_proj_bias", (count * h,), share)
    if c["model_type"] in {"deepseek_v3", "glm4_moe"}:
        yield Tensor("e_score_correction_bias", (count,))
        yield from _mlp("shared_experts", h, inner * c["n_shared_experts"])
    if c["model_type"] == "qwen3_5_moe_text":
        yield from _mlp("shared_expert", h, c["shared_expert_intermediate_size"])
        yield Tensor("shared_expert_gate", (1, h))


def _nemotron_experts(c: dict[str, Any], h: int, layer: int) -> Iterator[Tensor]:
    count, inner = c["n_routed_experts"], c["moe_intermediate_size"]
    share = c["num_experts_per_tok"] / count
    yield Tensor("experts.up_proj", (count, inner, h), share)
    yield Tensor("experts.down_proj", (count, h, inner), share)
    yield Tensor("gate", (count, h))
    yield Tensor("gate.e_score_correction_bias", (count,))
    yield Tensor("shared_experts.up_proj", (c["moe_shared_expert_intermediate_size"], h))
    yield Tensor("shared_experts.down_proj", (h, c["moe_shared_expert_intermediate_size"]))


def _block(c: dict[str, Any], h: int, block: dict[str, Any]) -> Iterator[Tensor]:
    attention, forward = block["attention"], block["ffn"]
    if not attention["no_op"]:
        yield Tensor("input_layernorm", (h,))
        if attention["replace_with_linear"]:
            yield Tensor("self_attn.linear", (h, h))
        else:
            kv = c["num_attention_heads"] // attention["n_heads_in_group"]
            yield from _attention(c, h, 0, kv)
    if not forward["no_op"]:
        yield Tensor("post_attention_layernorm", (h,))
        if forward["replace_with_linear"]:
            yield Tensor("mlp.linear", (h, h))
        else:
            inner = int(2 * forward["ffn_mult"] * h / 3)
            yield from _mlp("mlp", h, inner + -inner % 256)
