"""What was measured on this machine, in one file: calibrations, and how finished runs went.

`rates.jsonl`, a line for each record, the newest last. A calibration gives the rates. A run that
has ended says by how much it was slower than the rates said, and moves them by that, but less: as
if the calibration's own seconds had agreed with it. So a run never moves a prediction beyond what
it has shown, and a short one hardly moves it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from math import exp, log, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from judgefast.costs.efficiencies import Efficiencies  # noqa: TC001 - msgspec reads annotations
from judgefast.costs.speed import Setting, Speed
from judgefast.costs.workload import Answers  # noqa: TC001 - as above
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from judgefast.costs.rates import Rates

NAME = "rates.jsonl"
RECORD_FORMAT = 1

MOST_RUNS = 20
"""Finished runs behind a calibration that count, the newest."""
MOST_SECONDS = 600.0
"""So much of one run counts, however long it was."""
WORST_RATIO = 2.0
"""A run that was further off was of another kind, or disturbed: it says nothing of the rates."""
OTHER_VERSION = 0.15
"""Added to the error of rates that were measured with another version of the engine."""
MOST_BYTES = 4_000_000
"""Beyond which the older half of the file is dropped."""

Clock = Literal["wall", "cpu"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the file."""

    format: int = RECORD_FORMAT
    kind: Literal["calibration", "run", "bench"]
    when: str
    """UTC, ISO 8601."""
    setting: Setting
    seconds: float
    """Of wall time that were measured."""
    wall: Speed | None = None
    """Of a calibration."""
    cpu: Speed | None = None
    """CPU seconds of the engine's processes; None where they cannot be read, and on a GPU."""
    wall_ratio: float | None = None
    """Of a run: what it took by what the calibration alone would have said."""
    cpu_ratio: float | None = None
    name: str = ""
    """Of the run or the bench."""
    reached: Efficiencies | None = None
    """Of a calibration on GPUs of the catalogue: what it shows of them."""
    gpu: str | None = None
    """Their key there."""
    asked: str | None = None
    """`prompt_hash` of what a run asked."""
    answers: Answers | None = None
    """What its judge has written."""


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a setting."""

    wall: Speed
    cpu: Speed | None
    calibrated: Record
    """By which calibration."""
    runs: int = 0
    """Finished runs that have moved it since."""

    def rates(
        self,
        clock: Clock = "wall",
        *,
        label_reads: int = 0,
        is_held: bool = False,
        requests: int = 0,
    ) -> Rates | None:
        """Rates of one kind of request by one clock; None where that clock was not read."""
        speed = self.wall if clock == "wall" else self.cpu
        if speed is None:
            return None
        return speed.rates_for(label_reads=label_reads, is_held=is_held, requests=requests)


def state_folder() -> Path:
    """Folder of what is measured on this machine; it need not exist.

    `JUDGEFAST_STATE`, else `judgefast` in `XDG_STATE_HOME`, else `~/.local/state/judgefast`.

    Raises:
        ConfigError: None of them is known.

    """
    if own := os.environ.get("JUDGEFAST_STATE"):
        return Path(own).absolute()
    if base := os.environ.get("XDG_STATE_HOME"):
        return Path(base).absolute() / "judgefast"
    try:
        return Path.home() / ".local" / "state" / "judgefast"
    except RuntimeError as error:
        message = "this user has no home folder, so there is no place for what is measured"
        raise ConfigError(message, hint="set JUDGEFAST_STATE to a folder") from error


def now() -> str:
    """This moment, as records have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def keep(record: Record) -> Path:
    """Append a record to the file.

    Raises:
        ConfigError: It cannot be written.

    """
    path = state_folder() / NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _shorten(path)
        # One write in append mode: records of two programs never mix.
        with path.open("ab") as file:
            file.write(msgspec.json.encode(record) + b"\n")
    except OSError as error:
        message = f"`{path}` cannot be written: {error.strerror or error}"
        raise ConfigError(
            message, hint="set JUDGEFAST_STATE to a folder that you may write to"
        ) from error
    return path


def records() -> list[Record]:
    """Every record, in the order in which they came; a line that cannot be read is left out."""
    path = state_folder() / NAME
    found = []
    with suppress(OSError):
        for line in path.read_bytes().splitlines():
            with suppress(msgspec.DecodeError):
                record = msgspec.json.decode(line, type=Record)
                if record.format == RECORD_FORMAT:
                    found.append(record)
    return found


def known(setting: Setting, among: Sequence[Record] | None = None) -> Known | None:
    """What is known of a setting, by the newest calibration and the runs since.

    Args:
        setting: Of the engine that is about to work.
        among: Records in the order in which they came, instead of those of the file.

    Returns:
        None where this model was never calibrated on this machine with this engine.

    """
    among = records() if among is None else among
    alike = [each for each in among if _is_alike(each.setting, setting)]
    same = [each for each in alike if each.setting.version == setting.version]
    calibrations = [each for each in same if each.wall] or [each for each in alike if each.wall]
    if not calibrations:
        return None
    newest = calibrations[-1]
    assert newest.wall is not None  # it is in the list for that
    place = max(at for at, each in enumerate(among) if each is newest)
    runs = [
        each for each in among[place + 1 :] if each.wall is None and each.setting == newest.setting
    ]
    other = newest.setting.version != setting.version
    wall, count = _moved(newest, newest.wall, runs, "wall", other=other)
    cpu = None if newest.cpu is None else _moved(newest, newest.cpu, runs, "cpu", other=other)[0]
    return Known(wall=wall, cpu=cpu, calibrated=newest, runs=count)


def reached_on(gpu: str, engine: str, among: Sequence[Record] | None = None) -> Efficiencies | None:
    """What the newest calibration of any model shows of a kind of GPU, for models that have none.

    Args:
        gpu: Key in the catalogue.
        engine: By name.
        among: Records, instead of those of the file.

    """
    for record in reversed(records() if among is None else among):
        if record.reached is not None and (record.gpu, record.setting.engine) == (gpu, engine):
            return record.reached
    return None


def answers_before(
    setting: Setting, asked: str, among: Sequence[Record] | None = None
) -> Answers | None:
    """What a judge has written when it was asked the same: of the newest run that asked it.

    Args:
        setting: Of the judge; whatever its engine's version or options.
        asked: `prompt_hash` of its prompts.
        among: Records, instead of those of the file.

    """
    for record in reversed(records() if among is None else among):
        is_same = record.asked == asked and record.setting.model == setting.model
        if is_same and record.answers is not None:
            return record.answers
    return None


def known_rates(
    model: str, machine: str, engine: str, version: str | None, *, options: str = ""
) -> Rates | None:
    """Rates of plain requests by the wall clock; None where nothing was calibrated."""
    setting = Setting(model=model, machine=machine, engine=engine, version=version, options=options)
    found = known(setting)
    return None if found is None else found.rates()


def _is_alike(one: Setting, other: Setting) -> bool:
    """Whether they differ by the version of the engine, if at all."""
    return msgspec.structs.replace(one, version=other.version) == other


def _moved(
    calibration: Record, speed: Speed, runs: Sequence[Record], clock: Clock, *, other: bool
) -> tuple[Speed, int]:
    """Rates of a calibration, moved by the runs since; and how many there were."""
    ratios = [
        (ratio, min(each.seconds, MOST_SECONDS))
        for each in runs
        if (ratio := each.wall_ratio if clock == "wall" else each.cpu_ratio) is not None
        and 1 / WORST_RATIO <= ratio <= WORST_RATIO
    ][-MOST_RUNS:]
    own = calibration.seconds
    weight = own + sum([seconds for _, seconds in ratios])
    shift = sum([seconds * log(ratio) for ratio, seconds in ratios]) / weight if weight else 0.0
    error = speed.rates.error
    if ratios:  # its own error, and how far runs lie around the rates that they have moved
        squares = own * log(1 + error) ** 2
        squares += sum([seconds * (log(ratio) - shift) ** 2 for ratio, seconds in ratios])
        error = exp(sqrt(squares / weight)) - 1
    because = _because(calibration, len(ratios), other=other)
    return speed.scaled(exp(shift), error + OTHER_VERSION * other, because), len(ratios)


def _because(calibration: Record, runs: int, *, other: bool) -> str:
    setting = calibration.setting
    version = "" if setting.version is None else f" {setting.version}"
    words = f"calibrated on {setting.machine} at {calibration.when[:16].replace('T', ' ')} UTC"
    words += f" with {setting.engine}{version}"
    if other:
        words += ", which is not the version at hand"
    if runs:
        words += f", moved by {runs} finished run{'s' if runs > 1 else ''} since"
    return words


def _shorten(path: Path) -> None:
    """Drop the older half of a file that has grown long; its calibrations stay."""
    if not path.is_file() or path.stat().st_size <= MOST_BYTES:
        return
    lines = path.read_bytes().splitlines(keepends=True)
    half = len(lines) // 2
    kept = [line for line in lines[:half] if b'"kind":"calibration"' in line] + lines[half:]
    whole = path.with_suffix(".new")
    whole.write_bytes(b"".join(kept))
    whole.replace(path)
