"""Flags of older guides that vLLM no longer takes, and what has taken their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_BY_REQUEST = (
    "structure is asked for in each request, by `response_format` or `structured_outputs`, as the "
    "engine `http` does by itself"
)
_BY_ITSELF = "leave it out: vLLM does so by itself"
_GONE = "leave it out: there is nothing to set any more"

RETIRED: Mapping[str, str] = {
    "cuda_graph_sizes": "use compilation_config='{\"cudagraph_capture_sizes\": [...]}'",
    "device": "leave it out: the build of vLLM decides",
    "disable_async_output_proc": _GONE,
    "disable_frontend_multiprocessing": _GONE,
    "disable_log_requests": "leave it out: requests are logged with enable_log_requests=true alone",
    "enable_reasoning": "reasoning_parser=NAME is enough",
    "engine_use_ray": "use distributed_executor_backend=ray",
    "guided_choice": _BY_REQUEST,
    "guided_decoding_backend": 'use structured_outputs_config=\'{"backend": "xgrammar"}\'',
    "guided_grammar": _BY_REQUEST,
    "guided_json": _BY_REQUEST,
    "guided_regex": _BY_REQUEST,
    "max_seq_len_to_capture": "use compilation_config='{\"cudagraph_capture_sizes\": [...]}'",
    "multi_step_stream_outputs": _GONE,
    "num_lookahead_slots": "use speculative_config",
    "num_scheduler_steps": _BY_ITSELF,
    "preemption_mode": "leave it out: what loses its place is computed again",
    "quantization_param_path": "leave it out: scales of the KV cache come with the checkpoint",
    "rope_scaling": "use hf_overrides='{\"rope_parameters\": {...}}'",
    "scheduler_delay_factor": _GONE,
    "speculative_model": "use speculative_config='{\"model\": ...}'",
    "swap_space": "leave it out: what loses its place is computed again",
    "task": "use runner=generate, if at all",
    "tokenizer_pool_size": _GONE,
    "use_v2_block_manager": _BY_ITSELF,
    "worker_use_ray": "use distributed_executor_backend=ray",
}
"""Name of an argument -> what to do. `vllm serve` of 0.32 refuses each of them."""

OF_DTYPE = "use quantization=fp8 for the weights, and kv_cache_dtype=fp8 for the KV cache"
"""`dtype` takes types of 16 and 32 bits; older guides say `--dtype fp8`."""


def successor(name: str, value: object) -> str | None:
    """What to do in place of an argument of vLLM; None where it is one of today."""
    if name == "dtype" and str(value).casefold().startswith("fp8"):
        return OF_DTYPE
    return RETIRED.get(name)
