"""Judge models: facts with their sources, and sizes that are computed from config.json."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from judgefast.catalogue.config_json import KEYS, kept, text_of
from judgefast.catalogue.files import Source, find, read_rows
from judgefast.catalogue.folders import find_folder
from judgefast.catalogue.shape import Shape, count_of, read_config, shape_of
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgefast.catalogue.parameters import Count

Kind = Literal["generalist", "judge", "reward", "decision"]
"""Made for anything; tuned to judge; gives one number; answers by a decision, not by a text."""


_COUNTS = ("context", "published_parameters", "published_active", "weight_bytes")
_SIZES = (
    *("hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads"),
    *("head_dim", "intermediate_size", "vocab_size", "max_position_embeddings"),
)
"""Of config.json: numbers, wherever they are given."""
_BITS = 8


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One model. None is a fact that no source was found for."""

    key: str
    name: str
    hub_id: str | None = None
    """On the Hugging Face hub, or wherever `note` says."""
    family: str | None = None
    """Lineage: judges of different families fail differently."""
    kind: Kind | None = None
    base_model: str | None = None
    """That it was trained from."""
    licence: str | None = None
    released: str | None = None
    """Year, with the month where it is known."""
    context: int | None = None
    """Tokens that it is published for; config.json may say fewer."""
    tokenizer: str | None = None
    published_parameters: int | None = None
    published_active: int | None = None
    """For each token, of a model with experts."""
    quantized: str | None = None
    """How the checkpoint is quantised, where its config.json does not say."""
    weight_bytes: int | None = None
    """Of the checkpoint's files, where they were seen; else computed."""
    config: dict[str, Any] | None = None
    """Of its config.json, what sizes are computed from."""
    unverified: list[str] = []
    """Fields that no source was seen for, though they are commonly said."""
    note: str | None = None
    sources: list[Source] = []

    @property
    def names(self) -> list[str]:
        """Other names that it is known by."""
        return [self.name, *([self.hub_id] if self.hub_id else [])]

    @property
    def shape(self) -> Shape | None:
        """Its sizes; None where its config.json is not known."""
        if self.config is None:
            return None
        shape = shape_of(None, self._config)
        if self.weight_bytes is None:
            return shape
        return msgspec.structs.replace(shape, weight_bytes=self.weight_bytes)

    @property
    def count(self) -> Count | None:
        """Its parameters, term by term."""
        return None if self.config is None else count_of(self._config)

    @property
    def _config(self) -> dict[str, Any]:
        config = self.config or {}
        if self.quantized is None:
            return config
        return config | {"quantization_config": {"quant_method": self.quantized}}


def read_models() -> dict[str, Model]:
    """All models by key, the user's own among them.

    Raises:
        ConfigError: A line of the user's file is not a row.

    """
    return read_rows("models", Model, check_own)


def check_own(model: Model, models: Mapping[str, Model]) -> None:
    """Refuse sizes that are none, of which nothing could be computed.

    Raises:
        ValueError: Says which field.

    """
    del models
    for name in _COUNTS:
        value = getattr(model, name)
        if value is not None and value < 1:
            message = f"`{name}` is {value}; it must be above 0, or null where it is not known"
            raise ValueError(message)
    if model.config is None:
        return
    if not KEYS & text_of(model.config).keys():
        message = "`config` says nothing of any size; paste the whole of the model's config.json"
        raise ValueError(message)
    told = text_of(model.config)
    for name in _SIZES:
        value = told.get(name)
        # Some families have a list here, one number a layer.
        if value is not None and not isinstance(value, list) and not _is_count(value):
            message = f"`config` has `{name}`: {value!r}; it must be a whole number"
            raise ValueError(message)
    count = model.count
    if model.weight_bytes is not None and count and model.weight_bytes < count.total / _BITS:
        least = f"{model.weight_bytes:,} bytes for {count.total:,} parameters"
        message = f"`weight_bytes` is too small: {least} is less than a bit for each"
        raise ValueError(message)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def find_model(name: str | Path) -> Model:
    """Find a model by its name, by that of the hub, or by its files.

    Args:
        name: A name; or a folder with config.json, or that file.

    Raises:
        ConfigError: No model has that name; the message says which are alike.
        ModelError: The folder is none, or its config.json cannot be read.

    >>> find_model("qwen/qwen2.5-72b-instruct").key
    'Qwen2.5-72B-Instruct'

    """
    path = Path(name).expanduser()
    if isinstance(name, Path) or path.suffix == ".json" or path.is_dir():
        return model_of(path)
    try:
        return find("model", name, read_models())
    except ConfigError as error:
        folder = find_folder(name)
        if folder is not None:
            return msgspec.structs.replace(model_of(folder), key=name, name=name, hub_id=name)
        hint = f"{error.hint}; `judgefast models add CONFIG.json` takes any other"
        raise ConfigError(str(error), hint=hint) from None


def model_of(path: Path, name: str | None = None) -> Model:
    """Make a row of a model's own files.

    Args:
        path: Its folder, or its config.json alone.
        name: What to call it; by default as its folder.

    Raises:
        ModelError: config.json cannot be read.

    """
    file = path if path.is_file() or path.suffix == ".json" else path / "config.json"
    config = read_config(file)
    shape = shape_of(file.parent, config)
    computed = shape_of(None, config)
    told = kept(config)
    own = name or file.resolve().parent.name
    weights = shape.weight_bytes if shape.weight_bytes != computed.weight_bytes else None
    day = datetime.fromtimestamp(file.stat().st_mtime, tz=UTC).date().isoformat()
    fields = ["config", *(["context"] if shape.context else [])]
    fields += ["weight_bytes"] if weights else []
    by_file = shape.quantized if shape.quantized and not computed.quantized else None
    fields += ["quantized"] if by_file else []
    return Model(
        key=own,
        name=own,
        context=shape.context,
        quantized="fp8" if by_file and shape.precision == "fp8" else by_file,
        weight_bytes=weights,
        config=told,
        sources=[Source(fields=fields, source=str(file.resolve()), date=day)],
    )
