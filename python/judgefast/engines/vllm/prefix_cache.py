"""What vLLM's prefix cache will be, as far as it is known before vLLM has started.

Layers of one kind that a block holds together are a group; each group takes blocks of its own out
of one pool (vLLM's `v1/core/kv_cache_utils.py`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from judgefast.catalogue.attention import HALF
from judgefast.engines.base import PrefixCache
from judgefast.engines.vllm.room import numbers_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from judgefast.catalogue.shape import Shape

BLOCK_TOKENS = 16
CPU_BLOCK_TOKENS = 128
BATCHED_TOKENS = 8192
CPU_BATCHED_TOKENS = 4096
"""vLLM's own, where neither the user nor judgefast sets them: 16,384 on a GPU of 70 GB or more."""
_ALIKE = 1.5
"""One kind has fewer than so many times the layers of the other: groups are as large as it."""


def prefix_cache(
    shape: Shape, told: Mapping[str, Any], *, running: int, is_cpu: bool
) -> PrefixCache | None:
    """The cache of one replica.

    Args:
        shape: Of the model.
        told: Arguments of vLLM, or what it has said of itself once it runs. Without a word on
            `prefix_cache_retention_interval` it is taken for one that has it: 0.30 or later.
        running: Requests that it runs side by side.
        is_cpu: vLLM is here, and is a build for the CPU.

    Returns:
        None where prefixes are not kept, or layers are of kinds that are not simulated here.

    """
    if told.get("enable_prefix_caching") is False or shape.state_bytes:
        return None
    full, sliding = shape.full_layers, shape.sliding_layers
    window = None if told.get("disable_hybrid_kv_cache_manager") else shape.window
    if window is None:
        full, sliding = full + sliding, 0
    if not full:
        return None
    groups = _group_sizes(full, sliding)
    block = int(told.get("block_size") or (CPU_BLOCK_TOKENS if is_cpu else BLOCK_TOKENS))
    memory = _cpu_memory() if is_cpu else told.get("kv_cache_memory_bytes")
    blocks = _blocks(shape, told, memory, block * groups[0])
    batched = told.get("max_num_batched_tokens")
    has_started = "num_gpu_blocks" in told
    retention = told.get("prefix_cache_retention_interval", None if has_started else 0)
    keeps_all = window is None or retention != 0
    return PrefixCache(
        block_tokens=block,
        budget_tokens=None if blocks is None else max(0, blocks - 1) * block,  # one is for nothing
        running=running,
        batched_tokens=int(batched or (CPU_BATCHED_TOKENS if is_cpu else BATCHED_TOKENS)),
        window=window,
        full_groups=groups[1],
        sliding_groups=max(1, groups[2]),
        keeps_all=keeps_all,
        sends_heads=not keeps_all,
    )


def _group_sizes(full: int, sliding: int) -> tuple[int, int, int]:
    """Layers of a group, groups of full layers, groups of sliding ones."""
    if not sliding:
        return full, 1, 0
    few, many = sorted((full, sliding))
    size = many if many < few * _ALIKE else few
    return size, -(-full // size), -(-sliding // size)


def _cpu_memory() -> int | None:
    """Bytes of the cache on a CPU, where vLLM reads them from the environment alone."""
    said = os.environ.get("VLLM_CPU_KVCACHE_SPACE", "")
    return int(said) << 30 if said.isdecimal() else None


def _blocks(shape: Shape, told: Mapping[str, Any], memory: int | None, tokens: int) -> int | None:
    """Blocks of the pool, by their number or by its memory; None where neither is said.

    Nor is its memory read where all layers slide: how much a block takes is not known here.

    Args:
        shape: Of the model.
        told: As for `prefix_cache`.
        memory: Bytes of the cache.
        tokens: That a block holds, over the layers of a group.

    """
    for name in ("num_gpu_blocks_override", "num_gpu_blocks"):
        if told.get(name):
            return int(told[name])
    if not memory or not shape.cache_bytes or not shape.full_layers:
        return None
    number_bytes = numbers_of(str(told.get("kv_cache_dtype", "auto")))
    of_layer = shape.cache_bytes // shape.full_layers * number_bytes // HALF
    gpus = 1 if shape.is_latent else int(told.get("tensor_parallel_size", 1))
    share = min(gpus, max(1, shape.kv_heads))
    return int(memory) // (of_layer // share * tokens)
