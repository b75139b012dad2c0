"""What a model's class has that its config.json does not say, by `model_type`.

As in transformers' and vLLM's own code of each class.
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class ModelClass(NamedTuple):
    """What a model class has that config.json does not say."""

    bias: Literal["none", "said", "said_without_out", "always"] = "said"
    """Of the projections of attention: by `attention_bias`, without the output's, or always."""
    head_norms: Literal["none", "head", "all", "said"] = "none"
    """Norms of queries and keys: of each head's size, of all heads together, by `use_qk_norm`."""
    norms: int = 2
    """Of the model's width, in a layer."""
    sinks: bool = False
    """A number for each head, beside the tokens that it looks at."""
    router_bias: bool = False
    expert_bias: bool = False


CLASSES = {
    "cohere2": ModelClass(norms=1),
    "deepseek_v2": ModelClass(),
    "deepseek_v3": ModelClass(router_bias=True),
    "gemma": ModelClass(),
    "gemma2": ModelClass(norms=4),
    "gemma3_text": ModelClass(head_norms="head", norms=4),
    "gemma4_text": ModelClass(head_norms="head", norms=4),
    "glm4_moe": ModelClass(bias="said_without_out", head_norms="said", router_bias=True),
    "gpt_oss": ModelClass(sinks=True, router_bias=True, expert_bias=True),
    "llama": ModelClass(),
    "mistral": ModelClass(bias="none"),
    "mixtral": ModelClass(bias="none"),
    "nemotron-nas": ModelClass(),
    "nemotron_h": ModelClass(router_bias=True),
    "olmo2": ModelClass(head_norms="all"),
    "olmo3": ModelClass(head_norms="all"),
    "phi3": ModelClass(bias="none"),
    "qwen2": ModelClass(bias="always"),
    "qwen2_moe": ModelClass(bias="always"),
    "qwen3": ModelClass(head_norms="head"),
    "qwen3_5_moe_text": ModelClass(head_norms="head"),
    "qwen3_5_text": ModelClass(head_norms="head"),
    "qwen3_moe": ModelClass(head_norms="head"),
    "qwen3_next": ModelClass(head_norms="head"),
}
