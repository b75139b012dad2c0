"""One vLLM engine on the CPU for all tests of it: a start takes half a minute."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from judgefast.engines.embedded import fetch
from judgefast.engines.vllm import VllmEngine
from judgefast.errors import ModelError

from .vllm.hf_folder import write_smollm2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ON_THE_CPU = {
    "max_model_len": 2048,
    "max_num_seqs": 16,
    "enforce_eager": True,
    "block_size": 32,
    "max_logprobs": -1,
}
"""Arguments of vLLM that fit a small machine; blocks of 32 tokens are the smallest there."""

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "OMP_NUM_THREADS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
}


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
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2 as a folder that vLLM loads."""
    try:
        weights = fetch()
    except ModelError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    return write_smollm2(weights, tmp_path_factory.mktemp("models") / "smollm2")


@pytest.fixture(scope="session")
def new_vllm(vllm_environment: None, smollm2: Path) -> Callable[..., VllmEngine]:
    """Make an engine that has not started."""
    return lambda **options: VllmEngine(str(smollm2), **ON_THE_CPU | options)


@pytest.fixture(scope="session")
def started_vllm(new_vllm: Callable[..., VllmEngine]) -> Iterator[Started]:
    engine = new_vllm()
    yield Started(engine, engine.start())
    engine.close()
