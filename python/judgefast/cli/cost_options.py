"""Flags of `judgefast estimate` beside those of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from judgefast.estimates import STARTS, WISHES

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.config import RunConfig
    from judgefast.pipeline.setting import CostWishes


def cost_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what an estimate hangs on to `command`."""
    flags = [
        click.option(
            "--shape",
            metavar="NAME=N,...",
            help="Lengths in place of DATA: questions=10000,answer=1000,out=500.",
        ),
        click.option("--gpus-per-copy", type=int, help="GPUs that hold one copy of the judge."),
        click.option(
            "--weights",
            type=click.Choice(["bf16", "fp8", "4bit", "mxfp4"]),
            help="Precision of the weights. [default: as the engine chooses]",
        ),
        click.option(
            "--cache",
            type=click.Choice(["16bit", "fp8"]),
            help="Precision of the KV cache. [default: as the engine chooses]",
        ),
        click.option("--max-num-seqs", type=int, help="Sequences at once in one copy."),
        click.option("--answer-tokens", type=float, help="Mean length of the judge's answers."),
        click.option("--thinking-tokens", type=float, help="Mean of its thinking before them."),
        click.option("--pilot", type=click.Path(), help="Finished run that measures its answers."),
        click.option("--warm", is_flag=True, help="The engine is ready: nothing is paid before."),
        click.option("--boot-seconds", type=float, help="From the order of a machine to a shell."),
        click.option(
            "--download-rate", type=float, metavar="GB/S", help="Of the weights; inf: on disk."
        ),
        click.option("--load-seconds", type=float, help="Of the weights, from the disk."),
        click.option("--compile-seconds", type=float, help="Of the engine, and its graphs."),
        click.option(
            "--preemptions-per-day", type=float, help="Of a spot machine. [default: 0 to 4]"
        ),
        click.option(
            "--checkpoint-seconds",
            type=float,
            help="Between two states that outlive a machine. [default: 30]",
        ),
    ]
    for flag in reversed(flags):
        command = flag(command)
    return command


def wishes_of(given: dict[str, Any]) -> dict[str, Any]:
    """Take the flags of an estimate out of those that were given; the rest are a run's."""
    return {name: given.pop(name, None) for name in (*WISHES, *STARTS)}


def cost_wishes(named: dict[str, Any], config: RunConfig) -> CostWishes:
    """What the user says of the estimate; GPU and price are options of a run too."""
    from judgefast.pipeline.setting import wishes_from  # noqa: PLC0415 - not at the start

    return wishes_from({name: value for name, value in named.items() if value is not None}, config)
