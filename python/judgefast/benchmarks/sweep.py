"""`judgefast bench --sweep`: the same workload under one setting of the engine after another."""

from __future__ import annotations

import json
import statistics
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.benchmarks.bench import bench
from judgefast.benchmarks.figures import seconds_per_batch
from judgefast.benchmarks.records import Swept
from judgefast.benchmarks.sources import ENGINE_OPTIONS, is_run
from judgefast.config import config_from
from judgefast.errors import ConfigError, EngineError, JudgefastError
from judgefast.journal.manifest import read_manifest
from judgefast.pipeline.judge import engine_of
from judgefast.pipeline.tuned import HARMLESS, Tuned, keep_tuned, tuned_setting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from judgefast.benchmarks.bench import Wishes
    from judgefast.benchmarks.records import Record
    from judgefast.stopping import Stop

MOST = 24
"""Settings of one sweep: each starts an engine."""
_HOUR = 3600.0
_MISSING = object()
LEAST_REPEATS = 3
"""With fewer of each setting nothing is kept, whatever they show."""
_LEAST_AGAIN = 4
"""Of each of the two that are held against each other in the end: without any difference one beats
the other by every repeat in one of 70 sweeps."""
_LEAST_GAIN = 1.03
"""By which every repeat of the best must beat every one of the engine's own choice."""


def parse_sweep(given: Sequence[str]) -> dict[str, list[Any]]:
    """Read `--sweep`: names with their values, one or several of them in a text.

    Raises:
        ConfigError: A value has no name, a name no value, or there are too many settings.

    >>> parse_sweep(["max_num_seqs=64,128", "kv_cache_dtype=auto,fp8"])
    {'max_num_seqs': [64, 128], 'kv_cache_dtype': ['auto', 'fp8']}
    >>> parse_sweep(["max_num_seqs=64,128,kv_cache_dtype=auto,fp8"])
    {'max_num_seqs': [64, 128], 'kv_cache_dtype': ['auto', 'fp8']}

    """
    found: dict[str, list[Any]] = {}
    for text in given:
        name = ""
        for part in text.split(","):
            head, equals, rest = part.partition("=")
            if equals:
                name, part = head.strip(), rest  # noqa: PLW2901 - what is left of it
            if not name or not part.strip():
                message = f"--sweep {text} is not of the form NAME=V1,V2"
                raise ConfigError(message, hint="for instance --sweep max_num_seqs=64,128,256")
            found.setdefault(name, []).append(_value(part.strip()))
    many = 1
    for values in found.values():
        many *= len(values)
    if many > MOST:
        message = f"--sweep asks for {many} settings; it tries at most {MOST}"
        raise ConfigError(message, hint="sweep one name after another")
    return found


def settings_of(sweep: dict[str, list[Any]]) -> Iterator[dict[str, Any]]:
    """All settings of a sweep, each once, the engine's own choice first: nothing is set."""
    yield {}
    each_once = [
        list({json.dumps(value): value for value in each}.values()) for each in sweep.values()
    ]
    for values in product(*each_once):
        yield dict(zip(sweep, values, strict=True))


def sweep(
    wishes: Wishes, names: dict[str, list[Any]], *, stop: Stop, say: Callable[[str], None]
) -> Record:
    """Measure every setting, and keep the best where runs will find it.

    The best of many is in part the luckiest. So it is measured once more, between two halves of the
    engine's own choice, so that a machine which grows faster or slower helps neither: what these
    show decides.

    Args:
        wishes: What is measured.
        names: Of :func:`parse_sweep`.
        stop: Ends it.
        say: Told how far it is.

    Returns:
        The record of the best setting, with what all took.

    Raises:
        JudgefastError: No setting could be measured: that of the last.
        KeyboardInterrupt: It was stopped.

    """
    twice = sorted(names.keys() & wishes.config.engine_args.keys())
    if twice:
        message = f"`{twice[0]}` is set by --engine-arg and by --sweep"
        raise ConfigError(message, hint=f"leave --engine-arg {twice[0]} out")
    wishes = _with_those_of_run(wishes)
    tried: list[Swept] = []
    records: list[Record | None] = []
    last: JudgefastError | None = None
    for settings in settings_of(names):
        if settings and _is_own_choice(wishes, settings):
            say(f"passed over: {words_of(settings)} is the engine's own choice")
            continue
        say(f"setting: {words_of(settings)}")
        try:
            record = bench(_with(wishes, settings), stop=stop, say=say)
        except JudgefastError as error:
            last = error
            records.append(None)
            tried.append(Swept(settings=settings, failed=str(error)))
            say(f"  not measured: {error}")
            continue
        records.append(record)
        tried.append(Swept(settings=settings, hours=_hours(record)))
    place = best_of(tried)
    if place is None:
        raise last or EngineError("no setting was measured")
    best = records[place]
    assert best is not None  # `best_of` names one that was measured
    if place:
        _keep_if_better(wishes, best, tried, place, stop=stop, say=say)
    else:
        say("nothing is kept: the engine's own choice is as fast as any")
    return msgspec.structs.replace(best, sweep=tried)


def _with_those_of_run(wishes: Wishes) -> Wishes:
    """Have the options of a recorded run's engine given, so that those of a sweep stand beside."""
    if not is_run(wishes.what):
        return wishes
    stored = config_from(dict(read_manifest(Path(wishes.what)).config), where=f"`{wishes.what}`")
    own = {name: getattr(stored, name) for name in ENGINE_OPTIONS if name not in wishes.given}
    return msgspec.structs.replace(
        wishes, config=wishes.config.replace(**own), given=wishes.given | set(ENGINE_OPTIONS)
    )


def _is_own_choice(wishes: Wishes, settings: dict[str, Any]) -> bool:
    """Whether an engine says of itself that it would choose the same."""
    try:
        engine = engine_of(wishes.config, tuned=False)
    except JudgefastError:  # it is said where it is measured
        return False
    options = getattr(engine, "options", None)
    engine.close()
    return all(getattr(options, name, _MISSING) == value for name, value in settings.items())


def _with(wishes: Wishes, settings: dict[str, Any]) -> Wishes:
    config = wishes.config.replace(engine_args=wishes.config.engine_args | settings)
    return msgspec.structs.replace(wishes, config=config, tuned=False)


def _hours(record: Record) -> list[float]:
    return [seconds_per_batch(sample) / _HOUR for sample in record.samples]


def best_of(tried: Sequence[Swept]) -> int | None:
    """Place of the setting with the least hours, by the middle of its repeats."""
    known = [place for place, each in enumerate(tried) if each.hours]
    return min(known, key=lambda place: statistics.median(tried[place].hours), default=None)


def is_gain(best: Sequence[float], own: Sequence[float]) -> bool:
    """Whether every repeat of a setting beats every one of the engine's own choice, and by enough.

    Args:
        best: Hours of the setting, measured after it was chosen.
        own: Those of the engine's own choice, measured then too.

    """
    if min(len(best), len(own)) < _LEAST_AGAIN:
        return False
    return max(best) * _LEAST_GAIN <= min(own)


def words_of(settings: dict[str, Any]) -> str:
    """Say a setting."""
    said = ", ".join(f"{name}={value}" for name, value in settings.items())
    return said or "the engine's own choice"


def _keep_if_better(  # noqa: PLR0913 - what was asked, what was found, whom to tell
    wishes: Wishes,
    best: Record,
    tried: list[Swept],
    place: int,
    *,
    stop: Stop,
    say: Callable[[str], None],
) -> None:
    settings = tried[place].settings
    if why := _why_not(settings, wishes, best):
        say(f"nothing is kept: {why}; a run takes it by {_flags(settings)}")
        return
    if not tried[0].hours:
        say("nothing is kept: the engine's own choice was not measured")
        return
    half = -(-max(_LEAST_AGAIN, len(best.samples)) // 2)
    for one, repeats in ((0, half), (place, 2 * half), (0, half)):
        say(f"once more: {words_of(tried[one].settings)}")
        again = msgspec.structs.replace(_with(wishes, tried[one].settings), repeats=repeats)
        hours = _hours(bench(again, stop=stop, say=say))
        tried[one] = msgspec.structs.replace(tried[one], again=[*tried[one].again, *hours])
    own, found = tried[0].again, tried[place].again
    if is_gain(found, own):
        _keep(wishes, best, settings, statistics.median(own) / statistics.median(found), say)
    else:
        say("nothing is kept: measured once more, the engine's own choice is as fast")


def _why_not(settings: dict[str, Any], wishes: Wishes, best: Record) -> str | None:
    """Why a setting is no matter for runs, however fast it is."""
    if changing := sorted(settings.keys() - HARMLESS):
        return f"`{changing[0]}` may change verdicts"
    if wishes.force_lengths or best.settings.get("load_format") == "dummy":
        return "the judge's own answers were not measured"
    scale = best.workload.scale
    if scale is not None and scale < 1:
        return f"the workload was scaled to {scale:g}, and real ones are longer (--scale 1)"
    if len(best.samples) < LEAST_REPEATS:
        return f"fewer than {LEAST_REPEATS} repeats tell nothing from noise (--repeats)"
    return None


def _flags(settings: dict[str, Any]) -> str:
    return " ".join(f"--engine-arg {name}={value}" for name, value in settings.items())


def _keep(
    wishes: Wishes,
    best: Record,
    settings: dict[str, Any],
    gain: float,
    say: Callable[[str], None],
) -> None:
    engine = engine_of(wishes.config.replace(engine=best.engine), tuned=False)
    try:
        setting, digest = tuned_setting(engine), engine.model.digest
    finally:
        engine.close()
    path = keep_tuned(
        Tuned(
            setting=setting,
            digest=digest,
            options=settings,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            workload=best.workload.name,
            gain=gain,
        )
    )
    say(
        f"kept in `{path}`, where `judgefast run` reads it: {words_of(settings)} "
        f"({gain:.2f} times as fast as the engine's own choice); undo it by "
        "`judgefast bench tuned --forget`"
    )


def _value(text: str) -> Any:  # noqa: ANN401 - as an engine takes it
    try:
        return json.loads(text)
    except ValueError:
        return text
