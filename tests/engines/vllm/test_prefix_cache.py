"""What the engine says of vLLM's cache before vLLM has started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from judgefast.catalogue.shape import shape_of
from judgefast.engines.vllm.prefix_cache import prefix_cache

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from judgefast.catalogue.shape import Shape
    from judgefast.engines.base import PrefixCache


@pytest.fixture
def of(model: Callable[[str], Shape]) -> Callable[..., PrefixCache | None]:
    def told(key: str, *, is_cpu: bool = False, **arguments: Any) -> PrefixCache | None:
        return prefix_cache(model(key), arguments, running=64, is_cpu=is_cpu)

    return told


def test_blocks_are_vllms_own_unless_somebody_says_otherwise(of: Callable[..., Any]) -> None:
    on_gpu, on_cpu = of("Qwen3-8B"), of("Qwen3-8B", is_cpu=True)
    assert (on_gpu.block_tokens, on_cpu.block_tokens) == (16, 128)
    assert (on_gpu.batched_tokens, on_cpu.batched_tokens) == (8192, 4096)
    assert (on_gpu.running, on_gpu.budget_tokens, on_gpu.window) == (64, None, None)
    said = of("Qwen3-8B", block_size=32, max_num_batched_tokens=512)
    assert (said.block_tokens, said.batched_tokens) == (32, 512)


def test_the_budget_is_that_of_the_blocks_or_of_their_memory_less_the_one_that_holds_nothing(
    of: Callable[..., Any],
) -> None:
    assert of("Qwen3-8B", num_gpu_blocks_override=101).budget_tokens == 1600
    # 36 layers of 8 heads of 128: 147,456 bytes a token.
    memory = {"kv_cache_memory_bytes": 147_456 * 16 * 1000 + 1}
    assert of("Qwen3-8B", **memory).budget_tokens == 999 * 16
    assert of("Qwen3-8B", **memory, kv_cache_dtype="fp8").budget_tokens == 1999 * 16
    assert of("Qwen3-8B", **memory, tensor_parallel_size=2).budget_tokens == 1999 * 16


def test_the_memory_of_a_cpu_is_that_of_the_environment(
    of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VLLM_CPU_KVCACHE_SPACE", raising=False)
    memory = {"kv_cache_memory_bytes": 1 << 34, "block_size": 32}
    assert of("Qwen3-8B", is_cpu=True, **memory).budget_tokens is None
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "2")
    blocks = (2 << 30) // (147_456 * 32)
    assert of("Qwen3-8B", is_cpu=True, **memory).budget_tokens == (blocks - 1) * 32


def test_layers_that_slide_take_blocks_of_their_own(of: Callable[..., Any]) -> None:
    told = of("gpt-oss-120b", num_gpu_blocks_override=11)
    assert (told.window, told.full_groups, told.sliding_groups) == (128, 1, 1)
    assert told.budget_tokens == 160
    dense = of("gpt-oss-120b", disable_hybrid_kv_cache_manager=True)
    assert dense.window is None
    # 18 of 36 layers, 8 heads of 64: a block holds the tokens of one kind.
    memory = {"kv_cache_memory_bytes": 18 * 8 * 64 * 4 * 16 * 1000}
    assert of("gpt-oss-120b", **memory).budget_tokens == 999 * 16


def test_memory_says_nothing_of_a_cache_whose_layers_all_slide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 64}
    shape = shape_of(tmp_path, sizes | {"sliding_window": 32})
    memory = {"kv_cache_memory_bytes": 1 << 30, "disable_hybrid_kv_cache_manager": True}
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    for is_cpu in (False, True):
        told = prefix_cache(shape, memory, running=64, is_cpu=is_cpu)
        assert told is not None
        assert (told.window, told.budget_tokens) == (None, None)
    blocks = prefix_cache(shape, memory | {"num_gpu_blocks": 11}, running=64, is_cpu=False)
    assert blocks is not None
    assert blocks.budget_tokens == 160


@pytest.mark.parametrize("key", ["NVIDIA-Nemotron-3-Nano-30B-A3B-BF16"])
def test_nothing_is_said_where_layers_keep_a_state_or_prefixes_are_not_kept(
    of: Callable[..., Any], key: str
) -> None:
    assert of(key) is None
    assert of("Qwen3-8B", enable_prefix_caching=False) is None
