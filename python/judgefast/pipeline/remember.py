"""What a finished run shows of an engine's speed and of its judge's answers, kept for the next one.

A run counts if it was whole, at one start, and nothing was done twice in it. What is kept is by how
much it was slower than the calibration would have said of the tokens that it had in the end: how
well those were foretold is another matter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from judgefast.costs.calibration import Place  # noqa: TC001 - msgspec reads annotations
from judgefast.costs.ranges import Range
from judgefast.costs.rates_store import Record, keep, known, now, records
from judgefast.costs.speed import MeasuredOn  # noqa: TC001 - as above
from judgefast.costs.workload import Workload
from judgefast.errors import ConfigError
from judgefast.pipeline.lengths import lengths_of
from judgefast.pipeline.speed import can_be_measured, kind_of, place_of, setting_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.costs.workload import Answers
    from judgefast.journal.run_directory import RunDirectory
    from judgefast.pipeline.judge import Judge
    from judgefast.reports.report import Operations, Report

LEAST_SECONDS = 2.0
"""A shorter run shows how an engine begins and ends, not how fast it is."""
_BUSY = 0.1
"""Share of the CPU that others may take before seconds by the clock say nothing."""
_TWICE = ("preemptions", "restarts", "retried", "hedged")
"""Counters of what was done again."""


class SpeedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a launch records of all that its speed hangs on: `speed` of its facts."""

    setting: MeasuredOn
    place: Place
    label_reads: int = 0
    is_held: bool = False
    bench: str | None = None
    """Workload that was measured: its texts are made, and so may its answers be."""


class _Ended(NamedTuple):
    """A launch that judged a whole run."""

    facts: dict[str, Any]
    speed: SpeedFacts
    wall: float
    cpu: float | None


def speed_facts(judge: Judge) -> dict[str, Any]:
    """For the record of a launch, once its engine has started."""
    engine = judge.engine
    if not can_be_measured(engine) or getattr(engine, "is_shared", False):
        return {}
    place = place_of(engine)
    if place.room_tokens == float("inf"):  # JSON has no such number
        place = msgspec.structs.replace(place, room_tokens=0.0)
    found = SpeedFacts(
        setting=setting_of(engine),
        place=place,
        bench=getattr(engine, "bench", None),
        **kind_of(engine, judge.prompts.decoding)._asdict(),
    )
    return {"speed": msgspec.to_builtins(found)}


def remember(directory: RunDirectory, report: Report, say: Callable[[str], None]) -> None:
    """Keep what a run that has just ended shows, where it shows anything.

    Args:
        directory: The run.
        report: Of it.
        say: Told if it cannot be kept: that is no reason for a run to fail.

    """
    ended = _whole_run(directory.launches(), report.operations)
    workload = None if ended is None else _done(directory, report, ended)
    if ended is None or workload is None:
        return
    bench = ended.speed.bench
    wall_ratio, cpu_ratio = ratios(ended, workload)
    try:
        keep(
            Record(
                kind="run" if bench is None else "bench",
                when=now(),
                setting=ended.speed.setting,
                seconds=ended.wall,
                wall_ratio=wall_ratio,
                cpu_ratio=cpu_ratio,
                name=bench or directory.path.resolve().name,
                asked=report.results.rubric.prompt_hash,
                data=directory.manifest.data.identity,
                answers=workload.answers if bench is None else None,
            )
        )
    except ConfigError as error:
        say(f"what this run shows of the engine's speed is not kept: {error}")


def ratios(ended: _Ended, workload: Workload) -> tuple[float | None, float | None]:
    """What it took by what its calibration alone says, by the clock and in CPU seconds."""
    speed = ended.speed
    # Runs before it are left out: each is held against the calibration itself.
    found = known(speed.setting, [each for each in records() if each.wall is not None])
    if found is None:
        return None, None
    place = speed.place
    if not place.room_tokens:
        place = msgspec.structs.replace(place, room_tokens=float("inf"))
    kind: dict[str, Any] = {"label_reads": speed.label_reads, "is_held": speed.is_held}
    kind["requests"] = workload.requests
    by_clock, by_cpu = found.rates("wall", **kind), found.rates("cpu", **kind)
    said = place.seconds(workload, by_clock) if by_clock is not None else 0.0
    is_busy = (ended.facts.get("cpu_share_of_others") or 0.0) > _BUSY
    wall = ended.wall / said if said and (by_cpu is None or not is_busy) else None
    if by_cpu is None or ended.cpu is None:
        return wall, None
    said = place.seconds(workload, by_cpu)
    return wall, ended.cpu / said if said else None


def _whole_run(launches: Sequence[dict[str, Any]], operations: Operations) -> _Ended | None:
    """The one launch that judged, if nothing disturbed it."""
    started = [facts for facts in launches if "engine" in facts]
    if len(started) != 1 or operations.superseded or operations.attempts != operations.requests:
        return None
    facts = started[0]
    seconds = facts.get("seconds", {}).get("judge")
    counters = facts.get("counters", {})
    if "speed" not in facts or not seconds or seconds < LEAST_SECONDS:
        return None
    if any(counters.get(name) for name in _TWICE):
        return None
    try:
        speed = msgspec.convert(facts["speed"], SpeedFacts)
    except msgspec.ValidationError:
        return None
    return _Ended(facts, speed, float(seconds), facts.get("engine_cpu_seconds"))


def _done(directory: RunDirectory, report: Report, ended: _Ended) -> Workload | None:
    """What was done, as it was counted; None where an engine did not count."""
    operations = report.operations
    prompt, bill = operations.tokens.prompt, operations.bill
    cached = operations.tokens.cached
    if cached is None and bill is not None:
        cached = bill.planned_cached
    if prompt is None or not operations.requests:
        return None
    answers = _answers(directory, ended.speed.label_reads)
    if answers is None:
        return None
    return Workload(
        items=report.results.counts.items,
        judgments=report.results.counts.planned,
        requests=operations.requests,
        prompt_tokens=prompt,
        computed_tokens=Range.exactly(float(prompt - (cached or 0))),
        longest_prompt=0,
        answers=answers,
        basis="measured",
        because="as the engine counted",
    )


def _answers(directory: RunDirectory, label_reads: int) -> Answers | None:
    """Lengths of what was written; of labels that are read one by one, a token."""
    lengths = lengths_of(directory)
    if lengths is None or lengths.uncounted:
        return None
    if label_reads:
        each = float(lengths.answers)
        lengths = lengths._replace(total=each, squares=each, most=1, thinking=0.0)
    name = directory.path.resolve().name
    return lengths.expected(
        f"{lengths.answers:,} answers of the run `{name}`, {lengths.mean:,.1f} tokens on average"
    )
