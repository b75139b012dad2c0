"""A judge model whose token ids are bytes: a server reads its prompts without a tokenizer."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CONTROL = ("<|im_start|>", "<|im_end|>")
"""Ids 256 and 257."""

THINK = ("<think>", "</think>")
"""Ids 258 and 259, of a judge that thinks."""

LAST_BYTE = 255
VOCABULARY = 256 + len(CONTROL)
CONTEXT = 4096

_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)

_THINKING = _TEMPLATE.replace(
    "assistant\n{% endif %}",
    "assistant\n{% if enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}{% endif %}",
)


def write_byte_model(folder: Path, *, thinks: bool = False) -> Path:
    """A folder as models have it, without weights: token `n` is byte `n`."""
    folder.mkdir(parents=True)
    control = CONTROL + THINK if thinks else CONTROL
    tokenizer = Tokenizer(models.BPE(vocab=_vocabulary(), merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in control])
    tokenizer.save(str(folder / "tokenizer.json"))
    told = {"eos_token": CONTROL[1], "chat_template": _THINKING if thinks else _TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(told), encoding="utf-8")
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": 256 + len(control),
        "eos_token_id": 257,
        "max_position_embeddings": CONTEXT,
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def text_of(ids: Sequence[int]) -> str:
    """What token ids say, control tokens left out."""
    return bytes(one for one in ids if one <= LAST_BYTE).decode("utf-8", "replace")


def ids_of(text: str) -> list[int]:
    """Token ids of a text, control tokens read where they are spelt."""
    parts = re.split("(" + "|".join(map(re.escape, CONTROL)) + ")", text)
    listed = [[256 + CONTROL.index(one)] if one in CONTROL else one.encode() for one in parts]
    return [token for part in listed for token in part]


def _vocabulary() -> dict[str, int]:
    """The characters by which a byte-level tokenizer writes bytes, printable ones as they are."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    characters = {byte: chr(byte) for byte in printable}
    characters |= {byte: chr(256 + place) for place, byte in enumerate(others)}
    return {character: byte for byte, character in characters.items()}
