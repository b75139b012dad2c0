"""What NVIDIA's AIConfigurator predicts for the rows of the roofline's table.

It has measured kernels where the roofline has peaks, and models of vLLM's and TensorRT-LLM's
scheduling; it is no dependency. Recorded once, in an environment of its own:

    python benches/bench_roofline.py --cases > cases.json
    .venv-aic/bin/pip install aiconfigurator==0.12.0
    .venv-aic/bin/python benches/record_aiconfigurator.py cases.json benches/aiconfigurator.json

The batch of a row is its users; of a queued row, what fits by our sums. What it cannot predict is
recorded with its reason.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

_BACKENDS = {"vLLM": "vllm", "TensorRT-LLM": "trtllm"}
_SYSTEMS = {"H100-SXM": "h100_sxm", "H200-SXM": "h200_sxm"}
_MODELS = {
    "Llama-3.3-70B-Instruct": "nvidia/Llama-3.1-70B-Instruct-FP8",
    "Llama-3.1-70B-Instruct-FP8": "nvidia/Llama-3.1-70B-Instruct-FP8",
    "Llama-3.1-8B-Instruct": "meta-llama/Meta-Llama-3.1-8B",
    "Qwen2.5-72B-Instruct": "Qwen/Qwen2.5-72B",
    "Qwen3-32B": "Qwen/Qwen3-32B",
    "Qwen3-8B": "Qwen/Qwen3-8B",
    "gpt-oss-120b": "openai/gpt-oss-120b",
}
_CACHES = {"fp8": "fp8", "16bit": "bfloat16", None: "bfloat16"}


def main() -> None:
    """Predict each case of a file, and write the predictions to another."""
    from aiconfigurator.cli.api import cli_estimate  # noqa: PLC0415 - of another environment

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    cases, to = (Path(name) for name in sys.argv[1:3])
    found = {
        case["key"]: _predict(cli_estimate, case)
        for case in json.loads(cases.read_text(encoding="utf-8"))
    }
    record = {
        "aiconfigurator": version("aiconfigurator"),
        "command": "benches/record_aiconfigurator.py, see there",
        "predicted": found,
    }
    lines = json.dumps(record, indent=1).replace("{\n   ", "{").replace(",\n   ", ", ")
    to.write_text(lines.replace("\n  }", "}") + "\n", encoding="utf-8")


def _predict(estimate: Any, case: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - no stubs
    """Tokens a second and the database, or why there is none."""
    of_experts = {"moe_tp_size": case["gpus"], "moe_ep_size": 1} if case["experts"] else {}
    of_weights = {"fp8": {"gemm_quant_mode": "fp8"}, "bf16": {"gemm_quant_mode": "bfloat16"}}
    try:
        result = estimate(
            _MODELS[case["model"]],
            _SYSTEMS[case["gpu"]],
            backend_name=_BACKENDS[case["engine"]],
            isl=round(case["prompt_tokens"]),
            osl=max(1, round(case["answer_tokens"])),
            prefix=round(case.get("shared_tokens", 0)),
            batch_size=max(1, round(case["batch"])),
            tp_size=case["gpus"],
            kvcache_quant_mode=_CACHES[case["cache"]],
            **of_experts,
            **of_weights.get(case["weights"], {}),
        )
    except Exception as error:  # noqa: BLE001 - what it cannot predict is a finding
        return {"why": f"{type(error).__name__}: {error}".splitlines()[0][:160]}
    return {
        "tokens_per_second": round(float(result.tokens_per_second), 2),
        "requests_per_second": round(float(result.seq_per_second), 4),
        "database": f"{result.backend_name} {result.backend_version}",
    }


if __name__ == "__main__":
    main()
