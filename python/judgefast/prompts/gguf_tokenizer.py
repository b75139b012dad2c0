"""The tokenizer that a GGUF file carries, as an exact `tokenizers.Tokenizer`, without a hub.

Only pre-tokenizers that are known exactly are read. `smollm` was compared with the embedded
engine's own tokenizer on thousands of strings; `qwen2` is the pipeline of Qwen2's tokenizer.json.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from tokenizers import Tokenizer

_UNKNOWN, _CONTROL, _USER_DEFINED = 2, 3, 4
_QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_DAMAGE = (OSError, ValueError, TypeError, LookupError, OverflowError, MemoryError)
"""What `gguf` raises on a file that is cut, overwritten or no GGUF at all."""


class GgufTokenizerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What else the file says that shapes a prompt."""

    architecture: str
    pre: str
    """Name of the pre-tokenizer."""
    control_ids: frozenset[int]
    """Ids that no text of a candidate may hold: control, user-defined and unknown tokens."""
    bos_id: int | None
    eos_id: int | None
    bos_token: str
    eos_token: str
    chat_template: str | None
    """Jinja source."""
    context_tokens: int | None
    vocabulary_size: int


def tokenizer_from_gguf(path: Path) -> tuple[Tokenizer, GgufTokenizerFacts]:
    """Build the tokenizer of the model in `path`. About 2 s, nearly all of it reading the file.

    Args:
        path: A GGUF file; only its metadata is read.

    Returns:
        The tokenizer, with its control tokens as added tokens and without a normaliser that the
        model does not have, and the facts beside it.

    Raises:
        ModelError: No `gguf` package; a file that is missing, damaged or without a tokenizer; a
            tokenizer or pre-tokenizer other than byte-level `smollm` and `qwen2`, named.

    """
    fields = _read_fields(path)
    pre = str(fields.get("tokenizer.ggml.pre"))
    kind = fields.get("tokenizer.ggml.model")
    if kind != "gpt2" or pre not in {"smollm", "qwen2"}:
        message = f"`{path}` has the tokenizer `{kind}` with the pre-tokenizer `{pre}`"
        hint = "use a model whose pre-tokenizer is `smollm` or `qwen2`: no other is known exactly"
        raise ModelError(message, hint=hint)
    tokens = fields.get("tokenizer.ggml.tokens")
    types = fields.get("tokenizer.ggml.token_type")
    merges = fields.get("tokenizer.ggml.merges")
    if not (tokens and types and merges) or len(types) != len(tokens):
        message = f"`{path}` lacks tokens, token types or merges"
        raise ModelError(message, hint="get the file again: it is damaged or not a whole model")
    if len(set(tokens)) != len(tokens):
        message = f"`{path}` has {len(tokens) - len(set(tokens))} duplicate tokens"
        raise ModelError(message, hint="get the file again: it is damaged")
    unknown_id = _token_id(path, fields, "unknown", len(tokens))
    if unknown_id is None and _UNKNOWN in types:
        unknown_id = types.index(_UNKNOWN)
    bos_id = _token_id(path, fields, "bos", len(tokens))
    eos_id = _token_id(path, fields, "eos", len(tokens))
    control = {i for i, kind in enumerate(types) if kind in {_CONTROL, _USER_DEFINED}}
    if unknown_id is not None:
        control.add(unknown_id)
    architecture = str(fields.get("general.architecture"))
    facts = GgufTokenizerFacts(
        architecture=architecture,
        pre=pre,
        control_ids=frozenset(control),
        bos_id=bos_id,
        eos_id=eos_id,
        bos_token="" if bos_id is None else tokens[bos_id],
        eos_token="" if eos_id is None else tokens[eos_id],
        chat_template=fields.get("tokenizer.chat_template"),
        context_tokens=fields.get(f"{architecture}.context_length"),
        vocabulary_size=len(tokens),
    )
    unknown = None if unknown_id is None else tokens[unknown_id]
    try:
        tokenizer = _build(pre, tokens, types, merges, unknown)
    except Exception as error:  # `tokenizers` raises nothing narrower
        message = f"the tokenizer in `{path}` does not fit together: {error}"
        raise ModelError(message, hint="get the file again: it is damaged") from error
    if bos_id is not None and fields.get("tokenizer.ggml.add_bos_token"):
        from tokenizers import processors  # noqa: PLC0415 - heavy

        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{facts.bos_token} $A", special_tokens=[(facts.bos_token, bos_id)]
        )
    return tokenizer, facts


def _token_id(path: Path, fields: dict[str, Any], name: str, size: int) -> int | None:
    found = fields.get(f"tokenizer.ggml.{name}_token_id")
    if found is None or 0 <= found < size:
        return found
    message = f"`{path}` names token {found} as {name}, but holds only {size}"
    raise ModelError(message, hint="get the file again: it is damaged")


def _read_fields(path: Path) -> dict[str, Any]:
    try:
        import gguf  # noqa: PLC0415 - an extra, and heavy
    except ImportError as error:
        message = "reading a GGUF file needs the package `gguf`"
        raise ModelError(message, hint="pip install 'judgefast[embedded]'") from error
    if not path.is_file():
        message = f"there is no file `{path}`"
        raise ModelError(message, hint="name a GGUF file that exists")
    try:
        reader = gguf.GGUFReader(path)
        return {
            name: field.contents()
            for name, field in reader.fields.items()
            if name.startswith(("tokenizer.", "general.")) or name.endswith(".context_length")
        }
    except _DAMAGE as error:
        message = f"`{path}` cannot be read as GGUF: {error or type(error).__name__}"
        raise ModelError(message, hint="get the file again: it is damaged or not GGUF") from error


def _build(
    pre: str, tokens: list[str], types: list[int], merges: list[str], unknown: str | None
) -> Tokenizer:
    from tokenizers import (  # noqa: PLC0415 - heavy
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        normalizers,
        pre_tokenizers,
    )
    from tokenizers.models import BPE  # noqa: PLC0415 - heavy

    # Without the unknown token, bytes that the vocabulary lacks would vanish from the ids.
    tokenizer = Tokenizer(
        BPE(
            vocab={token: i for i, token in enumerate(tokens)},
            merges=[(left, right) for left, _, right in (m.partition(" ") for m in merges)],
            unk_token=unknown,
            fuse_unk=False,
        )
    )
    if pre == "smollm":
        steps = [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    else:
        tokenizer.normalizer = normalizers.NFC()
        steps = [
            pre_tokenizers.Split(Regex(_QWEN2_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens(
        [
            AddedToken(token, special=kind == _CONTROL, normalized=False)
            for token, kind in zip(tokens, types, strict=True)
            if kind in {_CONTROL, _USER_DEFINED}
        ]
    )
    return tokenizer
