"""A record for people: a table of figures with their spread, each with its unit."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from judgefast.benchmarks.block_ratio import PROMISED, STEADY
from judgefast.benchmarks.figures import BATCH, figures_of, gpu_hours, raw_rates, spread_of
from judgefast.reports.inert import line
from judgefast.reports.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from judgefast.benchmarks.figures import Spread
    from judgefast.benchmarks.records import PriceFacts, Record, Sample

_MIB = 1 << 20
_ROWS = (
    ("judgments/s", "judgments_per_second", 1.0),
    ("  in steady state", "steady_judgments_per_second", 1.0),
    ("tokens/s prompt", "prompt_tokens_per_second", 1.0),
    ("  computed", "computed_tokens_per_second", 1.0),
    ("  cached", "cached_tokens_per_second", 1.0),
    ("  generated", "generated_tokens_per_second", 1.0),
    ("GPU busy, %", "gpu_busy", 100.0),
    ("latency p50, s", "latency_p50", 1.0),
    ("  p90", "latency_p90", 1.0),
    ("  p99", "latency_p99", 1.0),
    ("  longest", "latency_most", 1.0),
    ("host CPU, ms/judgm.", "host_cpu_seconds_per_judgment", 1e3),
    ("engine CPU, ms/judgm.", "engine_cpu_seconds_per_judgment", 1e3),
    ("host memory, MiB", "host_peak_bytes", 1 / _MIB),
    ("GPU memory, MiB", "gpu_peak_bytes", 1 / _MIB),
)
_WHY_UNKNOWN = {
    "gpu_busy": "no GPU that NVML knows",
    "gpu_peak_bytes": "no GPU that NVML knows",
    "steady_judgments_per_second": "the run is too short: give more --items",
    "engine_cpu_seconds_per_judgment": "no process of the engine runs here",
}
_NOT_SAID = "the engine does not say"


def render(record: Record) -> str:
    """Say what was measured, as lines of text."""
    return "\n".join(_lines(record)) + "\n"


def number(value: float) -> str:
    """Write a figure with three digits that mean something, and no more.

    >>> number(0.012345), number(3.14159), number(45678.9)
    ('0.0123', '3.14', '45,679')
    """
    if value == 0 or abs(value) >= 100:  # noqa: PLR2004 - three digits
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spread(found: Spread, factor: float = 1.0) -> str:
    """Write a figure with its spread."""
    low, middle, high = (number(factor * value) for value in found[:3])
    return middle if low == high else f"{middle} ({low} to {high})"


def _lines(record: Record) -> Iterator[str]:
    workload = record.workload
    yield f"bench {line(workload.name)} on {line(record.engine)}: {line(record.model)}"
    yield _row("workload", _workload_words(record))
    machine = record.machine
    gpus = ", ".join(gpu.name for gpu in machine.gpus) or "no GPU"
    yield _row("machine", f"{machine.cpu}, {plural(machine.cores, 'core')}; {gpus}")
    known = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    yield _row("versions", f"judgefast {record.judgefast}, {known}")
    if record.settings:
        said = ", ".join(f"{name}={value}" for name, value in record.settings.items())
        yield _row("settings", line(said))
    if record.samples:
        yield from _sample_lines(record)
    if record.raw is not None:
        yield from _raw_lines(record)
    if record.sweep:
        yield from _sweep_lines(record)


def _workload_words(record: Record) -> str:
    workload = record.workload
    words = f"{plural(workload.items, 'item')}, orders {workload.orders}"
    if workload.lengths and workload.scale is not None:
        sizes = ", ".join(f"{name} {tokens:,}" for name, tokens in workload.lengths.items())
        words += f"; tokens: {sizes}"
        if workload.scale != 1:
            words += f" (scaled to {workload.scale:g})"
    if workload.forced:
        words += "; every text at its longest"
    return words


def _sample_lines(record: Record) -> Iterator[str]:
    samples = record.samples
    first = samples[0]
    counted = f"{plural(first.judgments, 'judgment')} in {plural(first.requests, 'request')}"
    unread = sum(sample.unparsed + sample.failed for sample in samples)
    words = f"; {unread:,} unparsed or failed in all" if unread else ""
    yield _row("repeats", f"{len(samples)}, each of {counted}{words}")
    yield ""
    yield _row("", "median (lowest to highest of the repeats)")
    figures = figures_of(samples)
    for title, name, factor in _ROWS:
        found = figures[name]
        if found is None:
            yield _row(title, f"unknown: {_WHY_UNKNOWN.get(name, _NOT_SAID)}")
        else:
            yield _row(title, spread(found, factor))
    yield _row("share of roofline", _roofline_words(record))
    yield _row("time by phase, s", _phases(samples, "seconds"))
    yield _row("  host CPU, s", _phases(samples, "cpu_seconds"))
    yield ""
    yield from _batch_lines(record)


def _roofline_words(record: Record) -> str:
    if record.ideal_seconds is None:
        return f"unknown: {record.ideal_because}"
    shares = [
        100 * ideal / sample.seconds["judge"]
        for ideal, sample in zip(record.ideal_seconds, record.samples, strict=True)
    ]
    return f"{number(statistics.median(shares))} % of {record.ideal_because}"


def _phases(samples: Sequence[Sample], field: str) -> str:
    names = list(getattr(samples[0], field))
    middle = {
        name: statistics.median(getattr(sample, field).get(name, 0.0) for sample in samples)
        for name in names
    }
    return ", ".join(f"{name} {number(value)}" for name, value in middle.items())


def _batch_lines(record: Record) -> Iterator[str]:
    hours = gpu_hours(record)
    title = f"per {BATCH:,} judgments"
    if hours is None:
        of_machine = figures_of(record.samples)["hours_per_10000"]
        assert of_machine is not None  # it is known of every sample
        whose = "of this machine's CPU"
        if record.engine == "http":
            whose = "of servers whose GPUs are not known: name them by --gpu"
        yield _row(title, f"{spread(of_machine)} hours {whose}")
    else:
        yield _row(title, f"{spread(hours)} GPU-hours on {record.gpus} x {_gpu_name(record)}")
    if record.price is None:
        yield _row("  money", "unknown: give --price USD, of an hour of one GPU")
    else:
        found = hours or figures_of(record.samples)["hours_per_10000"]
        assert found is not None  # as above
        yield _row(
            "  money", f"${found.median * record.price.usd:.2f} at {price_words(record.price)}"
        )


def _gpu_name(record: Record) -> str:
    return record.gpu or (record.machine.gpus[0].name if record.machine.gpus else "GPU")


def price_words(price: PriceFacts) -> str:
    """Say a price with its date and where it is from.

    >>> from judgefast.benchmarks.records import PriceFacts
    >>> price_words(PriceFacts(usd=1.19))
    '$1.19 an hour, as given'
    """
    words = f"${price.usd:.2f} an hour"
    if price.kind == "given":
        return f"{words}, as given"
    return f"{words}, {price.kind.replace('_', ' ')}, {price.provider}, {price.date}"


def _raw_lines(record: Record) -> Iterator[str]:
    raw = record.raw
    assert raw is not None  # the caller has seen to it
    rates = raw_rates(record)
    yield ""
    between = "no interval of two blocks"
    if raw.low is not None and raw.high is not None:
        between = f"95 % interval {raw.low:.4f} to {raw.high:.4f}"
    blocks = plural(len(raw.blocks), "block")
    yield _row("ours by raw vLLM", f"{raw.ratio:.4f}, {between}, {blocks} in turns")
    yield _row("  judgments/s", f"ours {number(rates['ours'])}, raw {number(rates['raw'])}")
    if "gpu_hours_per_10000" in rates:
        hours = number(rates["gpu_hours_per_10000"])
        yield _row(f"  per {BATCH:,}", f"{hours} GPU-hours in steady state")
    yield _row("  brought", f"{raw.fed:.1%} of what ended in the pipeline's blocks")
    yield _row("  what limits", raw.limit)
    if raw.ratio < PROMISED or raw.fed < STEADY:
        for number_of, reason in enumerate(raw.reasons):
            yield _row("" if number_of else "  why slower", reason)


def _sweep_lines(record: Record) -> Iterator[str]:
    yield ""
    yield _row("settings tried", f"hours of the machine per {BATCH:,}; what is above is the best")
    for each in record.sweep:
        said = ", ".join(f"{name}={value}" for name, value in each.settings.items())
        found = spread_of(each.hours)
        words = f"not measured: {each.failed}" if found is None else spread(found)
        yield f"  {line(said or 'its own choice'):<40}{line(words)}"


def _row(title: str, words: str) -> str:
    return f"{title:<22}{words}".rstrip()
