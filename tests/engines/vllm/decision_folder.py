"""A random model that vLLM answers typed questions with: two layers of Qwen3, a token a byte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, LAYERS, HEADS, SIZE, CONTEXT = 64, 2, 2, 32, 2048
CONTROLS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_decision_folder(folder: Path, *, seed: int = 13) -> Path:
    """Write it; what it says hangs on every byte of its prompt, and on nothing else."""
    import torch  # noqa: PLC0415 - this and the next are there with vLLM only
    from safetensors.torch import save_file  # noqa: PLC0415 - as above

    folder.mkdir()
    size = _write_tokenizer(folder)
    torch.manual_seed(seed)
    shapes = {"model.embed_tokens": (size, WIDTH)}
    norms = {"model.norm": WIDTH}
    for layer in range(LAYERS):
        here = f"model.layers.{layer}"
        shapes |= {
            f"{here}.self_attn.q_proj": (HEADS * SIZE, WIDTH),
            f"{here}.self_attn.k_proj": (SIZE, WIDTH),
            f"{here}.self_attn.v_proj": (SIZE, WIDTH),
            f"{here}.self_attn.o_proj": (WIDTH, HEADS * SIZE),
            f"{here}.mlp.gate_proj": (2 * WIDTH, WIDTH),
            f"{here}.mlp.up_proj": (2 * WIDTH, WIDTH),
            f"{here}.mlp.down_proj": (WIDTH, 2 * WIDTH),
        }
        norms |= {f"{here}.{name}_layernorm": WIDTH for name in ("input", "post_attention")}
        norms |= {f"{here}.self_attn.{name}_norm": SIZE for name in "qk"}
    weights = {f"{name}.weight": torch.randn(shape) * 0.3 for name, shape in shapes.items()}
    weights |= {f"{name}.weight": torch.ones(length) for name, length in norms.items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    _write_json(
        folder / "config.json",
        architectures=["Qwen3ForCausalLM"],
        model_type="qwen3",
        vocab_size=size,
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=1,
        head_dim=SIZE,
        hidden_act="silu",
        rms_norm_eps=1e-6,
        rope_theta=10000.0,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=2,
        torch_dtype="float32",
    )
    return folder


def _write_tokenizer(folder: Path) -> int:
    """Bytes, and `yes` and `no`, which have to be one token each. Returns how many there are."""
    words = [*sorted(pre_tokenizers.ByteLevel.alphabet()), "ye", "yes", "no"]
    merges = [("y", "e"), ("ye", "s"), ("n", "o")]
    # Control tokens come first, and the vocabulary ends at a multiple of 64.
    names = [*CONTROLS, *words]
    tokenizer = Tokenizer(models.BPE({name: n for n, name in enumerate(names)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in CONTROLS])
    tokenizer.save(str(folder / "tokenizer.json"))
    _write_json(
        folder / "tokenizer_config.json",
        tokenizer_class="PreTrainedTokenizerFast",
        bos_token=None,
        eos_token=CONTROLS[2],
        pad_token=CONTROLS[0],
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )
    return -(-len(names) // 64) * 64


def _write_json(path: Path, **values: object) -> None:
    path.write_text(json.dumps(values, indent=1), encoding="utf-8")
