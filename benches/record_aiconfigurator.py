"""What NVIDIA's AIConfigurator predicts for the rows of the roofline's table.

It has measured kernels where the roofline has peaks, and models of vLLM's and TensorRT-LLM's
scheduling; it is no dependency. Recorded once, in an environment of its own:

    python benches/bench_roofline.py --cases > cases.json
    .venv-aic/bin/pip install aiconfigurator==0.12.0
    .venv-aic/bin/python benches/record_aiconfigurator.py cases.json benches/aiconfigurator.json \
        FOLDER_WITH_CONFIG_OF_QWEN2.5_72B

The batch of a row is its users; of a queued row, what fits by our sums, or the largest share of it
that it takes. What it cannot predict is recorded with its reason.
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
    "Qwen3-32B": "Qwen/Qwen3-32B",
    "Qwen3-8B": "Qwen/Qwen3-8B",
    "gpt-oss-120b": "openai/gpt-oss-120b",
}
_SHARES = (1.0, 0.8, 0.65, 0.5, 0.35)
"""Of our batch, that are tried where nobody says how many requests ran: it keeps room for whole
answers of all, and says that more do not fit."""
_CACHES = {"fp8": "fp8", "16bit": "bfloat16", None: "bfloat16"}


def main() -> None:
    """Predict each case of a file, and write the predictions to another."""
    from aiconfigurator.cli.api import cli_estimate  # noqa: PLC0415 - of another environment

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    cases, to = (Path(name) for name in sys.argv[1:3])
    _MODELS["Qwen2.5-72B-Instruct"] = sys.argv[3]
    found = {
        case["key"]: _predict(cli_estimate, case)
        for case in json.loads(cases.read_text(encoding="utf-8"))
    }
    record = {
        "aiconfigurator": version("aiconfigurator"),
        "command": "python benches/record_aiconfigurator.py cases.json TO FOLDER",
        "predicted": found,
    }
    lines = json.dumps(record, indent=1).replace("{\n   ", "{").replace(",\n   ", ", ")
    to.write_text(lines.replace("\n  }", "}") + "\n", encoding="utf-8")


def _predict(estimate: Any, case: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - no stubs
    """Tokens a second, the batch and the database, or why there is none."""
    why = ""
    for share in _SHARES if case["queued"] else _SHARES[:1]:
        try:
            if case["answer_tokens"] <= 1:
                return _prompts_alone(estimate, case)
            result = _ask(estimate, case, max(1, round(share * case["batch"])))
        except Exception as error:  # noqa: BLE001 - what it cannot predict is a finding
            why = f"{type(error).__name__}: {error}".splitlines()[0][:120]
            continue
        return {
            "tokens_per_second": round(float(result.tokens_per_second), 2),
            "requests_per_second": round(float(result.seq_per_second), 4),
            "batch": result.batch_size,
            "database": f"{result.backend_name} {result.backend_version}",
        }
    return {"why": why}


def _prompts_alone(estimate: Any, case: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - as above
    """One-token answers are prompts: as many at once as a step of 8,192 tokens computes."""
    batch = max(1, round(8192 / (case["prompt_tokens"] - case["shared_tokens"])))
    result = _ask(estimate, case, batch, mode="static_ctx")
    return {
        "requests_per_second": round(1000 * batch / float(result.ttft), 4),
        "batch": batch,
        "database": f"{result.backend_name} {result.backend_version}",
    }


def _ask(estimate: Any, case: dict[str, Any], batch: int, mode: str = "agg") -> Any:  # noqa: ANN401 - no stubs
    of_experts = {"moe_tp_size": case["gpus"], "moe_ep_size": 1} if case["experts"] else {}
    of_weights = {"fp8": {"gemm_quant_mode": "fp8"}, "bf16": {"gemm_quant_mode": "bfloat16"}}
    return estimate(
        _MODELS[case["model"]],
        _SYSTEMS[case["gpu"]],
        mode=mode,
        backend_name=_BACKENDS[case["engine"]],
        isl=round(case["prompt_tokens"]),
        osl=max(1, round(case["answer_tokens"])),
        prefix=round(case.get("shared_tokens", 0)),
        batch_size=batch,
        tp_size=case["gpus"],
        kvcache_quant_mode=_CACHES[case["cache"]],
        **of_experts,
        **of_weights.get(case["weights"], {}),
    )


if __name__ == "__main__":
    main()
