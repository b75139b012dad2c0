"""Sizes of a model, by its config.json and its files: parameters, weights, memory for each token.

Everything is computed here, once: the settings of vLLM, servers, estimates and the list of models
all have it from here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from judgefast.catalogue.attention import HALF, attention_of, head_size, state_bytes
from judgefast.catalogue.config_json import text_of, whole
from judgefast.catalogue.parameters import Count, count_parameters
from judgefast.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

Precision = Literal["bf16", "fp8", "4bit", "mxfp4"]
"""Of weights: 16 bits; 8 bits but for embedding and output head; 4.25 bits, scales included, but
for these two; 4.25 bits of the experts alone."""

FOUR_BITS = 4.25 / 8
"""Bytes of a 4-bit weight with its scale, shared by 32."""

_NUMBER_BYTES: dict[Precision, float] = {"bf16": 2, "fp8": 1, "4bit": FOUR_BITS, "mxfp4": FOUR_BITS}


_COMPRESSED: dict[str, Precision] = {"float8": "fp8", "int4": "4bit", "float4": "4bit"}
"""By what compressed-tensors says of its weights."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of a model. None is "the files do not say", never 0."""

    weight_bytes: int | None
    """By the files of the checkpoint, or worked out from config.json; what has 32 bits there has 16
    once it is loaded."""
    outer_bytes: int
    """Of these, embedding and output head, which quantisation leaves as they are."""
    quantized: str | None
    """Method by which the checkpoint itself is quantised."""
    precision: Precision | None
    """Of the checkpoint; None where it is quantised in a way that is not known here."""
    cache_bytes: int | None
    """KV cache for each token in layers that look at all tokens, 16-bit numbers."""
    sliding_bytes: int
    """The same in layers that look at no more than the last `window` tokens."""
    window: int | None
    """Tokens that these keep; None where no layer slides."""
    full_layers: int
    """Layers that look at all tokens; 0 where the files do not say."""
    sliding_layers: int
    state_bytes: int
    """Of a sequence in layers that keep a state of one size (Mamba, linear attention)."""
    is_latent: bool
    """The cache is compressed (MLA): every GPU of a group holds all of it."""
    heads: int
    """Of queries: the GPUs of a group must divide them."""
    kv_heads: int
    context: int | None
    """Tokens that vLLM takes of this model at most."""
    parameters: int | None = None
    """All, of the text model."""
    active_parameters: int | None = None
    """That one token has to do with: of experts those it is sent to, of the embedding nothing
    unless it is the output head too."""
    matmul_parameters: int | None = None
    """Of these, in matrices that the token is multiplied by, output head included."""
    outer_parameters: int = 0
    """Of embedding and output head."""
    head_parameters: int = 0
    """Of the output head, which only tokens that are written pass through."""
    expert_parameters: int = 0
    """Of all experts that a token may be sent to."""
    experts: int = 1
    """That a token may be sent to in each layer; 1 in a model without."""
    experts_used: int = 1
    """That it is sent to."""
    layers: int | None = None
    hidden: int | None = None
    """Numbers of a token between layers."""
    head_dim: int | None = None
    vocabulary: int | None = None
    pair_flop: int = 0
    """FLOP of one token looking at one other, over layers that look at all tokens."""
    sliding_pair_flop: int = 0
    """The same over layers that slide."""

    @property
    def is_sliding(self) -> bool:
        """Whether some layers look at the last tokens alone."""
        return self.window is not None

    @property
    def flop_per_token(self) -> int | None:
        """FLOP of the matrices for a token that is written; 2 `head_parameters` less for others."""
        return None if self.matmul_parameters is None else 2 * self.matmul_parameters

    def attention_flop(self, context: float) -> float:
        """FLOP of one token that looks at `context` tokens, over all layers.

        >>> shape_of(None, {"num_hidden_layers": 2, "hidden_size": 8}).attention_flop(10)
        640.0
        """
        seen = context if self.window is None else min(context, self.window)
        return float(self.pair_flop * context + self.sliding_pair_flop * seen)

    def weight_bytes_at(self, precision: Precision | None) -> int | None:
        """Bytes of weights, rounded as they load.

        Args:
            precision: None for the checkpoint's own; one that is quantised keeps its own.

        Returns:
            None where it is not known, or `mxfp4` is asked of a model without experts.

        """
        if precision is None or self.quantized is not None or precision == self.precision:
            return self.weight_bytes
        if precision == "fp8":
            return self.quantized_bytes()
        if precision == "mxfp4" and not self.expert_parameters:
            return None
        return _bytes_at(precision, self.parameters, self.outer_parameters, self.expert_parameters)

    def quantized_bytes(self) -> int | None:
        """Bytes of weights once the inner ones are rounded to 8 bits as they load."""
        if self.weight_bytes is None:
            return None
        return self.outer_bytes + (self.weight_bytes - self.outer_bytes) // HALF

    def read_bytes_at(self, precision: Precision | None, sequences: float = 1) -> float | None:
        """Bytes of weights that a step reads which writes a token of each of some sequences.

        Without the embedding, of which a few rows are read; of experts so many as are expected to
        be asked by at least one token, if each asks any with the same probability.
        """
        weights = self.weight_bytes_at(precision)
        if weights is None:
            return None
        read = weights - (self.outer_parameters - self.head_parameters) * HALF
        of_number = self.precision if self.quantized or precision is None else precision
        if of_number is None:
            return float(read)
        untouched = (1 - self.experts_used / self.experts) ** sequences
        return read - float(untouched * self.expert_parameters) * _NUMBER_BYTES[of_number]

    def sequence_bytes(self, tokens: float, *, number_bytes: int, gpus: int) -> float | None:
        """KV cache of one sequence, over all of a group of GPUs."""
        if self.cache_bytes is None:
            return None
        kept = min(tokens, self.window) if self.window is not None else 0
        one = (self.cache_bytes * tokens + self.sliding_bytes * kept) * number_bytes / HALF
        # A head of keys that fewer than all can share is on several of them.
        copies = gpus if self.is_latent else max(1.0, gpus / max(1, self.kv_heads))
        return self.state_bytes + one * copies


def read_shape(folder: Path) -> Shape:
    """Read the sizes off a model folder, or off a config.json alone.

    Raises:
        ModelError: config.json cannot be read.

    """
    file = folder if folder.is_file() else folder / "config.json"
    return shape_of(file.parent, read_config(file))


def read_config(file: Path) -> dict[str, Any]:
    """The object in a config.json.

    Raises:
        ModelError: It cannot be read, or is no object.

    """
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        message = f"`{file}` cannot be read: {error}"
        raise ModelError(message, hint="copy the model's own file there") from error
    if not isinstance(config, dict):
        message = f"`{file}` holds no JSON object"
        raise ModelError(message, hint="copy the model's own file there")
    return config


def shape_of(folder: Path | None, config: dict[str, Any]) -> Shape:
    """Compute the sizes of a model.

    Args:
        folder: Where its files are; weights may be missing. None: config.json is all there is.
        config: Its config.json.

    """
    told = text_of(config)
    method, precision = _quantized(folder, config, told)
    heads = whole(told, "num_attention_heads") or 1
    attention = attention_of(told, heads)
    slides = attention.sliding_bytes > 0
    count = count_parameters(told, heads)
    total, outer, experts = _sums(count)
    if count is None:
        tables = 1 if told.get("tie_word_embeddings") is True else 2
        outer = tables * (whole(told, "vocab_size") or 0) * (whole(told, "hidden_size") or 0)
    weights = None if folder is None else _bytes_of_files(folder)
    if weights is None:
        weights = _bytes_at(precision, total, outer, experts)
    elif method is None and _is_single(told):
        weights //= 2
    return Shape(
        weight_bytes=weights,
        outer_bytes=outer * HALF,
        quantized=method,
        precision=precision,
        cache_bytes=attention.full_bytes,
        sliding_bytes=attention.sliding_bytes,
        window=whole(told, "sliding_window") if slides else None,
        full_layers=attention.full_layers,
        sliding_layers=attention.sliding_layers if slides else 0,
        state_bytes=state_bytes(told),
        is_latent=attention.is_latent,
        heads=heads,
        kv_heads=attention.kv_heads,
        context=_context(folder, told),
        parameters=total,
        active_parameters=None if count is None else count.active,
        matmul_parameters=None if count is None else count.multiplied,
        outer_parameters=outer,
        head_parameters=0 if count is None else count.sum_of("tied", "head"),
        expert_parameters=experts,
        experts=1 if count is None else count.experts[1],
        experts_used=1 if count is None else count.experts[0],
        layers=whole(told, "num_hidden_layers"),
        hidden=whole(told, "hidden_size"),
        head_dim=head_size(told, heads) or None,
        vocabulary=whole(told, "vocab_size"),
        pair_flop=attention.full_pair,
        sliding_pair_flop=attention.sliding_pair,
    )


def count_of(config: dict[str, Any]) -> Count | None:
    """The parameters of a config.json term by term, as `Shape.parameters` is their sum."""
    told = text_of(config)
    return count_parameters(told, whole(told, "num_attention_heads") or 1)


def _sums(count: Count | None) -> tuple[int | None, int, int]:
    """Parameters: all, of embedding and output head, of experts."""
    if count is None:
        return None, 0, 0
    return count.total, count.sum_of("embedding", "tied", "head"), count.sum_of("expert")


def _bytes_at(
    precision: Precision | None, parameters: int | None, outer: int, experts: int
) -> int | None:
    if parameters is None or precision is None:
        return None
    if precision == "bf16":
        return HALF * parameters
    if precision == "fp8":
        return parameters + outer
    small = experts if precision == "mxfp4" else parameters - outer
    return int(HALF * (parameters - small) + FOUR_BITS * small)


def _quantized(
    folder: Path | None, config: dict[str, Any], told: dict[str, Any]
) -> tuple[str | None, Precision | None]:
    """How a checkpoint is quantised, in any of the places where vLLM looks for it."""
    for source in (config, told):
        for name in ("quantization_config", "compression_config"):
            said = source.get(name)
            if isinstance(said, dict) and said:
                method = str(said.get("quant_method") or "unnamed")
                return method, _precision_of(method, said)
    said = {} if folder is None else _json(folder / "hf_quant_config.json")
    if said:
        inner = said.get("quantization")
        return "modelopt", _precision_of("modelopt", inner if isinstance(inner, dict) else said)
    return None, "bf16"


def _precision_of(method: str, said: dict[str, Any]) -> Precision | None:
    """The nearest of our precisions; None where a file has to say how large it is."""
    if method == "mxfp4":
        return "mxfp4"
    if method in {"fp8", "fbgemm_fp8"} or str(said.get("quant_algo")).upper() == "FP8":
        return "fp8"
    if method in {"awq", "gptq"} and 4 in (said.get("bits"), said.get("w_bit")):  # noqa: PLR2004 - of "4bit"
        return "4bit"
    groups = said.get("config_groups")
    first = next(iter(groups.values()), None) if isinstance(groups, dict) else None
    weights = first.get("weights") if isinstance(first, dict) else None
    if not isinstance(weights, dict):
        return None
    kind = f"{weights.get('type')}{weights.get('num_bits')}"
    return _COMPRESSED.get(kind)


def _is_single(told: dict[str, Any]) -> bool:
    """Whether the numbers in the files have 32 bits."""
    return "float32" in (told.get("dtype"), told.get("torch_dtype"))


def _context(folder: Path | None, told: dict[str, Any]) -> int | None:
    """By config.json and, where it says less, by the tokenizer, as vLLM has it."""
    files = {} if folder is None else _json(folder / "tokenizer_config.json")
    of_tokenizer = whole(files, "model_max_length")
    known = [each for each in (whole(told, "max_position_embeddings"), of_tokenizer) if each]
    return min(known, default=None)


def _bytes_of_files(folder: Path) -> int | None:
    """Bytes of the weights by their files, or by the index of files that are not here yet."""
    told = _json(folder / "model.safetensors.index.json")
    of_weights, about = (told.get(name) or {} for name in ("weight_map", "metadata"))
    names = {str(name) for name in of_weights.values()}
    if names and all((folder / name).is_file() for name in names):
        return sum((folder / name).stat().st_size for name in names)
    if total := whole(about, "total_size"):
        return total
    found = [path for path in weight_files(folder) if path.is_file()]
    return sum(path.stat().st_size for path in found) if found else None


def weight_files(folder: Path) -> list[Path]:
    """Files of weights that vLLM reads: Mistral's own copy of them beside others is none."""
    found = sorted(folder.glob("*.safetensors"))
    return [path for path in found if not path.name.startswith("consolidated")] or found


def _json(path: Path) -> dict[str, Any]:
    """An object in a file; empty where there is none: vLLM says what is wrong with it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
