"""A model whose next token is a matter of its last one alone, so that it thinks as it is told to.

No attention, no feed-forward: what is embedded, one place for each token, comes to the head as it
is, and the head has a 1 where the successor is. Tokens are bytes, some pairs, and marks.
"""

from __future__ import annotations

import string
from itertools import pairwise
from typing import TYPE_CHECKING

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from tests.prompts.marked import HARMONY, HARMONY_MESSAGES, TEMPLATES, THINK

from .hf_folder import write_json

if TYPE_CHECKING:
    from pathlib import Path

HARMONY_TEMPLATE = HARMONY_MESSAGES + "<|start|>assistant"

_PAIRS = ("\n\n", "[[", "]]")
_MARKS = (*THINK, *HARMONY)
_WIDTH, _HEADS, _SIZE = 288, 9, 32

THOUGHT = string.ascii_lowercase
"""What it thinks behind a line feed, before it closes its thinking."""

_NEXT = {
    "\n": "a",
    **dict(pairwise(THOUGHT)),
    "z": "</think>",
    "\n\n": "[[",
    "[[": "A",
    "A": "]]",
    "]]": "<|im_end|>",
    "0": "0",
    "<|message|>": "1",
    "1": "2",
    "2": "<|end|>",
    '"': '"',
}


def write_chain(folder: Path) -> Path:
    """Two megabytes, to be loaded in float32."""
    import torch  # noqa: PLC0415 - this and the next are there with vLLM only
    from safetensors.torch import save_file  # noqa: PLC0415 - as above

    folder.mkdir()
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    size = tokenizer.get_vocab_size()
    assert size <= _WIDTH
    head = torch.zeros(size, _WIDTH)
    for last, following in _NEXT.items():
        [before], [after] = (tokenizer.encode(text).ids for text in (last, following))
        head[after, before] = 1
    layer = "model.layers.0"
    weights = {
        "model.embed_tokens.weight": torch.eye(size, _WIDTH),
        "model.norm.weight": torch.ones(_WIDTH),
        "lm_head.weight": head,
        f"{layer}.input_layernorm.weight": torch.ones(_WIDTH),
        f"{layer}.post_attention_layernorm.weight": torch.ones(_WIDTH),
        f"{layer}.self_attn.q_proj.weight": torch.zeros(_HEADS * _SIZE, _WIDTH),
        f"{layer}.self_attn.k_proj.weight": torch.zeros(_SIZE, _WIDTH),
        f"{layer}.self_attn.v_proj.weight": torch.zeros(_SIZE, _WIDTH),
        f"{layer}.self_attn.o_proj.weight": torch.zeros(_WIDTH, _HEADS * _SIZE),
        f"{layer}.mlp.gate_proj.weight": torch.zeros(_SIZE, _WIDTH),
        f"{layer}.mlp.up_proj.weight": torch.zeros(_SIZE, _WIDTH),
        f"{layer}.mlp.down_proj.weight": torch.zeros(_WIDTH, _SIZE),
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(
        folder / "config.json",
        architectures=["LlamaForCausalLM"],
        model_type="llama",
        torch_dtype="float32",
        vocab_size=size,
        hidden_size=_WIDTH,
        intermediate_size=_SIZE,
        num_hidden_layers=1,
        num_attention_heads=_HEADS,
        num_key_value_heads=1,
        head_dim=_SIZE,
        rms_norm_eps=1e-6,
        max_position_embeddings=8192,
        tie_word_embeddings=False,
        eos_token_id=tokenizer.token_to_id("<|im_end|>"),
        bos_token_id=None,
    )
    write_json(
        folder / "tokenizer_config.json",
        tokenizer_class="PreTrainedTokenizerFast",
        eos_token=THINK[1],
        chat_template=TEMPLATES["switched"],
        clean_up_tokenization_spaces=False,
    )
    return folder


def _tokenizer() -> Tokenizer:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    pairs = [(pair[0].replace("\n", "\u010a"),) * 2 for pair in _PAIRS]
    names = [*letters, *("".join(pair) for pair in pairs)]
    vocabulary = {name: place for place, name in enumerate(names)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=pairs))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens(
        [AddedToken(mark, special=mark not in THINK[2:], normalized=False) for mark in _MARKS]
    )
    return tokenizer
