"""A decision model of two layers with random weights, as llama.cpp reads it: 500 KB, made in 0.1 s.

It knows bytes, three control tokens, and nothing else. What it decides is noise, but noise that
hangs on every byte of the prompt, on the place of each option, and on nothing else: so that what a
server does with states, options and control tokens can be seen in its answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gguf
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

LAYERS, WIDTH, HEADS, HEAD, FEED = 2, 64, 4, 16, 128
CONTEXT = 4096
CONTROLS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

TEMPLATE = (
    "<|im_start|>user\n{{ state if state is string else state | tojson }}\n{{ instructions }}\n"
    "{% for option in options %}{{ loop.index }}. {{ option.key }}: {{ option.description }}\n"
    "{% endfor %}<|im_end|>\n<|im_start|>assistant\n"
)


def write_tiny_gguf(path: Path, kind: str | None, *, seed: int = 1) -> Path:
    """Write a model.

    Args:
        path: Where to.
        kind: Of decision model, as llama.cpp calls it; None for a model that decides nothing.
        seed: Of its weights.

    """
    writer = gguf.GGUFWriter(str(path), "qwen3")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10_000.0)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    _add_vocabulary(writer)
    writer.add_chat_template("{% for m in messages %}{{ m.content }}{% endfor %}")
    if kind is not None:
        writer.add_string("qwen3.decision.type", kind)
        writer.add_string("tokenizer.chat_template.systemone", TEMPLATE)
    _add_weights(writer, np.random.default_rng(seed))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _bytes() -> list[str]:
    """Every byte as GPT-2 writes it in a vocabulary."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in plain]
    names = {byte: chr(byte) for byte in plain}
    names |= {byte: chr(256 + place) for place, byte in enumerate(others)}
    return [names[byte] for byte in range(256)]


def _add_vocabulary(writer: gguf.GGUFWriter) -> None:
    tokens = [*_bytes(), "th", *CONTROLS]
    normal, control = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([normal] * 257 + [control] * len(CONTROLS))
    writer.add_token_merges(["t h"])
    writer.add_eos_token_id(257)
    writer.add_pad_token_id(257)
    writer.add_add_bos_token(value=False)


def _add_weights(writer: gguf.GGUFWriter, rng: np.random.Generator) -> None:
    vocabulary, inner = 257 + len(CONTROLS), HEADS * HEAD

    def put(name: str, *shape: int) -> None:
        drawn = rng.normal(0, 2 / np.sqrt(shape[-1]), shape)
        writer.add_tensor(f"{name}.weight", drawn.astype(np.float32))

    def ones(name: str, size: int) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(size, dtype=np.float32))

    put("token_embd", vocabulary, WIDTH)
    put("output", vocabulary, WIDTH)
    ones("output_norm", WIDTH)
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        for name in ("attn_norm", "ffn_norm"):
            ones(f"{block}.{name}", WIDTH)
        for name in ("attn_q_norm", "attn_k_norm"):
            ones(f"{block}.{name}", HEAD)
        for name in ("attn_q", "attn_k", "attn_v"):
            put(f"{block}.{name}", inner, WIDTH)
        put(f"{block}.attn_output", WIDTH, inner)
        put(f"{block}.ffn_gate", FEED, WIDTH)
        put(f"{block}.ffn_up", FEED, WIDTH)
        put(f"{block}.ffn_down", WIDTH, FEED)
