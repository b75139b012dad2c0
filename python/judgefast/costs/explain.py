"""The arithmetic of an estimate in numbers, so that a sceptic redoes it with a pocket calculator.

Each sum stands as it would be typed: what is before ` = ` comes to what is behind it. Seconds of
small things are written as powers of ten (`5.862e-05 s`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.costs.energy import energy_sum
from judgefast.costs.estimates import Line, Sum
from judgefast.costs.ranges import Range

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from judgefast.costs.estimates import Estimate, Part, Placed
    from judgefast.costs.rates import Rates
    from judgefast.costs.timing import End, Timed
    from judgefast.costs.workload import Workload

HOUR = 3600.0
GB = 1e9


def judging_lines(
    workload: Workload, placed: Placed, rates: Rates, timed: Mapping[End, Timed]
) -> list[Line]:
    """The lines of a warm engine.

    Args:
        workload: What is asked.
        placed: Where.
        rates: Of one copy; their error is put around the ends.
        timed: The seconds at each end of the workload's ranges.

    Returns:
        Of each part that takes any time, in the order of `Part`; `prefill` always.

    """
    likely = timed["likely"]
    of = "" if placed.copies == 1 else f", of each of {placed.copies} copies"
    why = {
        "prefill": f"prompt tokens that are computed{of}",
        "decode": f"written tokens, {likely.batch:.4g} sequences at once{of}",
        "run_out": "the end, when nothing waits any more and fewer and fewer sequences run",
        "host": "the host's work on each request that nothing overlaps",
    }
    sums = {
        "prefill": _prefill(rates, likely),
        "decode": _decode(rates, likely),
        "run_out": _run_out(rates, likely),
        "host": f"{workload.requests:,} requests x {rates.request:.6g} s = {likely.host:.6g} s",
    }
    parts: tuple[Part, ...] = ("prefill", "decode", "run_out", "host")
    return [
        Line(
            part=part,
            seconds=_with_error(*(getattr(timed[end], part) for end in timed), error=rates.error),
            basis=rates.basis,
            because=f"{why[part]}; {rates.because}",
            arithmetic=sums[part],
        )
        for part in parts
        if part == "prefill" or any(getattr(each, part) for each in timed.values())
    ]


def _with_error(low: float, likely: float, high: float, *, error: float) -> Range:
    least, most = min(low, likely, high), max(low, likely, high)
    return Range(least / (1 + error), likely, most * (1 + error))


def _prefill(rates: Rates, timed: Timed) -> str:
    words = f"{_plain(timed.computed)} tokens x {rates.prompt_token:.6g} s"
    if rates.prompt_pair:
        words += f" + {timed.pairs:.6g} pairs x {rates.prompt_pair:.6g} s"
    if timed.prompt_steps and rates.prompt_step:
        words += f" + {_plain(timed.prompt_steps)} steps x {rates.prompt_step:.6g} s"
    return f"{words} = {timed.prefill:.6g} s"


def _decode(rates: Rates, timed: Timed) -> str:
    step = rates.step_of(timed.batch)
    each = (
        f"{rates.sequence:.6g} s + {_plain(timed.looked_at)} tokens x {rates.context_token:.6g} s"
    )
    return (
        f"{_plain(timed.steady)} steps x {step:.6g} s + {_plain(timed.written)} written x ({each}) "
        f"= {timed.decode:.6g} s"
    )


def _run_out(rates: Rates, timed: Timed) -> str:
    step = rates.step_of(timed.batch / 2)
    return f"{_plain(timed.extra)} steps x {step:.6g} s = {timed.run_out:.6g} s"


def sums_of(
    estimate: Estimate,
    rates: Rates,
    timed: Timed,
    *,
    watts: float | None,
    of_rates: Sequence[Sum] = (),
) -> list[Sum]:
    """What lines and money are made of, in the order in which one would redo it."""
    found = [*_asked(estimate.workload), *_held(estimate, timed), *of_rates, *_step(rates, timed)]
    found += [Sum(title=line.part, arithmetic=line.arithmetic) for line in estimate.lines]
    return [*found, *_whole(estimate, watts)]


def _plain(value: float) -> str:
    """A count, with six digits at least."""
    whole, many = round(value), 10_000
    if value == whole:
        return f"{whole:,}"
    return f"{value:,.1f}" if value >= many else f"{value:.6g}"


def _asked(workload: Workload) -> list[Sum]:
    requests = max(1, workload.requests)
    mean = workload.prompt_tokens / requests
    computed, answer = workload.computed_tokens.likely, workload.answers.mean.likely
    return [
        Sum(
            title="prompt tokens",
            arithmetic=f"{requests:,} requests x {_plain(mean)} tokens = "
            f"{_plain(requests * mean)} tokens",
        ),
        Sum(
            title="computed of them",
            arithmetic=f"{_plain(computed)} / {workload.prompt_tokens:,} = "
            f"{computed / max(1, workload.prompt_tokens):.4f} of all",
        ),
        Sum(
            title="written tokens",
            arithmetic=f"{requests:,} requests x {_plain(answer)} tokens = "
            f"{_plain(requests * answer)} tokens",
        ),
    ]


def _held(estimate: Estimate, timed: Timed) -> list[Sum]:
    """Memory, and how many sequences it holds at once."""
    placed, workload = estimate.placed, estimate.workload
    if not placed.room_tokens or not placed.kv_bytes_per_token:
        return []
    each, room = placed.kv_bytes_per_token, placed.room_tokens
    found = [
        Sum(
            title="KV cache of one copy",
            arithmetic=f"{room:,} tokens x {each:,.1f} bytes / 1e9 = {room * each / GB:.5g} GB",
        )
    ]
    if timed.limit == "room" and timed.batch > 1:
        requests = max(1, workload.requests)
        prompt = workload.prompt_tokens / requests
        own = workload.computed_tokens.likely / requests
        grown = (room - (prompt - own)) / timed.batch - own
        found.append(
            Sum(
                title="sequences at once",
                arithmetic=f"({room:,} tokens - {_plain(prompt - own)} shared) / "
                f"({_plain(own)} own + "
                f"{_plain(grown)} written so far) = {timed.batch:.5g}",
            )
        )
    return found


def _step(rates: Rates, timed: Timed) -> list[Sum]:
    """What one step of all its sequences takes."""
    step = rates.step_of(timed.batch)
    own = rates.sequence + timed.looked_at * rates.context_token
    found = [
        Sum(
            title="one step",
            arithmetic=f"{step:.6g} s + {timed.batch:.6g} sequences x ({rates.sequence:.6g} s + "
            f"{_plain(timed.looked_at)} tokens x {rates.context_token:.6g} s) = "
            f"{step + timed.batch * own:.5g} s",
        )
    ]
    return found if timed.written else []


def _whole(estimate: Estimate, watts: float | None) -> list[Sum]:
    gpus, hours = estimate.placed.gpus, estimate.gpu_hours.likely
    parts = [line.seconds.likely for line in estimate.lines if line.part != "pre_emptions"]
    added = " + ".join(f"{seconds:.5g}" for seconds in parts)
    found = [
        Sum(title="all of it", arithmetic=f"{added} = {estimate.seconds.likely:.5g} s"),
        Sum(
            title="GPU-hours",
            arithmetic=f"{estimate.seconds.likely:.6g} s x {gpus} GPUs / 3600 = {hours:.4g} h",
        ),
    ]
    extra = estimate.pre_emptions
    for money in estimate.money:
        spent = f"{hours:.6g} h"
        price = f"${money.usd_per_gpu_hour:g}"
        if extra is not None and money.usd.likely > hours * money.usd_per_gpu_hour * (1 + 1e-9):
            spent = f"({spent} + {extra.seconds.likely:.6g} s x {gpus} GPUs / 3600)"
        where = "yours" if money.provider is None else f"{money.provider}, {money.date}"
        kind = money.kind.replace("_", " ")
        title = "at your price" if money.kind == "given" else f"{kind} ({where})"
        found.append(Sum(title=title, arithmetic=f"{spent} x {price} = ${money.usd.likely:.5g}"))
    if watts is not None and estimate.energy_kwh is not None:
        found.append(Sum(title="energy", arithmetic=energy_sum(estimate, watts)))
    return found
