"""A comparison of two records in words."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from judgefast.benchmarks.text import number
from judgefast.reports.inert import line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.benchmarks.compare import Comparison, Ratio

_MIB = 1 << 20
_TITLES = {
    "block_tokens_per_second": ("tokens/s in blocks", 1.0),
    "raw_block_tokens_per_second": ("tokens/s in blocks of raw vLLM", 1.0),
    "steady_judgments_per_second": ("judgments/s in steady state", 1.0),
    "judgments_per_second": ("judgments/s", 1.0),
    "prompt_tokens_per_second": ("tokens/s prompt", 1.0),
    "computed_tokens_per_second": ("tokens/s computed", 1.0),
    "cached_tokens_per_second": ("tokens/s cached", 1.0),
    "generated_tokens_per_second": ("tokens/s generated", 1.0),
    "gpu_busy": ("GPU busy, %", 100.0),
    "latency_p50": ("latency p50, s", 1.0),
    "latency_p90": ("latency p90, s", 1.0),
    "latency_p99": ("latency p99, s", 1.0),
    "latency_most": ("latency longest, s", 1.0),
    "host_cpu_seconds_per_judgment": ("host CPU, ms/judgm.", 1e3),
    "engine_cpu_seconds_per_judgment": ("engine CPU, ms/judgm.", 1e3),
    "cpu_seconds_per_judgment": ("all CPU, ms/judgm.", 1e3),
    "host_peak_bytes": ("host memory, MiB", 1 / _MIB),
    "gpu_peak_bytes": ("GPU memory, MiB", 1 / _MIB),
    "hours_per_10000": ("hours per 10,000 judgments", 1.0),
}
_WIDE = 30
_LONGEST = 300


def render(found: Comparison) -> str:
    """Say what differs, every figure, and the verdict."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Comparison) -> Iterator[str]:
    for each in found.differences:
        yield line(f"differs  {each.of}: {each.a} -> {each.b}", _LONGEST)
    for words in found.warnings:
        yield f"warning  {words}"
    if found.differences or found.warnings:
        yield ""
    yield f"{'medians':<{_WIDE}}{'A':>10}{'B':>10}  B by A, interval of {found.level:.0%}"
    for ratio in found.figures:
        title, factor = _TITLES[ratio.figure]
        a, b = (number(factor * statistics.median(values)) for values in (ratio.a, ratio.b))
        yield f"{title:<{_WIDE}}{a:>10}{b:>10}  {interval(ratio)}"
    yield ""
    yield _verdict(found)
    if found.cpu is not None:
        yield f"  CPU a judgment: {_times(found.cpu)}"


def interval(ratio: Ratio) -> str:
    """Write a ratio with its interval, if it has one."""
    if ratio.low is None or ratio.high is None:
        return f"{ratio.ratio:.3f}, no interval"
    return f"{ratio.ratio:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


def _times(ratio: Ratio) -> str:
    if ratio.low is None or ratio.high is None:
        return f"{ratio.ratio:.3f} times A, no interval"
    return f"{ratio.ratio:.3f} times A [{ratio.low:.3f}, {ratio.high:.3f}]"


def _verdict(found: Comparison) -> str:
    head = found.headline
    words = f"by {_TITLES[head.figure][0]}: {_times(head)}"
    if found.verdict != "can't tell":
        return f"B is {found.verdict} {words}"
    if head.low is None or head.high is None:
        return f"can't tell {words}"
    apart = max(head.high, 1 / head.low) - 1
    return f"can't tell {words}; by the interval they are at most {apart:.1%} apart"
