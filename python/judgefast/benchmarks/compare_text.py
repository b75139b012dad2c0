"""A comparison of two records in words."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from judgefast.benchmarks.text import number
from judgefast.reports.inert import line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from judgefast.benchmarks.compare import Comparison, Ratio

_TITLES = {
    "block_tokens_per_second": "tokens/s in blocks",
    "raw_block_tokens_per_second": "tokens/s of raw vLLM",
    "steady_judgments_per_second": "judgments/s, steady",
    "judgments_per_second": "judgments/s",
    "hours_per_10000": "hours per 10,000",
}
_WIDE = 34
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
        a, b = (number(statistics.median(values)) for values in (ratio.a, ratio.b))
        yield f"{title_of(ratio):<{_WIDE}}{a:>10}{b:>10}  {interval(ratio)}"
    yield ""
    yield _verdict(found)


def title_of(ratio: Ratio) -> str:
    """Name of a figure for people."""
    return _TITLES.get(ratio.figure, ratio.figure.replace("_", " "))


def interval(ratio: Ratio) -> str:
    """Write a ratio with its interval, if it has one."""
    if ratio.low is None or ratio.high is None:
        return f"{ratio.ratio:.3f}, no interval"
    return f"{ratio.ratio:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"


def _verdict(found: Comparison) -> str:
    head = found.headline
    words = f"by {title_of(head)}: {interval(head)} times A"
    if found.verdict != "can't tell":
        return f"B is {found.verdict} {words}"
    if head.low is None or head.high is None:
        return f"can't tell {words}"
    reach = max(head.high / head.ratio, head.ratio / head.low) - 1
    return f"can't tell {words}; a difference of {reach:.1%} would have been seen"
