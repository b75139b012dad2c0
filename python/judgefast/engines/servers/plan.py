"""From a model and what is needed of it to the one command that serves it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.catalogue.attention import HALF
from judgefast.catalogue.fits import UTILISATION, memory_of, room_bytes
from judgefast.catalogue.folders import find_folder
from judgefast.catalogue.gpus import find_gpu
from judgefast.catalogue.shape import Shape, read_shape, shape_of
from judgefast.engines.servers.arguments import to_flags
from judgefast.engines.servers.gpus import cloud_name, least_parts, memory_gb, spread
from judgefast.engines.servers.presets import find_preset
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgefast.engines.servers.need import Need

_FOR_EVERY_MODEL: Mapping[str, Any] = {
    # Twice what `vllm serve` takes by itself: a judge reads more than it writes.
    "max_num_batched_tokens": 16_384,
    # Else the model's own file changes temperature and penalties behind a request's back.
    "generation_config": "vllm",
    # Without white space of the model's own choice, of which a grammar allows any amount.
    "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    "enable_prompt_tokens_details": True,  # cached tokens are counted
    "stream_interval": 64,  # tokens in one event of a stream: nobody watches
    "disable_uvicorn_access_log": True,
}

_MOST_SEQUENCES = 256
_LEAST_SEQUENCES = 8

_FAST_BYTES = 40e9
"""A model of fewer bytes may answer faster than one API process carries."""

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?(:[\w.-]+)?", re.ASCII)
"""Of the Hugging Face hub; after a colon the quantisation of a GGUF file."""

_SINCE = {"prefix_cache_retention_interval": (0, 29)}
"""First release with an argument that not every release we take has."""


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server as it would be started."""

    model: str
    """A path or a name of the hub, as vLLM is given it."""
    folder: Path | None
    """Where it is on this machine; None: vLLM fetches it."""
    gpu: str
    gpus: int
    arguments: dict[str, Any]
    """Of `vllm serve`, address apart."""
    notes: tuple[str, ...]
    """What a person should know."""

    @property
    def is_local(self) -> bool:
        """Whether `model` is a folder rather than a name."""
        return Path(self.model).is_absolute()

    @property
    def flags(self) -> list[list[str]]:
        """The arguments as flags with their values."""
        return to_flags(self.arguments)


def plan_server(  # noqa: PLR0913 - one for each question
    model: str,
    *,
    need: Need,
    given: Mapping[str, Any],
    gpu: str = "H200",
    gpus: int | None = None,
    release: tuple[int, int] | None = None,
) -> Server:
    """Decide how a model is served.

    Args:
        model: A folder with config.json, or a name of the Hugging Face hub.
        need: What the run needs.
        given: The user's arguments of vLLM; they stand over everything.
        gpu: Kind of accelerator, as `judgefast gpus` lists them, or by SkyPilot's name.
        gpus: How many there are; None for as few as hold the model.
        release: Of the vLLM that will run; None: one that takes everything.

    Raises:
        ConfigError: The model has no name that one can have, or does not fit, or `gpus` is no
            multiple of what it takes.
        ModelError: The folder is none, or cannot be read.

    """
    need.check()
    if gpus is not None and gpus < 1:
        message = f"--gpus is {gpus}; it must be at least 1"
        raise ConfigError(message, hint="leave it out for as few as hold the model")
    folder = find_folder(model) if model.isprintable() and model else None
    if folder is None and not _HUB_NAME.fullmatch(model):
        message = f"{model!r} is no name of a model, and no folder"
        raise ConfigError(message, hint="name a folder, or a model of the Hugging Face hub")
    is_path = folder is not None and Path(model).expanduser().is_dir()
    path = str(folder.resolve()) if folder and is_path else model
    preset = find_preset(path)
    shape = preset.shape if preset else read_shape(folder) if folder else shape_of(None, {})
    own = preset.arguments if preset else {}
    wanted: dict[str, Any] = {**own, **given}
    if shape.is_sliding and _has("prefix_cache_retention_interval", release):
        # Else the first two requests of a prefix group compute it, and most groups have two.
        wanted = {"prefix_cache_retention_interval": "None", **wanted}
    parts, copies, notes = _spread(shape, wanted, gpu, gpus)
    sizes = {
        "served_model_name": Path(path).name if is_path else model,
        "tensor_parallel_size": parts if parts > 1 else None,
        "data_parallel_size": copies if copies > 1 else None,
        "api_server_count": need.api_servers,
        "max_model_len": min(need.context_tokens, shape.context or need.context_tokens),
        "max_num_seqs": _sequences(shape, wanted, need, parts=parts, gpu=gpu),
    }
    weights = _served_bytes(shape, wanted)
    is_fast = weights is None or weights < _FAST_BYTES
    if is_fast and need.api_servers is None and "api_server_count" not in given:
        notes.append(
            f"an API process of vLLM carries about {need.answers_of_a_process:,.0f} short answers "
            f"a second with prompts of {need.prompt_tokens:,} tokens; for more say "
            "--answers-per-second"
        )
    if wanted.get("trust_remote_code") is True and "trust_remote_code" not in given:
        notes.append("this model's configuration is code of its own, which vLLM will run")
    arguments = {**sizes, **_FOR_EVERY_MODEL, **wanted}
    return Server(
        model=path,
        folder=folder,
        gpu=cloud_name(gpu),
        gpus=parts * copies,
        arguments=arguments,
        notes=tuple(notes),
    )


def _spread(
    shape: Shape, wanted: Mapping[str, Any], gpu: str, gpus: int | None
) -> tuple[int, int, list[str]]:
    """Tensor and data parallel size, and what to say of them."""
    asked = {
        name: _size(name, wanted.get(name))
        for name in ("tensor_parallel_size", "data_parallel_size")
    }
    if (parts := asked["tensor_parallel_size"]) is not None:
        copies = asked["data_parallel_size"] or spread(gpus, parts)[1]
        return parts, copies, []
    weights = _served_bytes(shape, wanted)
    if weights is None:
        return gpus or 1, asked["data_parallel_size"] or 1, [_unknown(gpus)]
    least = least_parts(weights, memory_gb(gpu))
    if least is None:
        message = f"{weights / 1e9:,.0f} GB of weights do not fit 8 GPUs of {memory_gb(gpu):g} GB"
        hint = "--engine-arg quantization=fp8 halves weights of 16 bits; or name a larger --gpu"
        raise ConfigError(message, hint=hint)
    parts, copies = spread(gpus, least)
    return parts, asked["data_parallel_size"] or copies, []


def _unknown(gpus: int | None) -> str:
    words = "the size of its weights is not known here"
    if gpus in {None, 1}:
        return f"{words}: one GPU is taken to hold it"
    return f"{words}: it is split over all {gpus} GPUs"


def _size(name: str, value: object) -> int | None:
    if value is None or (type(value) is int and value >= 1):
        return value
    message = f"{name} is {value!r}; it must be an integer from 1"
    raise ConfigError(message)


def _sequences(shape: Shape, wanted: Mapping[str, Any], need: Need, *, parts: int, gpu: str) -> int:
    """Requests side by side that the KV cache has room for, so that none loses its place."""
    weights = _served_bytes(shape, wanted)
    kv_bytes = 1 if str(wanted.get("kv_cache_dtype")).startswith("fp8") else HALF
    each = shape.sequence_bytes(need.tokens, number_bytes=kv_bytes, gpus=parts)
    memory = memory_of(find_gpu(gpu))
    if weights is None or not each or memory is None:
        return _MOST_SEQUENCES
    share = wanted.get("gpu_memory_utilization", UTILISATION)
    share = share if isinstance(share, float | int) else UTILISATION
    room = room_bytes(memory, parts, weights, utilisation=share)
    fit = int(room / each) // _LEAST_SEQUENCES * _LEAST_SEQUENCES
    return min(_MOST_SEQUENCES, max(_LEAST_SEQUENCES, fit))


def _served_bytes(shape: Shape, wanted: Mapping[str, Any]) -> int | None:
    """Bytes of weights in memory, by vLLM's argument `quantization`."""
    is_fp8 = str(wanted.get("quantization")).startswith("fp8")
    return shape.weight_bytes_at("fp8" if is_fp8 else None)


def _has(name: str, release: tuple[int, int] | None) -> bool:
    return release is None or release >= _SINCE[name]
