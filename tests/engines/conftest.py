"""vLLM engines that tests share, on the CPU or on a GPU: a start takes half a minute."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from judgefast.engines.embedded import fetch
from judgefast.engines.vllm import VllmEngine
from judgefast.errors import ModelError

from .vllm.hf_folder import write_smollm2, write_tiny
from .vllm.real.processes import in_sessions, none_within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ON_THE_CPU: dict[str, Any] = {
    "max_model_len": 2048,
    "max_num_seqs": 16,
    "enforce_eager": True,
    "block_size": 32,
    "max_logprobs": -1,
}
"""Arguments of vLLM that fit a small machine; blocks of 32 tokens are the smallest there."""

SMALL = {"load_format": "dummy", "kv_cache_memory_bytes": 1 << 26}
"""Arguments for a model without weights."""

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
}

HAS_GPU = Path("/proc/driver/nvidia/version").exists()
if HAS_GPU:
    # Engines of several tests share it, and each looks at what is free of the whole.
    ON_THE_CPU |= {"gpu_memory_utilization": 0.12, "kv_cache_memory_bytes": 1 << 30}
    # The numbers of a request must not hang on what else is computed, as they do not on the CPU.
    ENVIRONMENT |= {"VLLM_BATCH_INVARIANT": "1"}


class Started(NamedTuple):
    engine: VllmEngine
    facts: dict[str, Any]


@pytest.fixture(scope="session")
def vllm_environment() -> Iterator[None]:
    """What vLLM reads from the environment, for this process and those that it starts."""
    before = {name: os.environ.get(name) for name in ENVIRONMENT}
    os.environ.update(ENVIRONMENT)
    yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value


@pytest.fixture(scope="session")
def smollm2_weights() -> Path:
    """SmolLM2 as a GGUF file."""
    try:
        return fetch()
    except ModelError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def smollm2(smollm2_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2 as a folder that vLLM loads."""
    return write_smollm2(smollm2_weights, tmp_path_factory.mktemp("models") / "smollm2")


@pytest.fixture(scope="session")
def tiny(smollm2_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers without weights, for `load_format=dummy`."""
    return write_tiny(smollm2_weights, tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def started_vllm(vllm_environment: None, smollm2: Path) -> Iterator[Started]:
    """The engine that most tests share. It closes at once, and leaves no process behind."""
    engine = VllmEngine(str(smollm2), **ON_THE_CPU)
    yield Started(engine, engine.start())
    sessions = {engine._supervisors[0].pid or 0}
    assert len(in_sessions(sessions)) > 1
    begin = time.monotonic()
    engine.close()
    assert time.monotonic() - begin < 2
    assert none_within(60, lambda: in_sessions(sessions))


@pytest.fixture(scope="session")
def replicas(vllm_environment: None, tiny: Path) -> Iterator[Callable[[int], Started]]:
    """Small models that a test may end: give an engine with so many replicas, of two, alive."""
    made: list[Started] = []

    def give(alive: int) -> Started:
        for each in made:
            if len(each.engine.lanes) >= alive and not each.engine._closed:
                return each
        options: dict[str, Any] = {"replicas": 2, "max_restarts": 0, "room": 4}
        if HAS_GPU:
            options["devices"] = ["0", "0"]  # two GPUs are not needed for two replicas
        engine = VllmEngine(str(tiny), **ON_THE_CPU | SMALL | options)
        with pytest.MonkeyPatch.context() as patch:
            # One process each, which starts in a third of the time.
            patch.setenv("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
            made.append(Started(engine, engine.start()))
        return made[-1]

    yield give
    for each in made:
        each.engine.close()
