"""What a model's files say of its size: bytes of weights, and of memory for each token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

HALF = 2
"""Bytes of a bfloat16 or float16."""

_MXFP4_BYTES = 4.25 / 8
"""Bytes of a 4-bit weight with its scale, shared by 32."""

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
    "cohere2": {"sliding_window_pattern": 4, "tie_word_embeddings": True},
    "olmo3": {"sliding_window_pattern": 4},
}
"""What config.json leaves to its class, by `model_type`, and what sizes hang on."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of a model. None is "the files do not say", never 0."""

    weight_bytes: int | None
    """By the files of the checkpoint, or worked out from config.json; what has 32 bits there has 16
    once it is loaded."""
    outer_bytes: int
    """Of these, embedding and output head, which quantisation leaves as they are."""
    quantized: str | None
    """Method by which the checkpoint itself is quantised."""
    cache_bytes: int | None
    """KV cache for each token in layers that look at all tokens, 16-bit numbers."""
    sliding_bytes: int
    """The same in layers that look at no more than the last `window` tokens."""
    window: int | None
    """Tokens that these keep; None where no layer slides."""
    full_layers: int
    """Layers that look at all tokens; 0 where the files do not say."""
    sliding_layers: int
    state_bytes: int
    """Of a sequence in layers that keep a state of one size (Mamba, linear attention)."""
    is_latent: bool
    """The cache is compressed (MLA): every GPU of a group holds all of it."""
    heads: int
    """Of queries: the GPUs of a group must divide them."""
    kv_heads: int
    context: int | None
    """Tokens that vLLM takes of this model at most."""

    @property
    def is_sliding(self) -> bool:
        """Whether some layers look at the last tokens alone."""
        return self.window is not None

    def quantized_bytes(self) -> int | None:
        """Bytes of weights once the inner ones are rounded to 8 bits as they load."""
        if self.weight_bytes is None:
            return None
        return self.outer_bytes + (self.weight_bytes - self.outer_bytes) // HALF

    def sequence_bytes(self, tokens: float, *, number_bytes: int, gpus: int) -> float | None:
        """KV cache of one sequence, over all of a group of GPUs."""
        if self.cache_bytes is None:
            return None
        kept = min(tokens, self.window) if self.window is not None else 0
        one = (self.cache_bytes * tokens + self.sliding_bytes * kept) * number_bytes / HALF
        # A head of keys that fewer than all can share is on several of them.
        copies = gpus if self.is_latent else max(1.0, gpus / max(1, self.kv_heads))
        return self.state_bytes + one * copies


def shape_of(folder: Path, config: dict[str, Any]) -> Shape:
    """Read the sizes off a model folder.

    Args:
        folder: Where the files are; weights may be missing.
        config: Its config.json.

    """
    text = config.get("text_config")
    told: dict[str, Any] = {**config, **text} if isinstance(text, dict) else config
    told = {**_UNSAID.get(str(told.get("model_type")), {}), **told}
    quantized = _quantized(folder, config, told)
    heads = _int(told, "num_attention_heads") or 1
    full, sliding, kv_heads, latent = _cache(told, heads)
    tied = told.get("tie_word_embeddings", False) is True
    outer = (_int(told, "vocab_size") or 0) * (_int(told, "hidden_size") or 0) * HALF
    weights = _bytes_of_files(folder)
    if weights is not None and quantized is None and _is_single(told):
        weights //= 2
    of_all, of_last = _kinds(told, _int(told, "num_hidden_layers") or 0)
    return Shape(
        weight_bytes=weights if weights is not None else _estimate(told, heads, quantized),
        outer_bytes=outer * (1 if tied else 2),
        quantized=quantized,
        cache_bytes=full,
        sliding_bytes=sliding,
        window=_int(told, "sliding_window") if sliding else None,
        full_layers=of_all,
        sliding_layers=of_last if sliding else 0,
        state_bytes=_state(told),
        is_latent=latent,
        heads=heads,
        kv_heads=kv_heads,
        context=_context(folder, told),
    )


def _quantized(folder: Path, config: dict[str, Any], told: dict[str, Any]) -> str | None:
    """Method by which a checkpoint is quantised, in any of the places where vLLM looks for one."""
    for source in (config, told):
        for name in ("quantization_config", "compression_config"):
            method = source.get(name)
            if isinstance(method, dict) and method:
                return str(method.get("quant_method") or "unnamed")
    return "modelopt" if _json(folder / "hf_quant_config.json") else None


def _is_single(told: dict[str, Any]) -> bool:
    """Whether the numbers in the files have 32 bits."""
    return "float32" in {told.get("dtype"), told.get("torch_dtype")}


def _context(folder: Path, told: dict[str, Any]) -> int | None:
    """By config.json and, where it says less, by the tokenizer, as vLLM has it."""
    of_tokenizer = _int(_json(folder / "tokenizer_config.json"), "model_max_length")
    known = [each for each in (_int(told, "max_position_embeddings"), of_tokenizer) if each]
    return min(known, default=None)


def _cache(told: dict[str, Any], heads: int) -> tuple[int | None, int, int, bool]:
    """Bytes a token of full and of sliding layers, heads of keys, whether they are latent."""
    layers = _int(told, "num_hidden_layers")
    kv_heads = _int(told, "num_key_value_heads") or heads
    rank = _int(told, "kv_lora_rank")
    if layers is None:
        return None, 0, kv_heads, False
    if rank is not None:
        return layers * (rank + (_int(told, "qk_rope_head_dim") or 0)) * HALF, 0, kv_heads, True
    size = _int(told, "head_dim") or (_int(told, "hidden_size") or 0) // heads
    blocks = told.get("block_configs")
    if isinstance(blocks, list):  # every layer has heads of its own, or no attention
        groups = [(block.get("attention") or {}).get("n_heads_in_group") for block in blocks]
        each = [heads // group for group in groups if group]
        return sum(each) * size * 2 * HALF, 0, max(each, default=1), False
    full, sliding = _kinds(told, layers)
    of_full = _int(told, "num_global_key_value_heads") or kv_heads
    size_of_full = _int(told, "global_head_dim") or size
    return (
        full * of_full * size_of_full * 2 * HALF,
        sliding * kv_heads * size * 2 * HALF,
        kv_heads,
        False,
    )


def _kinds(told: dict[str, Any], layers: int) -> tuple[int, int]:
    """Layers that look at all tokens, and those that slide."""
    pattern = told.get("hybrid_override_pattern")
    if isinstance(pattern, str):
        return pattern.count("*"), 0
    window = _int(told, "sliding_window")
    if told.get("use_sliding_window") is False:
        window = None
    types: Sequence[Any] | None = told.get("layer_types")
    if isinstance(types, list):
        sliding = types.count("sliding_attention")
        looking = [str(one).endswith("attention") and one != "linear_attention" for one in types]
        full = sum(looking) - sliding  # "attention", "chunked_attention" among them
    elif every := _int(told, "full_attention_interval"):
        full, sliding = layers // every, 0  # the others keep one state, whatever the length
    elif every := _int(told, "sliding_window_pattern"):
        full, sliding = layers // every, layers - layers // every
    elif window and told.get("use_sliding_window") is not True:
        full, sliding = 0, layers
    else:
        full = min(layers, _int(told, "max_window_layers") or 0)
        sliding = layers - full
    return (full, sliding) if window else (full + sliding, 0)


def _state(told: dict[str, Any]) -> int:
    """Bytes of a sequence in layers that keep a matrix for each head and the last few inputs."""

    def of(name: str) -> int:
        return _int(told, name) or 0

    pattern = told.get("hybrid_override_pattern")
    if isinstance(pattern, str):
        layers, groups, size = pattern.count("M"), of("n_groups"), of("ssm_state_size")
        inner, kernel = of("mamba_num_heads") * of("mamba_head_dim"), of("conv_kernel")
    else:
        layers = of("num_hidden_layers") - _kinds(told, of("num_hidden_layers"))[0]
        groups, size = of("linear_num_key_heads"), of("linear_key_head_dim")
        inner = of("linear_num_value_heads") * of("linear_value_head_dim")
        kernel = of("linear_conv_kernel_dim")
    exact = "float32" in {told.get("mamba_ssm_dtype"), told.get("mamba_ssm_cache_dtype")}
    inputs = (inner + 2 * groups * size) * max(0, kernel - 1) * HALF
    return layers * (inner * size * HALF * (2 if exact else 1) + inputs)


def _bytes_of_files(folder: Path) -> int | None:
    """Bytes of the weights by their files, or by the index of files that are not here yet."""
    told = _json(folder / "model.safetensors.index.json")
    of_weights, about = (told.get(name) or {} for name in ("weight_map", "metadata"))
    names = {str(name) for name in of_weights.values()}
    if names and all((folder / name).is_file() for name in names):
        return sum((folder / name).stat().st_size for name in names)
    if total := _int(about, "total_size"):
        return total
    found = [path for path in weight_files(folder) if path.is_file()]
    return sum(path.stat().st_size for path in found) if found else None


def weight_files(folder: Path) -> list[Path]:
    """Files of weights that vLLM reads: Mistral's own copy of them beside others is none."""
    found = sorted(folder.glob("*.safetensors"))
    return [path for path in found if not path.name.startswith("consolidated")] or found


def _estimate(told: dict[str, Any], heads: int, quantized: object) -> int | None:
    """Bytes of the weights by config.json; None where its layers are not all of one kind."""
    width, layers = _int(told, "hidden_size"), _int(told, "num_hidden_layers")
    inner, words = _int(told, "intermediate_size"), _int(told, "vocab_size")
    unlike = ("block_configs", "hybrid_override_pattern", "full_attention_interval", "kv_lora_rank")
    if not (width and layers and words) or any(told.get(name) for name in unlike):
        return None
    size = _int(told, "head_dim") or width // heads
    kv_heads = _int(told, "num_key_value_heads") or heads
    attention = width * size * 2 * (heads + kv_heads)
    experts = next(
        (
            n
            for name in ("num_local_experts", "num_experts", "n_routed_experts")
            if (n := _int(told, name))
        ),
        0,
    )
    of_expert = 3 * width * (_int(told, "moe_intermediate_size") or inner or 0)
    dense = _int(told, "first_k_dense_replace") or 0 if experts else layers
    shared = (_int(told, "n_shared_experts") or 0) * of_expert
    plain = layers * attention + dense * 3 * width * (inner or 0)
    plain += (layers - dense) * (shared + width * experts)
    routed = (layers - dense) * experts * of_expert
    outer = words * width * (1 if told.get("tie_word_embeddings") is True else 2)
    if quantized is None:
        return HALF * (plain + routed + outer)
    if quantized == "mxfp4":  # experts alone
        return int(HALF * (plain + outer) + _MXFP4_BYTES * routed)
    return plain + routed + HALF * outer if quantized == "fp8" else None


def _json(path: Path) -> dict[str, Any]:
    """An object in a file; empty where there is none: vLLM says what is wrong with it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _int(told: dict[str, Any], name: str) -> int | None:
    found: object = told.get(name)
    return found if isinstance(found, int) and found is not True and found > 0 else None
