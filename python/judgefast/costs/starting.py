"""What is paid before the first answer: a machine, the weights on it, an engine that is ready.

Each is a time of all accelerators that are rented. Rates that nobody has given are assumed, wide,
and said so: they differ more between providers than anything else here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from judgefast.costs.ranges import Basis, Range
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from judgefast.costs.estimates import Line, Part

GB = 1e9

BOOT_SECONDS = Range(40.0, 90.0, 300.0)
"""From the order of a machine to a shell on it: seconds where one stands by, minutes elsewhere."""
DOWNLOAD_RATE = Range(0.2, 0.5, 2.0)
"""GB a second from a hub to the disk of a rented machine: from 2 to 20 gigabits on the wire."""
LOAD_RATE = Range(1.0, 2.0, 6.0)
"""GB a second from the disk to the accelerators of one copy: of one NVMe disk, or of memory."""
COMPILE_SECONDS = Range(30.0, 60.0, 180.0)
"""Of vLLM: its import, torch.compile, graphs that are captured; its first start takes longest."""

_OF_ANOTHER = 1.5
"""By which a start on another machine may take longer, or less long."""


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """One step before the first answer."""

    part: Part
    seconds: Range
    basis: Basis
    because: str
    arithmetic: str

    @property
    def line(self) -> Line:
        """As a line of an estimate."""
        from judgefast.costs.estimates import Line  # noqa: PLC0415 - as below

        return Line(
            part=self.part,
            seconds=self.seconds,
            basis=self.basis,
            because=self.because,
            arithmetic=self.arithmetic,
        )


class Starting(msgspec.Struct, frozen=True, kw_only=True):
    """All of them, in their order; none where the engine is ready."""

    steps: tuple[Start, ...] = ()

    @property
    def seconds(self) -> Range:
        """From the order of a machine to an engine that is ready."""
        return sum((step.seconds for step in self.steps), Range(0.0, 0.0, 0.0))


NOTHING = Starting()
"""The engine is ready already."""


class StartWishes(msgspec.Struct, frozen=True, kw_only=True):
    """What the user says of starts; None: assumed."""

    warm: bool = False
    """The engine is ready: nothing of the below is paid."""
    boot_seconds: float | None = None
    download_rate: float | None = None
    """GB a second; infinite where the weights are on the machine."""
    load_seconds: float | None = None
    compile_seconds: float | None = None
    measured: str | None = None
    """Where the last two were seen, if nobody has given them."""

    def check(self) -> None:
        """Refuse what is out of range.

        Raises:
            ConfigError: Names the flag.

        """
        for name in ("boot_seconds", "load_seconds", "compile_seconds"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                msg = f"--{name.replace('_', '-')} is {value}; it must be 0 or more"
                raise ConfigError(msg, hint="give seconds, as in --boot-seconds 120")
        if self.download_rate is not None and not self.download_rate > 0:
            msg = f"--download-rate is {self.download_rate}; it must be above 0"
            raise ConfigError(msg, hint="give GB a second, as in --download-rate 0.5")


def starting_of(weight_bytes: int | None, wishes: StartWishes) -> Starting:
    """The steps of a cold start.

    Args:
        weight_bytes: Of the checkpoint, as it is fetched; None: unknown, and left out.
        wishes: What the user says.

    """
    wishes.check()
    if wishes.warm:
        return NOTHING
    steps = [_given("boot", wishes.boot_seconds, BOOT_SECONDS, "a machine is ordered and comes up")]
    if weight_bytes is not None:
        rate = wishes.download_rate
        if rate is None:
            words = "assumed: a hub gives a rented machine 0.2 to 2 GB/s; --download-rate sets it"
            steps.append(_moved("download", weight_bytes, DOWNLOAD_RATE, "assumed", words))
        elif rate != float("inf"):
            words = "by --download-rate"
            steps.append(_moved("download", weight_bytes, Range.exactly(rate), "given", words))
        if wishes.load_seconds is None:
            words = "assumed: a disk gives 1 to 6 GB/s; --load-seconds sets it"
            steps.append(_moved("load", weight_bytes, LOAD_RATE, "assumed", words))
        else:
            steps.append(_given("load", wishes.load_seconds, LOAD_RATE, "", wishes.measured))
    why = "vLLM is imported, compiles, and captures its graphs"
    told, seen = wishes.compile_seconds, wishes.measured
    steps.append(_given("compile", told, COMPILE_SECONDS, why, seen))
    return Starting(steps=tuple(steps))


def _given(
    part: Part, seconds: float | None, assumed: Range, why: str, measured: str | None = None
) -> Start:
    if seconds is not None:
        return Start(
            part=part,
            seconds=_as_measured(seconds) if measured else Range.exactly(seconds),
            basis="measured" if measured else "given",
            because=measured or f"by --{part}-seconds",
            arithmetic=f"{seconds:g} s",
        )
    return Start(
        part=part,
        seconds=assumed,
        basis="assumed",
        because=f"assumed: {why}; --{part}-seconds sets it",
        arithmetic=f"{assumed.likely:g} s",
    )


def _as_measured(seconds: float) -> Range:
    """One start on one machine: another one has another disk and other neighbours."""
    return Range(seconds / _OF_ANOTHER, seconds, seconds * _OF_ANOTHER)


def _moved(part: Part, size: int, rate: Range, basis: Basis, words: str) -> Start:
    """Bytes over a rate."""
    gigabytes = size / GB
    seconds = Range(gigabytes / rate.high, gigabytes / rate.likely, gigabytes / rate.low)
    return Start(
        part=part,
        seconds=seconds,
        basis=basis,
        because=words,
        arithmetic=f"{gigabytes:.4g} GB / {rate.likely:g} GB/s = {seconds.likely:.4g} s",
    )
