"""The parameters of a model, counted from its config.json term by term.

Each term is one kind of weight over all layers, with its sum as a person would redo it. Layouts are
those of the model classes of transformers and vLLM; a class that is not known is counted as a plain
transformer, and the count says so.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from judgefast.catalogue.attention import full_heads, head_size, kinds
from judgefast.catalogue.classes import CLASSES, ModelClass
from judgefast.catalogue.config_json import blocks_of, first_of, texts, whole

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["embedding", "tied", "head", "matrix", "expert", "vector"]
"""`embedding` is looked up and `tied` is output head too; `vector` is added or scaled by."""


class Term(NamedTuple):
    """One kind of weight, over all layers."""

    name: str
    arithmetic: str
    """The sum in numbers, without its result."""
    parameters: int
    kind: Kind
    used: int = 1
    """Of so many experts a token is sent to these."""
    of: int = 1


class Count(NamedTuple):
    """All parameters of a model."""

    terms: tuple[Term, ...]
    notes: tuple[str, ...]
    """What is not counted, or not known to be so."""

    def sum_of(self, *of_kind: Kind) -> int:
        """Parameters of some kinds."""
        return sum(term.parameters for term in self.terms if term.kind in of_kind)

    @property
    def total(self) -> int:
        """All of them."""
        return sum(term.parameters for term in self.terms)

    @property
    def active(self) -> int:
        """That a token has to do with: without a table that is only looked up."""
        return sum(_used(term) for term in self.terms if term.kind != "embedding")

    @property
    def multiplied(self) -> int:
        """Of these, in matrices that a token is multiplied by, output head among them."""
        return sum(_used(term) for term in self.terms if term.kind not in {"embedding", "vector"})

    @property
    def experts(self) -> tuple[int, int]:
        """Experts that a token is sent to, of how many; (1, 1) where there are none."""
        return next(((term.used, term.of) for term in self.terms if term.kind == "expert"), (1, 1))


def _used(term: Term) -> int:
    return term.parameters * term.used // term.of


def count_parameters(told: dict[str, Any], heads: int) -> Count | None:
    """Count the parameters of the text model.

    Args:
        told: What config.json says of it, with what its class adds.
        heads: Of queries.

    Returns:
        None where a size is missing, or its layers are of a kind that is not known here.

    """
    sizes = _Sizes.read(told, heads)
    if sizes is None:
        return None
    terms = [*_outer(sizes)]
    if blocks := blocks_of(told):
        terms += _blocks(sizes, blocks)
    elif isinstance(pattern := told.get("hybrid_override_pattern"), str):
        if set(pattern) - set("M*-E"):
            return None
        terms += _patterned(sizes, pattern)
    else:
        layers = _layers(sizes)
        if layers is None:
            return None
        terms += layers
    return Count(tuple(term for term in terms if term.parameters), tuple(_notes(sizes)))


class _Sizes(NamedTuple):
    told: dict[str, Any]
    of_class: ModelClass
    is_known: bool
    width: int
    layers: int
    words: int
    heads: int
    kv_heads: int
    size: int

    @classmethod
    def read(cls, told: dict[str, Any], heads: int) -> _Sizes | None:
        width, layers = whole(told, "hidden_size"), whole(told, "num_hidden_layers")
        words = whole(told, "vocab_size")
        if not (width and layers and words):
            return None
        of_class = CLASSES.get(str(told.get("model_type")))
        kv_heads = whole(told, "num_key_value_heads") or heads
        size = head_size(told, heads)
        known = of_class is not None
        return cls(
            told, of_class or ModelClass(), known, width, layers, words, heads, kv_heads, size
        )

    def of(self, name: str) -> int:
        return whole(self.told, name) or 0


def _notes(sizes: _Sizes) -> Iterator[str]:
    told = sizes.told
    if not sizes.is_known:
        yield f"`{told.get('model_type')}` is not known here: counted as a plain transformer"
    if isinstance(told.get("vision_config"), dict):
        yield "the text model alone: its vision tower comes on top"
    if sizes.of("num_nextn_predict_layers") or sizes.of("mtp_num_hidden_layers"):
        yield "without the layers for multi-token prediction, which judging does not load"
    if _is_classifier(told):
        yield "one scalar in place of the output head"


def _is_classifier(told: dict[str, Any]) -> bool:
    return any("SequenceClassification" in name for name in texts(told, "architectures"))


def _outer(sizes: _Sizes) -> Iterator[Term]:
    table = sizes.words * sizes.width
    words = f"{sizes.words:,} x {sizes.width:,}"
    if sizes.told.get("tie_word_embeddings") is True:
        yield Term("embedding, output head too", words, table, "tied")
    else:
        yield Term("embedding", words, table, "embedding")
        if _is_classifier(sizes.told):
            yield Term("score", f"{sizes.width:,}", sizes.width, "matrix")
        else:
            yield Term("output head", words, table, "head")
    yield Term("last norm", f"{sizes.width:,}", sizes.width, "vector")


def _attention(sizes: _Sizes, layers: int, kv_heads: int, *, is_full: bool) -> Iterator[Term]:
    """Projections of layers that are alike."""
    told, size, heads, width = sizes.told, sizes.size, sizes.heads, sizes.width
    if is_full:
        kv_heads, size = full_heads(told, kv_heads, size)
    queries = heads * (2 if told.get("attn_output_gate") is True else 1)
    values = 1 if is_full and told.get("attention_k_eq_v") is True else 2
    projected = queries + values * kv_heads + heads
    yield Term(
        "attention",
        f"{layers} x {width:,} x {size} x ({queries} + {values} x {kv_heads} + {heads})",
        layers * width * size * projected,
        "matrix",
    )
    bias, of_class = 0, sizes.of_class
    said = told.get("attention_bias") is True
    if of_class.bias == "always" or (said and of_class.bias != "none"):
        bias = (queries + values * kv_heads) * size
        if of_class.bias == "said":
            bias += width
    norms = 0
    if of_class.head_norms == "head" or (
        of_class.head_norms == "said" and told.get("use_qk_norm") is True
    ):
        norms = 2 * size
    elif of_class.head_norms == "all":
        norms = (heads + kv_heads) * size
    own = bias + norms + (heads if of_class.sinks else 0)
    yield Term("biases, norms of heads", f"{layers} x {own:,}", layers * own, "vector")


def _latent(sizes: _Sizes, rank: int) -> Iterator[Term]:
    """Attention with a compressed cache (MLA)."""
    rope, plain, value = (sizes.of(name) for name in _OF_LATENT)
    width, heads, layers = sizes.width, sizes.heads, sizes.layers
    of_queries = sizes.of("q_lora_rank")
    wide = heads * (plain + rope)
    query = (width + wide) * of_queries if of_queries else width * wide
    by = f"({width:,} + {wide:,}) x {of_queries:,}" if of_queries else f"{width:,} x {wide:,}"
    back = heads * (plain + value)
    yield Term("attention, queries", f"{layers} x {by}", layers * query, "matrix")
    yield Term(
        "attention, compressed",
        f"{layers} x ({width:,} x ({rank} + {rope}) + {rank} x {back:,})",
        layers * (width * (rank + rope) + rank * back),
        "matrix",
    )
    out = width * heads * value
    yield Term(
        "attention, out", f"{layers} x {width:,} x {heads * value:,}", layers * out, "matrix"
    )
    own = of_queries + rank
    yield Term("norms of ranks", f"{layers} x {own:,}", layers * own, "vector")


_OF_LATENT = ("qk_rope_head_dim", "qk_nope_head_dim", "v_head_dim")


def _linear(sizes: _Sizes, layers: int) -> list[Term] | None:
    """Gated linear attention, as of Qwen3-Next; None where sizes are missing."""
    heads = sizes.of("linear_num_value_heads")
    value = heads * sizes.of("linear_value_head_dim")
    key = sizes.of("linear_num_key_heads") * sizes.of("linear_key_head_dim")
    if not (value and key):
        return None
    inner, width = 2 * key + value, sizes.width
    kernel = sizes.of("linear_conv_kernel_dim")
    own = inner * kernel + 2 * heads + sizes.of("linear_value_head_dim")
    projected = inner + 2 * value + 2 * heads
    words = f"{layers} x {width:,} x ({inner:,} + 2 x {value:,} + 2 x {heads})"
    return [
        Term("linear attention", words, layers * width * projected, "matrix"),
        Term("its convolutions, norms", f"{layers} x {own:,}", layers * own, "vector"),
    ]


def _layers(sizes: _Sizes) -> list[Term] | None:
    """Attention and what follows it, in layers of the usual kind."""
    told, layers = sizes.told, sizes.layers
    terms: list[Term] = []
    if rank := sizes.of("kv_lora_rank"):
        terms += _latent(sizes, rank)
    else:
        full, sliding = kinds(told, layers)
        usual = (sizes.kv_heads, sizes.size)
        if full_heads(told, *usual) == usual and told.get("attention_k_eq_v") is not True:
            terms += _attention(sizes, full + sliding, sizes.kv_heads, is_full=True)
        else:
            terms += _attention(sizes, full, sizes.kv_heads, is_full=True)
            terms += _attention(sizes, sliding, sizes.kv_heads, is_full=False)
        if linear := layers - full - sliding:
            others = _linear(sizes, linear)
            if others is None:
                return None
            terms += others
    norms = sizes.of_class.norms
    if told.get("enable_moe_block") is True:
        norms += 3  # around the experts, which stand beside a dense part
    wide = layers * norms * sizes.width
    terms.append(Term("norms", f"{layers} x {norms} x {sizes.width:,}", wide, "vector"))
    return terms + list(_forward(sizes))


def _forward(sizes: _Sizes) -> Iterator[Term]:
    """Dense parts and experts."""
    told, width, layers = sizes.told, sizes.width, sizes.layers
    inner = sizes.of("intermediate_size")
    experts = first_of(told, "num_local_experts", "num_experts", "n_routed_experts")
    both = told.get("enable_moe_block") is True
    routed = _routed_layers(sizes) if experts else 0
    if dense := layers if both else layers - routed:
        bias = 2 * inner + width if told.get("mlp_bias") is True else 0
        yield _dense("feed-forward", dense, width, inner)
        yield Term("its biases", f"{dense} x {bias:,}", dense * bias, "vector")
    if not experts:
        return
    of_expert = sizes.of("moe_intermediate_size") or inner
    yield from _experts(sizes, routed, experts, of_expert, matrices=3)
    shared = sizes.of("n_shared_experts") * of_expert
    if own := sizes.of("shared_expert_intermediate_size"):
        shared = own
        yield Term("gates of shared experts", f"{routed} x {width:,}", routed * width, "matrix")
    if shared:
        yield _dense("shared experts", routed, width, shared)
    if both:
        scales = width + experts
        yield Term("scales of routers", f"{routed} x {scales:,}", routed * scales, "vector")


def _routed_layers(sizes: _Sizes) -> int:
    told = sizes.told
    said = told.get("mlp_only_layers")
    plain = said if isinstance(said, list) else []
    every = sizes.of("decoder_sparse_step") or 1
    first = sizes.of("first_k_dense_replace")
    return sum(
        layer >= first and layer not in plain and (layer + 1) % every == 0
        for layer in range(sizes.layers)
    )


def _dense(name: str, layers: int, width: int, inner: int, matrices: int = 3) -> Term:
    words = f"{layers} x {matrices} x {width:,} x {inner:,}"
    return Term(name, words, layers * matrices * width * inner, "matrix")


def _experts(
    sizes: _Sizes, layers: int, experts: int, inner: int, *, matrices: int
) -> Iterator[Term]:
    width = sizes.width
    used = first_of(sizes.told, "num_experts_per_tok", "top_k_experts") or experts
    each = matrices * width * inner
    words = f"{layers} x {experts} x {matrices} x {width:,} x {inner:,}"
    yield Term("experts", words, layers * experts * each, "expert", used, experts)
    yield Term("routers", f"{layers} x {width:,} x {experts}", layers * width * experts, "matrix")
    if sizes.of_class.router_bias:
        yield Term("biases of routers", f"{layers} x {experts}", layers * experts, "vector")
    if sizes.of_class.expert_bias:
        own = (matrices - 1) * inner + width
        words = f"{layers} x {experts} x {own:,}"
        yield Term("biases of experts", words, layers * experts * own, "vector", used, experts)


def _blocks(sizes: _Sizes, blocks: list[dict[str, dict[str, Any]]]) -> Iterator[Term]:
    """Layers that a search has given heads and widths of their own, or left out (NAS)."""
    width, heads = sizes.width, sizes.heads
    kept: dict[int, int] = {}
    inner: dict[int, int] = {}
    linear = norms = 0
    for block in blocks:
        of_attention, of_forward = block["attention"], block["ffn"]
        if group := whole(of_attention, "n_heads_in_group"):
            kept[heads // group] = kept.get(heads // group, 0) + 1
        factor = of_forward.get("ffn_mult")
        if isinstance(factor, float | int) and factor > 0:
            wide = ceil(int(2 * factor * width / 3) / 256) * 256
        else:
            wide = whole(of_forward, "intermediate_size") or 0
        if wide:
            inner[wide] = inner.get(wide, 0) + 1
        for part in (of_attention, of_forward):
            linear += part.get("replace_with_linear") is True
            norms += part.get("no_op") is not True
    for kv_heads, layers in sorted(kept.items()):
        yield from _attention(sizes, layers, kv_heads, is_full=True)
    for wide, layers in sorted(inner.items()):
        yield _dense("feed-forward", layers, width, wide)
    yield Term("linear layers", f"{linear} x {width:,}^2", linear * width**2, "matrix")
    yield Term("norms", f"{norms} x {width:,}", norms * width, "vector")


def _patterned(sizes: _Sizes, pattern: str) -> Iterator[Term]:
    """Layers of Mamba, attention and experts, one letter each (Nemotron-H)."""
    width = sizes.width
    if layers := pattern.count("M"):
        heads = sizes.of("mamba_num_heads")
        inner = heads * sizes.of("mamba_head_dim")
        seen = inner + 2 * sizes.of("n_groups") * sizes.of("ssm_state_size")
        own = seen * (sizes.of("conv_kernel") + 1) + 3 * heads + inner
        words = f"{layers} x {width:,} x (2 x {inner:,} + {seen:,} + {heads})"
        yield Term("Mamba", words, layers * width * (2 * inner + seen + heads), "matrix")
        yield Term("its convolutions, norms", f"{layers} x {own:,}", layers * own, "vector")
    if layers := pattern.count("*"):
        yield from _attention(sizes, layers, sizes.kv_heads, is_full=True)
    if layers := pattern.count("-"):
        yield _dense("feed-forward", layers, width, sizes.of("intermediate_size"), matrices=2)
    if layers := pattern.count("E"):
        experts, inner = sizes.of("n_routed_experts"), sizes.of("moe_intermediate_size")
        yield from _experts(sizes, layers, experts, inner, matrices=2)
        shared = sizes.of("moe_shared_expert_intermediate_size") * sizes.of("n_shared_experts")
        yield _dense("shared experts", layers, width, shared, matrices=2)
    yield Term("norms", f"{len(pattern)} x {width:,}", len(pattern) * width, "vector")
