"""`judgefast bench --sweep`: the same workload under one setting of the engine after another."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.benchmarks.bench import bench
from judgefast.benchmarks.figures import seconds_per_batch
from judgefast.benchmarks.records import Swept
from judgefast.errors import ConfigError, EngineError, JudgefastError
from judgefast.pipeline.judge import engine_of
from judgefast.pipeline.tuned import Tuned, keep_tuned, plain_setting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from judgefast.benchmarks.bench import Wishes
    from judgefast.benchmarks.records import Record
    from judgefast.stopping import Stop

MOST = 24
"""Settings of one sweep: each starts an engine."""
_HOUR = 3600.0


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
    """All settings of a sweep, the engine's own choice first: nothing is set."""
    yield {}
    for values in product(*sweep.values()):
        yield dict(zip(sweep, values, strict=True))


def sweep(
    wishes: Wishes, names: dict[str, list[Any]], *, stop: Stop, say: Callable[[str], None]
) -> Record:
    """Measure every setting, and keep the best where runs will find it.

    Nothing is kept where the engine's own choice is as fast as the best by their spreads.

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
    tried: list[Swept] = []
    records: list[Record | None] = []
    last: JudgefastError | None = None
    for settings in settings_of(names):
        say(f"setting: {words_of(settings)}")
        config = wishes.config.replace(engine_args=wishes.config.engine_args | settings)
        own = msgspec.structs.replace(wishes, config=config, tuned=False)
        try:
            record = bench(own, stop=stop, say=say)
        except JudgefastError as error:
            last = error
            records.append(None)
            tried.append(Swept(settings=settings, failed=str(error)))
            say(f"  not measured: {error}")
            continue
        hours = [seconds_per_batch(sample) / _HOUR for sample in record.samples]
        records.append(record)
        tried.append(Swept(settings=settings, hours=hours))
    place = best_of(tried)
    if place is None:
        raise last or EngineError("no setting was measured")
    best = records[place]
    assert best is not None  # `best_of` names one that was measured
    if is_gain(tried, place):
        _keep(wishes, best, tried, place, say)
    else:
        say("nothing is kept: by their spreads the engine's own choice is as fast")
    return msgspec.structs.replace(best, sweep=tried)


def best_of(tried: Sequence[Swept]) -> int | None:
    """Place of the setting with the least hours, by the middle of its repeats."""
    known = [place for place, each in enumerate(tried) if each.hours]
    return min(known, key=lambda place: _middle(tried[place].hours), default=None)


def is_gain(tried: Sequence[Swept], place: int) -> bool:
    """Whether every repeat of a setting beats every one of the engine's own choice."""
    own, best = tried[0].hours, tried[place].hours
    return place > 0 and (not own or max(best) < min(own))


def words_of(settings: dict[str, Any]) -> str:
    """Say a setting."""
    said = ", ".join(f"{name}={value}" for name, value in settings.items())
    return said or "the engine's own choice"


def _keep(
    wishes: Wishes,
    best: Record,
    tried: Sequence[Swept],
    place: int,
    say: Callable[[str], None],
) -> None:
    own = tried[0].hours
    gain = _middle(own) / _middle(tried[place].hours) if own else 1.0
    engine = engine_of(wishes.config.replace(engine=best.engine), tuned=False)
    try:
        setting = plain_setting(engine)
    finally:
        engine.close()
    path = keep_tuned(
        Tuned(
            setting=setting,
            options=tried[place].settings,
            when=datetime.now(UTC).isoformat(timespec="seconds"),
            workload=best.workload.name,
            gain=gain,
        )
    )
    say(
        f"kept in `{path}`, where `judgefast run` reads it: {words_of(tried[place].settings)} "
        f"({gain:.2f} times as fast as the engine's own choice); undo it by "
        "`judgefast bench tuned --forget`"
    )


def _middle(hours: Sequence[float]) -> float:
    return sorted(hours)[len(hours) // 2]


def _value(text: str) -> Any:  # noqa: ANN401 - as an engine takes it
    try:
        return json.loads(text)
    except ValueError:
        return text
