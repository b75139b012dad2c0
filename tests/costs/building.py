"""Workloads and rates to estimate with, of round numbers."""

from __future__ import annotations

from typing import Any

from judgefast.costs.estimates import Placed
from judgefast.costs.ranges import Range
from judgefast.costs.rates import Rates
from judgefast.costs.workload import Answers, Workload


def answers(of: float = 100.0, **changes: Any) -> Answers:
    given = {"mean": Range.exactly(of), "spread": 0.3, "most": int(4 * of)}
    return Answers(**given | {"basis": "given", "because": "said"} | changes)


def workload(requests: int = 1000, prompt: int = 2000, **changes: Any) -> Workload:
    given: dict[str, Any] = {
        "items": requests,
        "judgments": requests,
        "requests": requests,
        "prompt_tokens": requests * prompt,
        "computed_tokens": Range(0.7, 0.8, 1.0).times(requests * prompt),
        "longest_prompt": 2 * prompt,
        "answers": answers(),
        "basis": "given",
        "because": "said",
    }
    return Workload(**given | changes)


def rates(**changes: Any) -> Rates:
    given: dict[str, Any] = {
        "prompt_token": 1e-4,
        "prompt_pair": 1e-9,
        "step": 0.02,
        "sequence": 1e-4,
        "context_token": 1e-8,
        "request": 2e-4,
        "error": 0.2,
        "basis": "calibrated",
        "because": "measured here",
    }
    return Rates(**given | changes)


def placed(**changes: Any) -> Placed:
    given: dict[str, Any] = {
        "model": "judge",
        "gpu": "H200-SXM",
        "gpus": 1,
        "copies": 1,
        "weights": "fp8",
        "cache": "16bit",
        "weight_bytes": 10**10,
        "kv_bytes_per_token": 1000.0,
        "room_tokens": 150_000,
        "batch": 0.0,
        "limit": "room",
    }
    return Placed(**given | changes)
