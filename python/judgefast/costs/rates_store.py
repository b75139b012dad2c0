"""What was measured on this machine, in one file: calibrations, and how finished runs went.

`rates.jsonl`, a line for each record, the newest last. A calibration gives the rates. A run that
has ended says by how much it was slower than the rates said, and moves them by that, but less: as
if the calibration's own seconds had agreed with it. So a run never moves a prediction beyond what
it has shown, and a short one hardly moves it.
"""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import suppress
from datetime import UTC, datetime
from math import exp, log, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from judgefast.costs.ranges import Range
from judgefast.costs.reached import Reached  # noqa: TC001 - msgspec reads annotations
from judgefast.costs.speed import MeasuredOn, Speed
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
OTHER_DATA = 0.15
"""By which the mean length of answers may be off, at least, where a judge read other data."""
MOST_BYTES = 4_000_000
"""Beyond which the file is cut down to what is still of use."""
_KEPT_BYTES = MOST_BYTES // 2
_LOCK_SECONDS = 60.0
"""A lock that is older was left behind by a program that has ended."""

Clock = Literal["wall", "cpu"]


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the file."""

    format: int = RECORD_FORMAT
    kind: Literal["calibration", "run", "bench"]
    when: str
    """UTC, ISO 8601."""
    setting: MeasuredOn
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
    reached: Reached | None = None
    """Of a calibration on GPUs of the catalogue: what it shows of them."""
    gpu: str | None = None
    """Their key there."""
    asked: str | None = None
    """`prompt_hash` of what a run asked."""
    data: str | None = None
    """Identity of the data that it asked it of."""
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


def known(setting: MeasuredOn, among: Sequence[Record] | None = None) -> Known | None:
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


def reached_on(
    gpu: str, engine: str, *, experts: bool, among: Sequence[Record] | None = None
) -> Reached | None:
    """What the newest calibration of any model shows of a kind of GPU, for models that have none.

    Args:
        gpu: Key in the catalogue.
        engine: By name.
        experts: Whether the model is one of experts: calibrations of the other kind do not count.
        among: Records, instead of those of the file.

    """
    for record in reversed(records() if among is None else among):
        is_there = (record.gpu, record.setting.engine) == (gpu, engine)
        if is_there and record.reached is not None and record.reached.experts == experts:
            return record.reached
    return None


def answers_before(
    setting: MeasuredOn, asked: str, data: str, among: Sequence[Record] | None = None
) -> Answers | None:
    """What a judge has written when it was asked the same: of the newest run that asked it.

    Runs over the same data come first. Other questions have other answers: what was measured there
    is a guess here, and may be off by `OTHER_DATA` at least.

    Args:
        setting: Of the judge; whatever its engine's version or options.
        asked: `prompt_hash` of its prompts.
        data: Identity of the data that it is asked of now.
        among: Records, instead of those of the file.

    """
    found = [
        record
        for record in (records() if among is None else among)
        if record.asked == asked and record.setting.model == setting.model
        if record.answers is not None
    ]
    same = [record for record in found if record.data == data]
    if same:
        return same[-1].answers
    if not found or found[-1].answers is None:
        return None
    answers = found[-1].answers
    mean, least = answers.mean, Range.within(answers.mean.likely, OTHER_DATA)
    wider = Range(max(1.0, min(mean.low, least.low)), mean.likely, max(mean.high, least.high))
    because = f"{answers.because}; of other data, so {OTHER_DATA:.0%} more or fewer at least"
    return msgspec.structs.replace(answers, mean=wider, basis="assumed", because=because)


def _is_alike(one: MeasuredOn, other: MeasuredOn) -> bool:
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
    """Cut a file that has grown long down to its newest records.

    Of each setting the newest calibration stays, and what older ones have shown goes. One program
    does so at a time, and none waits for it: what it may have to do, the next one does. A record
    that another program appends meanwhile is carried over.
    """
    if not path.is_file() or path.stat().st_size <= MOST_BYTES:
        return
    lock = path.with_suffix(".lock")
    with suppress(OSError):
        if time.time() - lock.stat().st_mtime > _LOCK_SECONDS:
            lock.unlink()
    try:
        os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return
    try:
        whole = path.read_bytes()
        handle, name = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(b"".join(_of_use(whole.splitlines(keepends=True))))
            with path.open("rb") as grown:  # by what came while this was written
                grown.seek(len(whole))
                file.write(grown.read())
        Path(name).replace(path)
    finally:
        lock.unlink(missing_ok=True)


def _of_use(lines: Sequence[bytes]) -> list[bytes]:
    """The newest calibration of each setting, and the newest of the rest, in their order."""
    kept, seen, size = list[bytes](), set[MeasuredOn](), 0
    for line in reversed(lines):
        try:
            record = msgspec.json.decode(line, type=Record)
        except msgspec.DecodeError:
            continue
        if record.kind == "calibration":
            if record.setting in seen:
                continue
            seen.add(record.setting)
        elif size + len(line) > _KEPT_BYTES:
            continue
        else:
            size += len(line)
        kept.append(line)
    return kept[::-1]
