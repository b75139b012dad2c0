"""What an estimate says: its lines, its sums, and where each is from."""

from __future__ import annotations

from typing import Literal

import msgspec

from judgefast.costs.ranges import Basis, Range  # noqa: TC001 - msgspec reads annotations
from judgefast.costs.workload import Workload  # noqa: TC001 - as above

ESTIMATE_FORMAT = 1
"""Version of the JSON form. Fields are added, never renamed; a change of meaning raises it."""

Part = Literal[
    "boot", "download", "load", "compile", "prefill", "decode", "run_out", "host", "pre_emptions"
]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the time that accelerators are rented for."""

    part: Part
    seconds: Range
    basis: Basis
    because: str
    arithmetic: str
    """The sum as a person would redo it, in numbers."""


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that lines are made of, for `--explain`."""

    title: str
    arithmetic: str
    """As a person would redo it, in numbers: everything up to ` = ` comes to what is behind it."""


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """How a model lies on accelerators, and how many sequences run at once."""

    model: str
    gpu: str
    gpus: int
    """Of all copies."""
    copies: int
    weights: str
    """Precision: bf16, fp8, 4bit, mxfp4."""
    cache: str
    """Precision of the KV cache: 16bit or fp8."""
    weight_bytes: int
    kv_bytes_per_token: float
    """Of one sequence of the workload's length, on average: windows and states counted."""
    room_tokens: int
    """That the KV cache of one copy holds."""
    batch: float
    """Sequences at once in one copy, on average."""
    limit: str
    """What keeps it from being more: `room`, `max_num_seqs`, `requests`."""


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """What it costs at one price."""

    usd: Range
    usd_per_gpu_hour: float
    kind: Literal["on_demand", "spot", "given"]
    provider: str | None
    date: str | None
    """Of the price, ISO; None where the user gave it."""
    source: str | None
    level: Literal["lowest", "middle", "highest"] | None = None
    """Among the offers of today; None where the user gave it."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """A run before it is paid for."""

    format: int = ESTIMATE_FORMAT
    workload: Workload
    placed: Placed
    digest: str | None = None
    """Of the order of requests, as `judgefast plan` and the run have it; None where prompts were
    not made of the data by the judge's own tokenizer."""
    lines: list[Line]
    judging_seconds: Range
    """Of `prefill`, `decode`, `run_out` and `host`: what a warm engine takes."""
    seconds: Range
    """From the order of a machine to the last answer: all lines but `pre_emptions`, which are in
    the money of spot machines."""
    gpu_hours: Range
    """`seconds` on all GPUs."""
    money: list[Money] = []
    energy_kwh: Range | None = None
    """Of the GPUs at their rated power; None where it is not known."""
    notes: list[str] = []
    sums: list[Sum] = []
    """What the lines and the money are made of, in the order in which one would redo it."""

    @property
    def pre_emptions(self) -> Line | None:
        """What spot machines add; None where they are not reckoned with."""
        return next((line for line in self.lines if line.part == "pre_emptions"), None)
