"""Records of `judgefast bench` that nobody measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.benchmarks.records import Latency, Machine, Record, Sample, WorkloadFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE = Sample(
    judgments=100,
    parsed=100,
    unparsed=0,
    failed=0,
    requests=100,
    prompt_tokens=50_000,
    cached_tokens=20_000,
    generated_tokens=3_000,
    thinking_tokens=None,
    seconds={"read": 0.1, "plan": 0.2, "load": 5.0, "judge": 10.0, "report": 0.3},
    cpu_seconds={"read": 0.1, "plan": 0.2, "load": 1.0, "judge": 2.0, "report": 0.3},
    engine_cpu_seconds=18.0,
    in_flight_mean=8.0,
    latency=Latency(p10=0.1, p50=0.5, p90=1.0, p99=2.0, most=3.0),
    steady=None,
    steps=None,
    preemptions=None,
    host_peak_bytes=1 << 30,
    gpu_peak_bytes=None,
    gpu_busy=None,
)
RECORD = Record(
    created="2026-11-26T10:00:00+00:00",
    judgefast="0.1.0",
    commit="a" * 40,
    python="3.11.2",
    machine=Machine(cpu="AMD EPYC", cores=2, memory_bytes=1 << 34, system="Linux"),
    versions={"openvino": "2026.4"},
    engine="embedded",
    model="smollm2",
    settings={"threads": 2},
    workload=WorkloadFacts(name="one-token", items=50, orders="both", seed=0, rubric="pairwise"),
)


def record(rates: Sequence[float], **changes: Any) -> Record:
    """A record whose repeats judged so many a second."""
    samples = [
        msgspec.structs.replace(SAMPLE, seconds=SAMPLE.seconds | {"judge": 100 / rate})
        for rate in rates
    ]
    return msgspec.structs.replace(RECORD, **({"samples": samples} | changes))
