"""`judgefast estimate --calibrate`: a minute of measuring, after which estimates know this machine.

The engine is started as a run starts it. Probes are sent round by round, so that a disturbance
hits all kinds alike and their medians none; rates are fitted on them, once by the clock and once
by the CPU seconds of the engine's processes, and kept for all runs of this judge here.
"""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.costs.calibration import Measured, fit
from judgefast.costs.efficiencies import efficiencies_of
from judgefast.costs.rates_store import Record, keep, now
from judgefast.costs.reached import reached_by
from judgefast.engines.base import Workload
from judgefast.errors import ConfigError, JudgefastError
from judgefast.pipeline.forecast import gpu_setting
from judgefast.pipeline.gauge import Gauge
from judgefast.pipeline.judge import engine_of
from judgefast.pipeline.probes import Done, Prober, done, probes_for
from judgefast.pipeline.speed import can_be_measured, gpus_of, place_of, setting_of
from judgefast.reports.calibration_report import Calibration, Probed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from judgefast.config import RunConfig
    from judgefast.costs.calibration import FittedSpeed, Place
    from judgefast.costs.speed import MeasuredOn, Speed
    from judgefast.engines.base import Engine
    from judgefast.pipeline.gauge import CpuSpent
    from judgefast.pipeline.probes import Probe

SECONDS = 60.0
LEAST_SECONDS = 5.0

_ROUND_BY_SHORT = 35.0
"""What a round takes, in times of the probe that sizes it; measured with vLLM on two cores."""
_ROUNDS = 4.0
"""As many as the time shall be enough for. The same work takes up to a third more CPU seconds from
one minute to the next where others share memory and caches: a single round is not enough."""
_SIZES = 0.15, 40.0
"""Least and most that probes are shrunk and grown by."""
_BUSY = 0.1
"""Share of the machine that others may take before it is worth a word."""


def calibrate(
    config: RunConfig,
    *,
    engine: Engine | None = None,
    seconds: float = SECONDS,
    store: bool = True,
    say: Callable[[str], None] | None = None,
) -> Calibration:
    """Measure an engine on this machine.

    Args:
        config: Its `engine`, `model` and `engine_args` count.
        engine: An engine that is there already, not started. It is closed.
        seconds: To measure for, once it has started; the round that is begun is ended.
        store: Whether estimates shall know of it from now on.
        say: Told what a person should know.

    Raises:
        ConfigError: It is no engine that computes here, or there is too little time.
        EngineError: It does not start, or a request fails.

    """
    if seconds < LEAST_SECONDS:
        msg = f"{seconds:g} seconds are too few to calibrate in"
        raise ConfigError(msg, hint=f"give at least {LEAST_SECONDS:g}, better {SECONDS:g}")
    engine = engine_of(config, say=say) if engine is None else engine
    with closing(engine):
        if not can_be_measured(engine):
            msg = f"the engine `{engine.name}` does not compute on this machine"
            hint = "calibrate where the model runs, with --engine vllm or embedded"
            raise ConfigError(msg, hint=hint)
        say = say or _say_nothing
        setting = setting_of(engine)
        say(f"starting {setting.engine} with {setting.model} on {setting.machine}")
        began = time.monotonic()
        _start(engine, say)
        load = time.monotonic() - began
        say(f"measuring for {seconds:g} seconds")
        rounds = _measure(engine, seconds)
        place = place_of(engine)
    found = _calibration(engine, setting, place, rounds, load)
    if gpus_of(engine):
        found = _with_reached(found, engine, config, rounds)
    if store:
        path = keep(
            Record(
                kind="calibration",
                when=found.when,
                setting=setting,
                seconds=found.seconds,
                wall=found.wall,
                cpu=found.cpu,
                reached=found.reached,
                gpu=found.gpu,
            )
        )
        found = msgspec.structs.replace(found, stored=str(path))
    return found


class _Rounds:
    """What was measured, by probe."""

    def __init__(self, probes: Sequence[Probe], once: Sequence[CpuSpent]) -> None:
        self.probes = probes
        self.once = once
        """Of the first requests with a schema, and of the same number once more."""
        self.spent: dict[str, list[tuple[Done, CpuSpent]]] = {probe.name: [] for probe in probes}
        self.number = 0
        self.seconds = 0.0


def _start(engine: Engine, say: Callable[[str], None]) -> None:
    probes = probes_for(engine)
    longest = max(probe.head + probe.own for probe in probes)
    workload = Workload(
        requests=sum(probe.requests for probe in probes),
        longest_prompt_tokens=longest,
        mean_prompt_tokens=longest / 2,
        max_tokens=max(probe.answer for probe in probes),
    )
    for name, arguments in (("begin", ()), ("prepare", (workload,))):
        if method := getattr(engine, name, None):
            method(*arguments)
    engine.start()
    told: Callable[[], list[str]] | None = getattr(engine, "told", None)
    for words in told() if told else ():
        say(words)


def _measure(engine: Engine, seconds: float) -> _Rounds:
    """Send rounds of probes for so long; one at least."""
    tokenizer = engine.model.tokenizer
    assert tokenizer is not None  # who takes token ids has one
    prober = Prober(engine, tokenizer)
    apart = bool(getattr(engine, "reads_labels_apart", False))
    began = time.monotonic()
    probes, once = _sized(engine, prober, seconds)
    rounds = _Rounds(probes, once)
    while True:
        before = time.monotonic()
        for probe in probes:
            requests = prober.make(probe)
            gauge = Gauge(engine)
            completions = prober.send(requests)
            spent = gauge.spent()
            rounds.spent[probe.name].append((done(probe, completions, reads_apart=apart), spent))
        rounds.number += 1
        now = time.monotonic()
        rounds.seconds = now - began
        if rounds.seconds + (now - before) / 2 > seconds:
            return rounds


def _sized(engine: Engine, prober: Prober, seconds: float) -> tuple[list[Probe], list[CpuSpent]]:
    """Warm the engine up, and fit its probes to its speed and to the time.

    What its first schema takes is measured on the way: it comes once after each start.

    On a CPU it is taken to have one core for itself at least: where others take the rest, a round
    takes longer than it should, but is not too small to say anything.
    """
    probes = probes_for(engine)
    shorts = [probe for probe in probes if probe.name == "short prompts"]
    for probe in [*shorts, *[each._replace(requests=2) for each in probes if each.labels]]:
        prober.send(prober.make(probe))
    held = [probe._replace(requests=2) for probe in probes if probe.is_held]
    once = [_spent(engine, prober, probe) for probe in held for _ in range(2)]
    gauge = Gauge(engine)
    for probe in shorts:
        prober.send(prober.make(probe))
    spent = gauge.spent()
    taken = spent.wall
    if spent.cpu and not gpus_of(engine):
        taken = min(taken, spent.cpu)
    least, most = _SIZES
    wanted = seconds / _ROUNDS / (_ROUND_BY_SHORT * taken)
    factor = min(most, max(least, wanted))
    return [probe.times(factor) for probe in probes], once


def _spent(engine: Engine, prober: Prober, probe: Probe) -> CpuSpent:
    requests = prober.make(probe)
    gauge = Gauge(engine)
    prober.send(requests)
    return gauge.spent()


def _with_start(speed: Speed, once: Sequence[CpuSpent], clock: str) -> Speed:
    """Add what the first schema took more than the same requests once more."""
    if not once:
        return speed
    first, again = (getattr(spent, clock) for spent in once[:2])
    return msgspec.structs.replace(speed, held_start=max(0.0, first - again))


def _calibration(
    engine: Engine, setting: MeasuredOn, place: Place, rounds: _Rounds, load: float
) -> Calibration:
    when = now()
    because = f"calibrated on {setting.machine} at {when[:16].replace('T', ' ')} UTC"
    has_cpu = not gpus_of(engine) and all(
        spent.cpu is not None for pairs in rounds.spent.values() for _, spent in pairs
    )
    wall = fit(_measured(rounds, "wall"), place, because=because, engine_version=setting.version)
    cpu = None
    if has_cpu:
        cpu = fit(_measured(rounds, "cpu"), place, because=because, engine_version=setting.version)
    others = [
        (spent.others, spent.wall)
        for pairs in rounds.spent.values()
        for _, spent in pairs
        if spent.others is not None
    ]
    whole = sum([seconds for _, seconds in others])
    busy = sum([share * seconds for share, seconds in others]) / whole if whole else None
    return Calibration(
        setting=setting,
        when=when,
        seconds=rounds.seconds,
        load_seconds=load,
        rounds=rounds.number,
        place=place,
        wall=_with_start(wall.speed, rounds.once, "wall"),
        cpu=None if cpu is None else _with_start(cpu.speed, rounds.once, "cpu"),
        probes=_probed(rounds, wall, cpu),
        busy=busy,
        notes=_notes(busy, rounds, has_cpu=has_cpu),
    )


def _with_reached(
    found: Calibration, engine: Engine, config: RunConfig, rounds: _Rounds
) -> Calibration:
    """Add what the rates show of the GPUs, where these and the model are in the catalogue."""
    longest = max(rounds.spent.values(), key=lambda each: each[-1][0].workload.longest_prompt)
    try:
        placed = gpu_setting(engine, config, longest[-1][0].workload)
        how: dict[str, Any] = {"gpus": placed.gpus_per_copy, "weights": placed.weights}
        like = efficiencies_of(gpu=placed.gpu, shape=placed.shape, **how)
        reached = reached_by(
            found.wall.rates, placed.shape, placed.gpu, like=like, cache=placed.cache, **how
        )
    except JudgefastError as error:
        note = f"what it shows of the GPU is not known to the roofline: {error}"
        return msgspec.structs.replace(found, notes=[*found.notes, note])
    return msgspec.structs.replace(found, reached=reached, gpu=placed.gpu.key)


def _measured(rounds: _Rounds, clock: str) -> list[Measured]:
    return [
        Measured(
            name=probe.name,
            workload=rounds.spent[probe.name][-1][0].workload,
            label_reads=rounds.spent[probe.name][-1][0].label_reads,
            is_held=probe.is_held,
            is_held_out=probe.is_held_out,
            seconds=[getattr(spent, clock) for _, spent in rounds.spent[probe.name]],
        )
        for probe in rounds.probes
    ]


def _probed(rounds: _Rounds, wall: FittedSpeed, cpu: FittedSpeed | None) -> list[Probed]:
    by_cpu = [None] * len(wall.foretold) if cpu is None else cpu.foretold
    return [
        Probed(
            name=probe.name,
            requests=probe.requests,
            is_held_out=probe.is_held_out,
            wall_seconds=[spent.wall for _, spent in rounds.spent[probe.name]],
            wall_foretold=one.foretold,
            cpu_seconds=[] if two is None else [s.cpu or 0.0 for _, s in rounds.spent[probe.name]],
            cpu_foretold=None if two is None else two.foretold,
        )
        for probe, one, two in zip(rounds.probes, wall.foretold, by_cpu, strict=True)
    ]


def _notes(busy: float | None, rounds: _Rounds, *, has_cpu: bool) -> list[str]:
    found = []
    if rounds.number == 1:
        found.append("one round alone was measured: a disturbance in it is not seen as such")
    if busy is not None and busy > _BUSY:
        words = f"others took {busy:.0%} of this machine's CPU meanwhile".replace("%", " %")
        held = ": seconds by the clock are those of a busy machine"
        found.append(words + held + (", CPU seconds hold" if has_cpu else ""))
    return found


def _say_nothing(words: str) -> None:
    del words
