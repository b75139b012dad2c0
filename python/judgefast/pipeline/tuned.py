"""Settings of an engine that `judgefast bench --sweep` found best on this machine.

One file, a line for each model (name and digest), machine, engine, version of it and other options
that were set. A run reads it once, when it is made, below what its user has set, says so, and keeps
what it has read in its manifest. Only options that change no verdict are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from judgefast.costs.rates_store import state_folder
from judgefast.costs.speed import MeasuredOn  # noqa: TC001 - msgspec reads annotations
from judgefast.errors import ConfigError
from judgefast.files import write_whole
from judgefast.pipeline.speed import options_of, setting_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from judgefast.engines.base import Engine

NAME = "tuned.jsonl"

HARMLESS = frozenset(
    {
        *("max_num_seqs", "max_num_batched_tokens", "gpu_memory_utilization", "room", "replicas"),
        *("threads", "batched_tokens", "cache_gb", "kv_blocks", "concurrency"),
    }
)
"""Options that say how much is done at once and by what, not what is computed."""


class Tuned(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the file."""

    setting: MeasuredOn
    """That it is for, with all options that were set beside it."""
    digest: str = ""
    """Of the judge's weights, as far as the engine knows it before it starts."""
    options: dict[str, Any]
    """Of the engine, by name."""
    when: str
    """UTC, ISO 8601."""
    workload: str
    """It was found best for."""
    gain: float
    """Hours by the engine's own choice, by those with these options."""


def tuned_path() -> Path:
    """Name the file; it need not be there."""
    return state_folder() / NAME


def read_tuned() -> list[Tuned]:
    """Every line of the file; none where there is no file.

    Raises:
        ConfigError: A line cannot be read; the message names it.

    """
    try:
        path = tuned_path()
        lines = path.read_bytes().splitlines()
    except (ConfigError, OSError):  # there is no such folder, or no such file
        return []
    found = []
    for number, each in enumerate(lines, start=1):
        try:
            found.append(msgspec.json.decode(each, type=Tuned))
        except msgspec.DecodeError as error:
            message = f"`{path}`, line {number} is no tuned setting: {error}"
            raise ConfigError(message, hint="remove that line, or the whole file") from None
    return found


def tuned_setting(engine: Engine) -> MeasuredOn:
    """What settings are kept for: an engine with all of its options that are no such setting."""
    told = options_of(engine)
    rest = {name: told[name] for name in sorted(told) if name not in HARMLESS | {"model"}}
    options = msgspec.json.encode(rest, enc_hook=str).decode() if rest else ""
    return msgspec.structs.replace(setting_of(engine, {}), options=options)


def tuned_for(engine: Engine, given: Mapping[str, Any]) -> Tuned | None:
    """Find what was tuned for an engine on this machine.

    Args:
        engine: Not started yet.
        given: Options that the user has set, which count more.

    Returns:
        With the options alone that were not given; None where nothing is left.

    Raises:
        ConfigError: As :func:`read_tuned`.

    """
    known = read_tuned()
    if not known:
        return None
    setting = tuned_setting(engine)
    for each in known:
        if (each.setting, each.digest) == (setting, engine.model.digest):
            rest = {
                name: value
                for name, value in each.options.items()
                if name in HARMLESS and name not in given
            }
            return msgspec.structs.replace(each, options=rest) if rest else None
    return None


def words_of(tuned: Tuned) -> str:
    """Say that a run reads tuned settings, and how to undo it."""
    said = ", ".join(f"{name}={value}" for name, value in tuned.options.items())
    return (
        f"tuned for this judge here ({tuned.when[:10]}, `judgefast bench --sweep` of "
        f"{tuned.workload}): {said}; "
        "--engine-arg sets another value, `judgefast bench tuned --forget` undoes it"
    )


def keep_tuned(tuned: Tuned) -> Path:
    """Write a line in the place of the one for the same engine; returns the file.

    Raises:
        ConfigError: A line of it cannot be read.
        RunDirectoryError: It cannot be written.

    """
    rest = [each for each in read_tuned() if _of(each) != _of(tuned)]
    return _write([*rest, tuned])


def forget_tuned(model: str | None) -> int:
    """Drop the lines of a model, or all; returns how many.

    Raises:
        ConfigError: As :func:`read_tuned`.
        RunDirectoryError: The file cannot be written.

    """
    known = read_tuned()
    rest = [each for each in known if model is not None and each.setting.model != model]
    if len(rest) < len(known):
        _write(rest)
    return len(known) - len(rest)


def _of(tuned: Tuned) -> tuple[MeasuredOn, str]:
    return tuned.setting, tuned.digest


def _write(lines: list[Tuned]) -> Path:
    path = tuned_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, b"".join(msgspec.json.encode(each) + b"\n" for each in lines))
    return path
