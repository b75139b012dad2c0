"""What `model.json` in a model folder says: the facts that guards, prompts and reports need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.engines.embedded.cache import file_digest, sha256_of
from judgefast.errors import ModelError
from judgefast.prompts.model_files import chat_template, read_object, text_of_token

if TYPE_CHECKING:
    from pathlib import Path

FACTS_FILE = "model.json"
_FORMAT = 1
_MODEL_FILES = ("openvino_model.xml", "openvino_model.bin")


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A model as the engine sees it."""

    architecture: str
    vocabulary: int
    """Tokens. Ids run from 0 to one less."""
    context_tokens: int
    """Prompt and completion together."""
    eos_ids: tuple[int, ...]
    special_ids: frozenset[int]
    """Tokens that are marks, not text."""
    bos_token: str = ""
    eos_token: str = ""
    chat_template: str | None = None
    layers: int
    kv_heads: int
    head_size: int
    files: dict[str, tuple[int, str]] = {}
    """Size in bytes and SHA-256 of each file beside it."""
    format: int = _FORMAT

    def bytes_per_token(self, bytes_per_value: int) -> int:
        """Size of one token in the KV cache. Bytes."""
        return 2 * self.layers * self.kv_heads * self.head_size * bytes_per_value


def write_facts(folder: Path, facts: ModelFacts) -> None:
    """Write `model.json`, with size and digest of every file that lies in `folder` now."""
    files = {
        path.name: (path.stat().st_size, sha256_of(path))
        for path in sorted(folder.iterdir())
        if path.name != FACTS_FILE
    }
    content = msgspec.json.encode(msgspec.structs.replace(facts, files=files))
    (folder / FACTS_FILE).write_bytes(content)


def read_facts(folder: Path) -> ModelFacts:
    """Read and check the facts of a folder: ours, or one that an exporter wrote.

    Raises:
        ModelError: A file is missing, damaged, or says too little.

    """
    if (folder / FACTS_FILE).is_file():
        return _own(folder)
    return _exported(folder)


def _own(folder: Path) -> ModelFacts:
    try:
        facts = msgspec.json.decode((folder / FACTS_FILE).read_bytes(), type=ModelFacts)
        damaged = facts.format != _FORMAT or not facts.files
        for name, (size, digest) in facts.files.items():
            path = folder / name
            damaged = damaged or path.stat().st_size != size or file_digest(path) != digest
    except (OSError, msgspec.DecodeError, ModelError):
        damaged = True
    if damaged:
        message = f"the converted model in `{folder}` is damaged"
        raise ModelError(message, hint=f"delete `{folder}`; it is made again at the next start")
    return facts


def _exported(folder: Path) -> ModelFacts:
    """Facts of a folder in the layout of Hugging Face and optimum-intel."""
    needed = (*_MODEL_FILES, "config.json", "tokenizer.json", "openvino_tokenizer.xml")
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        message = f"`{folder}` is no usable OpenVINO folder: it lacks {', '.join(missing)}"
        hint = "copy config.json and tokenizer.json of the model beside its OpenVINO files"
        raise ModelError(message, hint=hint)
    config = read_object(folder / "config.json")
    told = read_object(folder / "tokenizer_config.json")
    generation = read_object(folder / "generation_config.json")
    eos = generation.get("eos_token_id", config.get("eos_token_id"))
    tokens = read_object(folder / "tokenizer.json").get("added_tokens", [])
    try:
        heads = config["num_attention_heads"]
        return msgspec.convert(
            {
                "architecture": config["model_type"],
                "vocabulary": config["vocab_size"],
                "context_tokens": config["max_position_embeddings"],
                "eos_ids": eos if isinstance(eos, list) else [eos],
                "special_ids": [added["id"] for added in tokens if added["special"]],
                "bos_token": text_of_token(told.get("bos_token")),
                "eos_token": text_of_token(told.get("eos_token")),
                "chat_template": chat_template(folder),
                "layers": config["num_hidden_layers"],
                "kv_heads": config.get("num_key_value_heads") or heads,
                "head_size": config.get("head_dim") or config["hidden_size"] // heads,
            },
            type=ModelFacts,
        )
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        message = f"`{folder / 'config.json'}` says too little of the model: {error}"
        raise ModelError(message, hint="copy the model's own config.json there") from error
