"""A judge model in the usual layout of a folder: what shapes prompts and names it, without weights.

The files are those that Hugging Face's `transformers` writes: config.json, tokenizer.json,
tokenizer_config.json or chat_template.jinja, generation_config.json, *.safetensors.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path  # noqa: TC003 - a field of a named tuple
from typing import Any, NamedTuple

from judgefast.errors import ModelError
from judgefast.prompts.harmony import HARMONY_TEMPLATE, speaks_harmony
from judgefast.prompts.model import JudgeModel
from judgefast.prompts.model_files import chat_template, read_object, text_of_token
from judgefast.prompts.tokenizer import PromptTokenizer

_SAMPLE_BYTES = 1 << 20
_WEIGHTS = "*.safetensors"


class ModelFolder(NamedTuple):
    """A model as its folder describes it."""

    path: Path
    model: JudgeModel
    eos_ids: frozenset[int]
    """Tokens that end a completion."""
    config: dict[str, Any]
    """config.json."""


def read_model_folder(path: Path, *, name: str | None = None) -> ModelFolder:
    """Read the files beside the weights.

    Args:
        path: The folder.
        name: What the judge is called in reports and keys; None for the folder's own name.

    Raises:
        ModelError: A file is missing or cannot be read.

    """
    if not (path / "config.json").is_file():
        message = f"`{path}` is no model folder: it has no config.json"
        raise ModelError(message, hint="name the folder that holds the model's config.json")
    config = read_object(path / "config.json")
    told = read_object(path / "tokenizer_config.json")
    generation = read_object(path / "generation_config.json")
    tokenizer = PromptTokenizer.from_file(path / "tokenizer.json")
    template = chat_template(path)
    if template is None and speaks_harmony(tokenizer):
        template = HARMONY_TEMPLATE
    end = text_of_token(told.get("eos_token"))
    ids = generation.get("eos_token_id", config.get("eos_token_id"))
    eos = {one for one in (ids if isinstance(ids, list) else [ids]) if isinstance(one, int)}
    # The end of a turn, where it is no end of text by the config.
    eos |= {one for one in tokenizer.control_ids if end and tokenizer.decode([one]) == end}
    model = JudgeModel(
        name=name or path.resolve().name,
        digest=digest_of(path),
        tokenizer=tokenizer,
        chat_template=template,
        bos_token=text_of_token(told.get("bos_token")),
        eos_token=end,
        context_tokens=_context(config),
    )
    return ModelFolder(path, model, frozenset(eos), config)


def digest_of(path: Path) -> str:
    """Digest of a model: 64 hex digits.

    A folder of the hub's cache is named after its revision, which is one. Else over config and
    tokenizer whole, and of each file of weights its name, size, first and last MiB: reading
    hundreds of gigabytes at every start is no check that anybody would leave on.
    """
    resolved = path.resolve()
    if resolved.parent.name == "snapshots":
        return sha256(resolved.name.encode()).hexdigest()
    whole = sha256()
    for name in ("config.json", "tokenizer.json"):
        if (path / name).is_file():
            whole.update(name.encode() + b"\0" + sha256((path / name).read_bytes()).digest())
    for weights in sorted(path.glob(_WEIGHTS)):
        size = weights.stat().st_size
        with weights.open("rb") as file:
            head = file.read(_SAMPLE_BYTES)
            file.seek(max(0, size - _SAMPLE_BYTES))
            sample = sha256(head + file.read()).digest()
        whole.update(weights.name.encode() + b"\0" + size.to_bytes(8, "little") + sample)
    return whole.hexdigest()


def _context(config: dict[str, Any]) -> int | None:
    longest = config.get("max_position_embeddings")
    return longest if isinstance(longest, int) else None
