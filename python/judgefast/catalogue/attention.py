"""What a model keeps of the tokens that it has read, and what looking back at them takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from judgefast.catalogue.config_json import blocks_of, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

HALF = 2
"""Bytes of a bfloat16 or float16."""


class Attention(NamedTuple):
    """Layers that look back, and what each token leaves in them."""

    full_bytes: int | None
    """Bytes a token of 16-bit numbers, over layers that look at all tokens; None: not known."""
    sliding_bytes: int
    """The same, over layers that look at the last ones alone."""
    full_layers: int
    sliding_layers: int
    kv_heads: int
    is_latent: bool = False
    full_pair: int = 0
    """FLOP of a token looking at another, over layers that look at all."""
    sliding_pair: int = 0
    full_words: str = ""
    """`full_bytes` as a person would redo it, without its result."""
    sliding_words: str = ""


def attention_of(told: dict[str, Any], heads: int) -> Attention:
    """Read the layers with attention off what config.json says of the text model."""
    layers = whole(told, "num_hidden_layers")
    kv_heads = whole(told, "num_key_value_heads") or heads
    if layers is None:
        return Attention(None, 0, 0, 0, kv_heads)
    rank = whole(told, "kv_lora_rank")
    if rank is not None:
        return _latent(told, layers, heads, kv_heads, rank)
    size = head_size(told, heads)
    if blocks := blocks_of(told):
        return _by_blocks(blocks, heads, size)
    full, sliding = kinds(told, layers)
    of_full, size_of_full = full_heads(told, kv_heads, size)
    return Attention(
        full_bytes=full * of_full * size_of_full * 2 * HALF,
        sliding_bytes=sliding * kv_heads * size * 2 * HALF,
        full_layers=full,
        sliding_layers=sliding,
        kv_heads=kv_heads,
        full_pair=4 * full * heads * size_of_full,
        sliding_pair=4 * sliding * heads * size,
        full_words=_words(full, of_full, size_of_full),
        sliding_words=_words(sliding, kv_heads, size),
    )


def _latent(told: dict[str, Any], layers: int, heads: int, kv_heads: int, rank: int) -> Attention:
    """A compressed cache: one row for all heads."""
    rope = whole(told, "qk_rope_head_dim") or 0
    looked = (whole(told, "qk_nope_head_dim") or 0) + rope + (whole(told, "v_head_dim") or 0)
    return Attention(
        full_bytes=layers * (rank + rope) * HALF,
        sliding_bytes=0,
        full_layers=layers,
        sliding_layers=0,
        kv_heads=kv_heads,
        is_latent=True,
        full_pair=2 * layers * heads * looked,
        full_words=f"{layers} layers x ({rank} + {rope}) x {HALF} B",
    )


def _by_blocks(blocks: list[dict[str, dict[str, Any]]], heads: int, size: int) -> Attention:
    """Layers that each have heads of their own, or no attention."""
    groups = [whole(block["attention"], "n_heads_in_group") for block in blocks]
    each = [heads // group for group in groups if group]
    parts = [_words(each.count(kept), kept, size) for kept in sorted(set(each))]
    return Attention(
        full_bytes=sum(each) * size * 2 * HALF,
        sliding_bytes=0,
        full_layers=len(each),
        sliding_layers=0,
        kv_heads=max(each, default=1),
        full_pair=4 * len(each) * heads * size,
        full_words=" + ".join(parts),
    )


def _words(layers: int, kv_heads: int, size: int) -> str:
    return f"{layers} layers x {kv_heads} heads x {size} x 2 x {HALF} B" if layers else ""


def head_size(told: dict[str, Any], heads: int) -> int:
    """Numbers of a head."""
    return whole(told, "head_dim") or (whole(told, "hidden_size") or 0) // heads


def full_heads(told: dict[str, Any], kv_heads: int, size: int) -> tuple[int, int]:
    """Heads of keys, and numbers of a head, in layers that look at all tokens."""
    return (
        whole(told, "num_global_key_value_heads") or kv_heads,
        whole(told, "global_head_dim") or size,
    )


def kinds(told: dict[str, Any], layers: int) -> tuple[int, int]:
    """Layers that look at all tokens, and those that slide."""
    pattern = told.get("hybrid_override_pattern")
    if isinstance(pattern, str):
        return pattern.count("*"), 0
    window = whole(told, "sliding_window")
    if told.get("use_sliding_window") is False:
        window = None
    types: Sequence[Any] | None = told.get("layer_types")
    if isinstance(types, list):
        sliding = types.count("sliding_attention")
        looking = [str(one).endswith("attention") and one != "linear_attention" for one in types]
        full = sum(looking) - sliding  # "attention", "chunked_attention" among them
    elif every := whole(told, "full_attention_interval"):
        full, sliding = layers // every, 0  # the others keep one state, whatever the length
    elif every := whole(told, "sliding_window_pattern"):
        full, sliding = layers // every, layers - layers // every
    elif window and told.get("use_sliding_window") is not True:
        full, sliding = 0, layers
    else:
        full = min(layers, whole(told, "max_window_layers") or 0)
        sliding = layers - full
    return (full, sliding) if window else (full + sliding, 0)


def state_bytes(told: dict[str, Any]) -> int:
    """Bytes of a sequence in layers that keep a matrix for each head and the last few inputs."""

    def of(name: str) -> int:
        return whole(told, name) or 0

    pattern = told.get("hybrid_override_pattern")
    if isinstance(pattern, str):
        layers, groups, size = pattern.count("M"), of("n_groups"), of("ssm_state_size")
        inner, kernel = of("mamba_num_heads") * of("mamba_head_dim"), of("conv_kernel")
    else:
        layers = of("num_hidden_layers") - kinds(told, of("num_hidden_layers"))[0]
        groups, size = of("linear_num_key_heads"), of("linear_key_head_dim")
        inner = of("linear_num_value_heads") * of("linear_value_head_dim")
        kernel = of("linear_conv_kernel_dim")
    exact = "float32" in (told.get("mamba_ssm_dtype"), told.get("mamba_ssm_cache_dtype"))
    inputs = (inner + 2 * groups * size) * max(0, kernel - 1) * HALF
    return layers * (inner * size * HALF * (2 if exact else 1) + inputs)
