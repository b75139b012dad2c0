"""A running vLLM engine in this process, and what it says of itself."""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from typing import Any

_POLL_SECONDS = 0.2

_FACTS = {
    "model_config": ("dtype", "max_model_len", "quantization", "revision", "seed"),
    "cache_config": (
        *("cache_dtype", "block_size", "num_gpu_blocks", "enable_prefix_caching"),
        "prefix_cache_retention_interval",
    ),
    "scheduler_config": (
        *("max_num_seqs", "max_num_batched_tokens", "async_scheduling"),
        "disable_hybrid_kv_cache_manager",
    ),
    "parallel_config": ("tensor_parallel_size",),
    "structured_outputs_config": ("backend", "disable_any_whitespace"),
}
"""Settings in force that a launch keeps, by part of vLLM's configuration."""


def import_vllm() -> None:
    """Import what loading a model takes: most of the seconds of a start on a small model."""
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    from vllm import LLM  # noqa: F401, PLC0415 - seconds, and only here
    from vllm.engine.arg_utils import EngineArgs  # noqa: F401, PLC0415 - as above


def launch(arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - vLLM's LLMEngine
    """Load the model; arguments that this vLLM does not know are an error that names them.

    Raises:
        TypeError: vLLM has no such argument.

    """
    from vllm import LLM  # noqa: PLC0415 - seconds, and only here
    from vllm.engine.arg_utils import EngineArgs  # noqa: PLC0415 - as above

    known = {field.name for field in dataclasses.fields(EngineArgs)} | {"model", "hf_token"}
    unknown = sorted(arguments.keys() - known)
    if unknown:
        import vllm  # noqa: PLC0415 - as above

        message = f"vLLM {vllm.__version__} has no engine argument `{unknown[0]}`"
        raise TypeError(message)
    engine = LLM(**arguments).llm_engine
    _watch(engine)
    return engine


def facts_of(engine: Any) -> dict[str, Any]:  # noqa: ANN401 - vLLM's LLMEngine
    """What decides speed and verdicts: versions, device, settings in force."""
    import torch  # noqa: PLC0415 - vLLM has it loaded
    import vllm  # noqa: PLC0415 - as above

    config = engine.vllm_config
    facts: dict[str, Any] = {
        "vllm": str(vllm.__version__),
        "torch": str(torch.__version__),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "batch_invariant": os.environ.get("VLLM_BATCH_INVARIANT", "0") == "1",
    }
    for part, names in _FACTS.items():
        held = getattr(config, part, None)
        facts |= {name: _plain(getattr(held, name)) for name in names if hasattr(held, name)}
    return facts | _told_by_worker(engine)


def _told_by_worker(engine: Any) -> dict[str, Any]:  # noqa: ANN401 - vLLM's LLMEngine
    """What only the processes that hold the model know; "unknown", and why, where they cannot say.

    The user may have put a class of their own in place of ours.
    """
    try:
        told = engine.collective_rpc("judgefast_told")
    except Exception as error:  # noqa: BLE001 - whatever it is, the run does not depend on it
        return {"attention_backend": f"unknown: {type(error).__name__}: {error}"[:200]}
    backends = sorted({each for one in told for each in one["attention_backends"]})
    compiled = max((float(one["compile_seconds"]) for one in told), default=0.0)
    found = ", ".join(backends) or "unknown: no layer of the model names one"
    return {"attention_backend": found, "compile_seconds": round(compiled, 1)}


def prime(engine: Any, name: str, head: list[int]) -> None:  # noqa: ANN401 - vLLM's LLMEngine
    """Have the head of prompts to come computed; nobody waits for the token that it ends in."""
    from vllm import SamplingParams, TokensPrompt  # noqa: PLC0415 - heavy

    params = SamplingParams(max_tokens=1, temperature=0.0, detokenize=False)
    engine.add_request(name, TokensPrompt(prompt_token_ids=head), params)


def preemptions(engine: Any) -> int | None:  # noqa: ANN401 - vLLM's LLMEngine
    """Requests that lost their place in memory since the start; None where vLLM does not count."""
    try:
        found = [each for each in engine.get_metrics() if each.name == "vllm:num_preemptions"]
    except (AssertionError, AttributeError):  # its statistics are off
        return None
    return int(found[0].value) if found else None


def _watch(engine: Any) -> None:  # noqa: ANN401 - vLLM's LLMEngine
    """Make the death of vLLM's own process an error of `step`, which else waits for ever."""
    core = engine.engine_core
    resources = getattr(core, "resources", None)
    outputs = getattr(core, "outputs_queue", None)
    if resources is None or outputs is None:
        return  # the model runs in this process
    from vllm.v1.engine.exceptions import EngineDeadError  # noqa: PLC0415 - heavy

    def wait() -> None:
        while not resources.engine_dead:
            time.sleep(_POLL_SECONDS)
        outputs.put(EngineDeadError())

    threading.Thread(target=wait, daemon=True).start()


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | float | bool | None) else str(value)
