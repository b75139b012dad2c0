"""Flags of `judgefast estimate` that ask for a decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable


def decide_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what can be decided by an estimate to `command`."""
    flags = [
        click.option(
            "--alternatives", is_flag=True, help="Other answers, orders, judges, GPUs and APIs."
        ),
        click.option("--gpus", type=int, help="How many, as in --gpu H200:2."),
        click.option("--deadline", metavar="TIME", help="Does it fit? 8h, 90m: and what would."),
        click.option(
            "--power",
            type=float,
            metavar="DIFFERENCE",
            help="How many items tell such a difference from none: 0.02.",
        ),
        click.option("--against", type=click.Path(), help="Second run beside --pilot."),
        click.option("--of", help="Mean that --power is about. [default: the headline]"),
        click.option("--rate", type=float, help="For --power: a share, from which it drops."),
        click.option("--sd", type=float, help="For --power: of a question's value in one run."),
        click.option(
            "--discordant", type=float, help="For --power: share that two runs decide otherwise."
        ),
        click.option(
            "--correlation", type=float, help="For --power: of two runs, question by question."
        ),
        click.option("--one-sided", is_flag=True, help="For --power: a drop alone counts."),
        click.option("--power-at", type=float, help="Probability to find it. [default: 0.8]"),
    ]
    for flag in reversed(flags):
        command = flag(command)
    return command


def decision_flags(given: dict[str, Any]) -> dict[str, Any]:
    """Take the flags of a decision out of those that were given, and turn --gpus to --gpu.

    Raises:
        ConfigError: --gpus says another number than --gpu.

    """
    from judgefast.pipeline.decide import NAMES  # noqa: PLC0415 - heavy

    gpus = given.pop("gpus", None)
    if gpus is not None:
        given["gpu"] = _with_number(given.get("gpu"), gpus)
    return {name: given.pop(name, None) for name in NAMES}


def _with_number(gpu: str | None, gpus: int) -> str:
    """`H200` and 2 as `H200:2`."""
    from judgefast.errors import ConfigError  # noqa: PLC0415 - light, but not at the start

    if gpu is None:
        msg = f"--gpus {gpus}, but of which kind?"
        raise ConfigError(msg, hint=f"add it: --gpu H200 --gpus {gpus}")
    kind, _, number = gpu.partition(":")
    if number and number != str(gpus):
        msg = f"--gpus {gpus}, but --gpu {gpu}"
        raise ConfigError(msg, hint="leave one of the numbers out")
    if gpus < 1:
        msg = f"--gpus is {gpus}; it must be at least 1"
        raise ConfigError(msg, hint="leave it out for one")
    return f"{kind}:{gpus}"
