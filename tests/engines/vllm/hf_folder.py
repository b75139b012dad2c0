"""Model folders that vLLM loads, made without a hub: SmolLM2 out of its GGUF, or a tiny one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from judgefast.prompts.gguf_tokenizer import tokenizer_from_gguf

if TYPE_CHECKING:
    from pathlib import Path

_LAYER = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_down": "mlp.down_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
}
_TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def write_smollm2(source: Path, folder: Path) -> Path:
    """The model of a GGUF file of architecture llama, as a Hugging Face folder in bfloat16."""
    import gguf  # noqa: PLC0415 - this and the next two are there with vLLM only
    import torch  # noqa: PLC0415 - as above
    from safetensors.torch import save_file  # noqa: PLC0415 - as above

    reader = gguf.GGUFReader(source)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    told = {name.removeprefix("llama."): value for name, value in fields.items()}
    width, heads = told["embedding_length"], told["attention.head_count"]
    kv_heads, size = told["attention.head_count_kv"], width // heads
    weights: dict[str, Any] = {}
    for tensor in reader.tensors:
        shape = tuple(int(each) for each in tensor.shape[::-1])
        values = torch.tensor(gguf.dequantize(tensor.data, tensor.tensor_type)).reshape(shape)
        parts = tensor.name.removesuffix(".weight").split(".")
        if parts[-1] in {"attn_q", "attn_k"}:  # llama.cpp interleaves the halves of a rotation
            own = heads if parts[-1] == "attn_q" else kv_heads
            values = values.reshape(own, size // 2, 2, width).swapaxes(1, 2).reshape(shape)
        name = f"model.layers.{parts[1]}.{_LAYER[parts[2]]}" if len(parts) > 1 else _TOP[parts[0]]
        weights[f"{name}.weight"] = values.to(torch.bfloat16).contiguous()
    folder.mkdir()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(
        folder / "config.json",
        **write_tokenizer(source, folder),
        hidden_size=width,
        intermediate_size=told["feed_forward_length"],
        num_hidden_layers=told["block_count"],
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=size,
        rms_norm_eps=round(told["attention.layer_norm_rms_epsilon"], 8),
        rope_theta=told["rope.freq_base"],
        max_position_embeddings=told["context_length"],
    )
    return folder


def write_tiny(source: Path, folder: Path, *, window: int | None = None) -> Path:
    """A folder without weights (load_format="dummy"): two layers, the tokenizer of a GGUF file.

    With a `window` the first layer looks at no more than so many tokens.
    """
    folder.mkdir()
    sliding = {"sliding_window": window, "layer_types": ["sliding_attention", "full_attention"]}
    write_json(
        folder / "config.json",
        **write_tokenizer(source, folder),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=32,
        rms_norm_eps=1e-6,
        rope_theta=10000.0,
        max_position_embeddings=4096,
        **sliding if window else {},
    )
    return folder


def write_tokenizer(source: Path, folder: Path) -> dict[str, Any]:
    """Write the tokenizer of a GGUF file; what config.json says of it and of the architecture."""
    tokenizer, known = tokenizer_from_gguf(source)
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(
        folder / "tokenizer_config.json",
        tokenizer_class="PreTrainedTokenizerFast",
        bos_token=known.bos_token,
        eos_token=known.eos_token,
        chat_template=known.chat_template,
        clean_up_tokenization_spaces=False,
    )
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": known.vocabulary_size,
        "hidden_act": "silu",
        "tie_word_embeddings": True,
        "bos_token_id": known.eos_id,
        "eos_token_id": known.eos_id,
        "torch_dtype": "bfloat16",
    }


def write_json(path: Path, **values: object) -> None:
    path.write_text(json.dumps(values, indent=1), encoding="utf-8")
