"""The estimate beside the bill: what was foretold of a run, and what it has taken.

Both are of what was answered: of a run that is not whole the estimate counts by its share of the
requests, and sums are over all its launches. Where they are further apart than the estimate's own
range, what is known to part them is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from judgefast.costs.alternatives import money_of
from judgefast.costs.ranges import Range  # noqa: TC001 - msgspec reads annotations
from judgefast.journal.forecast import forecast_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.costs.estimates import Estimate
    from judgefast.journal.forecast import Forecast
    from judgefast.journal.manifest import Manifest
    from judgefast.reports.report import Bill, Seconds, Tokens

BUSY = 0.1
"""Share of the CPU that others may take in silence."""
STOLEN = 0.02
WORTH_A_WORD = 0.05
"""By which tokens may differ from the likely ones before they are a reason for anything."""
HOUR = 3600.0


LINES = (
    *("prompt_tokens", "computed_tokens", "answer_tokens"),
    *("judging_seconds", "cpu_seconds", "gpu_hours", "usd"),
)
"""Names of lines, as far as an estimate has them."""


class BilledLine(msgspec.Struct, frozen=True, kw_only=True):
    """One figure as it was estimated, and as it came."""

    name: str
    """One of `LINES`."""
    estimated: Range
    actual: float | None = None
    """None where nobody counted it."""
    off: float | None = None
    """The actual one by the likely one, less 1."""
    within: bool | None = None
    """Whether it lies in the range."""


class EstimateBill(msgspec.Struct, frozen=True, kw_only=True):
    """What was estimated of a run before its engine started, beside what it took."""

    made: str
    """UTC, ISO 8601."""
    share: float = 1.0
    """Of the planned requests, those that were answered: the estimate is scaled by it."""
    lines: list[BilledLine] = []
    because: list[str] = []
    """What is known to part them; empty where all is within its range."""
    rates: str | None = None
    """Where the rates of the estimate were from."""
    reason: str | None = None
    """Why there was no estimate, and how to have one."""

    def line(self, name: str) -> BilledLine | None:
        """One line by its name, where both sides of it are known."""
        known = (each for each in self.lines if each.off is not None)
        return next((each for each in known if each.name == name), None)


class Taken(NamedTuple):
    """What a run has taken, over its launches."""

    launches: Sequence[dict[str, Any]]
    seconds: Seconds
    tokens: Tokens
    bill: Bill | None
    answered: int
    """Requests."""
    superseded: int
    preemptions: int | None


def estimate_bill(manifest: Manifest, taken: Taken) -> EstimateBill | None:
    """Set what was foretold beside what came; None where nothing was foretold or tried to be."""
    forecast = forecast_of(manifest)
    if forecast is None:
        return None
    estimate = forecast.estimate
    if estimate is None:
        return EstimateBill(made=forecast.made, reason=forecast.reason)
    share = min(1.0, taken.answered / max(1.0, estimate.workload.requests_at("low")))
    lines = [
        _line(name, estimated.times(share), actual)
        for name, (estimated, actual) in _pairs(forecast, estimate, taken).items()
    ]
    rates = next((line.because for line in estimate.lines if line.part == "prefill"), None)
    found = EstimateBill(made=forecast.made, share=share, lines=lines, rates=rates)
    if all(line.within in {True, None} for line in lines):
        return found
    return msgspec.structs.replace(found, because=_because(found, taken))


def _pairs(
    forecast: Forecast, estimate: Estimate, taken: Taken
) -> dict[str, tuple[Range, float | None]]:
    tokens, workload = taken.tokens, estimate.workload
    cached = tokens.cached
    computed = None if tokens.prompt is None or cached is None else float(tokens.prompt - cached)
    prompt = taken.bill.counted_prompt if taken.bill is not None else tokens.prompt
    judged = taken.seconds.judge
    pairs: dict[str, tuple[Range, float | None]] = {
        "prompt_tokens": (workload.asked.times(workload.prompt_tokens), _float(prompt)),
        "computed_tokens": (workload.computed_tokens, computed),
    }
    if forecast.answer_tokens is not None:
        pairs["answer_tokens"] = (forecast.answer_tokens, _float(tokens.completion))
    pairs["judging_seconds"] = (estimate.judging_seconds, judged)
    if forecast.cpu_seconds is not None:
        pairs["cpu_seconds"] = (forecast.cpu_seconds, _cpu_seconds(taken.launches))
    if gpus := estimate.placed.gpus:
        hours = None if judged is None else judged * gpus / HOUR
        foretold = estimate.judging_seconds.times(gpus / HOUR)
        pairs["gpu_hours"] = (foretold, hours)
        if (money := money_of(estimate)) is not None:
            each = money.usd_per_gpu_hour
            pairs["usd"] = (foretold.times(each), None if hours is None else hours * each)
    return pairs


def _line(name: str, estimated: Range, actual: float | None) -> BilledLine:
    if actual is None or not estimated.likely:
        return BilledLine(name=name, estimated=estimated, actual=actual)
    slack = 0.005 * estimated.likely  # tokens are planned to the last one; a few are no matter
    return BilledLine(
        name=name,
        estimated=estimated,
        actual=actual,
        off=actual / estimated.likely - 1,
        within=estimated.low - slack <= actual <= estimated.high + slack,
    )


def _cpu_seconds(launches: Sequence[dict[str, Any]]) -> float | None:
    """Over all launches that judged; None where one of them does not say."""
    judged = [facts for facts in launches if "judge" in facts.get("seconds", {})]
    asked = [facts for facts in judged if "engine" in facts]
    known = [
        float(each) for facts in asked if (each := facts.get("engine_cpu_seconds")) is not None
    ]
    return sum(known) if known and len(known) == len(asked) else None


def _because(found: EstimateBill, taken: Taken) -> list[str]:
    """What is known to part them, the surest first."""
    words = []
    for name, more, fewer in _OF_TOKENS:
        line = found.line(name)
        if line is not None and line.off is not None and abs(line.off) > WORTH_A_WORD:
            words.append((more if line.off > 0 else fewer).format(_percent(abs(line.off))))
    started = [facts for facts in taken.launches if "engine" in facts]
    if len(started) > 1:
        words.append(
            f"{len(started):,} starts: what was at work at an interruption was done again, each "
            "began with an empty cache"
        )
    if taken.preemptions:
        words.append(f"{taken.preemptions:,} requests were thrown out half done, and done again")
    if taken.superseded:
        words.append(f"{taken.superseded:,} answers came to requests that had one")
    for counter, said in _COUNTERS.items():
        if number := _summed(started, counter):
            words.append(said.format(f"{number:,}"))
    for fact, least, said in _OF_MACHINE:
        share = _mean(started, fact)
        if share is not None and share > least:
            words.append(said.format(_percent(share)))
    return words


_OF_TOKENS = (
    (
        "answer_tokens",
        "answers were {} longer than estimated",
        "answers were {} shorter than estimated",
    ),
    (
        "computed_tokens",
        "{} more prompt tokens were computed: the cache held less than was planned",
        "{} fewer prompt tokens were computed: the cache held more than was planned",
    ),
)
_COUNTERS = {
    "restarts": "the engine's process was started again {} times",
    "retried": "{} requests were run again alone",
}
_OF_MACHINE = (
    (
        "cpu_share_of_others",
        BUSY,
        "others took {} of this machine's CPU meanwhile",
    ),
    ("cpu_share_stolen", STOLEN, "the host of this machine took {} of its CPU away (steal)"),
)


def _mean(started: Sequence[dict[str, Any]], fact: str) -> float | None:
    """Over launches, each weighed by the time it judged."""
    weighed = [
        (float(facts[fact]), float(facts.get("seconds", {}).get("judge") or 0.0))
        for facts in started
        if fact in facts
    ]
    total = sum([seconds for _, seconds in weighed])
    return sum([share * seconds for share, seconds in weighed]) / total if total else None


def _summed(started: Sequence[dict[str, Any]], counter: str) -> int:
    return int(sum(facts.get("counters", {}).get(counter) or 0 for facts in started))


def _float(number: int | None) -> float | None:
    return None if number is None else float(number)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
