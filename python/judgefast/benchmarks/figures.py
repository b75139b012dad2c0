"""From samples to figures: each with its spread over the repeats."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.benchmarks.records import Record, Sample

BATCH = 10_000
"""Judgments that hours and money are given for."""
_HOUR = 3600.0


class Spread(NamedTuple):
    """One figure over the repeats."""

    low: float
    median: float
    high: float
    values: list[float]
    """In the order of the repeats."""


def spread_of(values: Sequence[float | None]) -> Spread | None:
    """Lowest, middle and highest; None where a repeat does not know it, or there are none."""
    known = [value for value in values if value is not None]
    if not known or len(known) < len(values):
        return None
    return Spread(min(known), statistics.median(known), max(known), known)


def judge_seconds(sample: Sample) -> float:
    """Seconds of the judge phase."""
    return max(sample.seconds.get("judge", 0.0), 1e-9)


def _computed(sample: Sample) -> int | None:
    if sample.prompt_tokens is None or sample.cached_tokens is None:
        return None
    return sample.prompt_tokens - sample.cached_tokens


def _a_second(of: Callable[[Sample], float | None]) -> Callable[[Sample], float | None]:
    def rate(sample: Sample) -> float | None:
        value = of(sample)
        return None if value is None else value / judge_seconds(sample)

    return rate


def seconds_per_batch(sample: Sample) -> float:
    """Seconds that 10,000 judgments take on the engine, extrapolated from one run.

    Its steady rate, and once what filling up and running out took beyond that; where the run had no
    steady part, its whole rate.
    """
    whole = judge_seconds(sample)
    if not sample.judgments:
        return float("inf")
    if sample.steady is None or not sample.steady.judgments:
        return BATCH * whole / sample.judgments
    each = sample.steady.seconds / sample.steady.judgments
    return BATCH * each + max(0.0, whole - each * sample.judgments)


def cpu_a_judgment(sample: Sample) -> float:
    """CPU seconds of this process for each judgment, by all phases but the load."""
    spent = sum(value for name, value in sample.cpu_seconds.items() if name != "load")
    return spent / max(1, sample.judgments)


FIGURES: dict[str, Callable[[Sample], float | None]] = {
    "judgments_per_second": _a_second(lambda sample: sample.judgments),
    "steady_judgments_per_second": lambda sample: (
        None if sample.steady is None else sample.steady.judgments / sample.steady.seconds
    ),
    "prompt_tokens_per_second": _a_second(lambda sample: sample.prompt_tokens),
    "computed_tokens_per_second": _a_second(_computed),
    "cached_tokens_per_second": _a_second(lambda sample: sample.cached_tokens),
    "generated_tokens_per_second": _a_second(lambda sample: sample.generated_tokens),
    "gpu_busy": lambda sample: sample.gpu_busy,
    "latency_p50": lambda sample: None if sample.latency is None else sample.latency.p50,
    "latency_p90": lambda sample: None if sample.latency is None else sample.latency.p90,
    "latency_p99": lambda sample: None if sample.latency is None else sample.latency.p99,
    "latency_most": lambda sample: None if sample.latency is None else sample.latency.most,
    "host_cpu_seconds_per_judgment": cpu_a_judgment,
    "engine_cpu_seconds_per_judgment": lambda sample: (
        None
        if sample.engine_cpu_seconds is None
        else sample.engine_cpu_seconds / max(1, sample.judgments)
    ),
    "host_peak_bytes": lambda sample: sample.host_peak_bytes,
    "gpu_peak_bytes": lambda sample: sample.gpu_peak_bytes,
    "hours_per_10000": lambda sample: seconds_per_batch(sample) / _HOUR,
}
"""Of one sample; None is not known. `hours_per_10000` is of the machine, whatever is in it."""


def figures_of(samples: Sequence[Sample]) -> dict[str, Spread | None]:
    """All figures, with their spread."""
    return {name: spread_of([of(sample) for sample in samples]) for name, of in FIGURES.items()}


def gpu_hours(record: Record) -> Spread | None:
    """GPU-hours for 10,000 judgments: hours on all its GPUs; None without one."""
    if not record.gpus or not record.samples:
        return None
    values = [record.gpus * seconds_per_batch(sample) / _HOUR for sample in record.samples]
    return spread_of(values)


def raw_rates(record: Record) -> dict[str, float]:
    """Judgments a second of either kind of blocks, and GPU-hours for 10,000 by ours."""
    if record.raw is None:
        return {}
    found = {}
    for name, is_raw in (("ours", False), ("raw", True)):
        blocks = [block for block in record.raw.blocks if block["raw"] is is_raw]
        seconds = sum(block["seconds"] for block in blocks)
        found[name] = sum(block["ended"] for block in blocks) / seconds
    if record.gpus:
        found["gpu_hours_per_10000"] = record.gpus * BATCH / found["ours"] / _HOUR
    return found
