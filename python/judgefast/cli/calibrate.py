"""`judgefast estimate --calibrate`: a minute of measuring in place of an estimate."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from judgefast.cli.output import put, say
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.config import RunConfig


def calibrate_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags of a calibration to a command."""
    seconds = click.option(
        "--calibrate-seconds",
        type=float,
        default=60.0,
        show_default=True,
        metavar="S",
        help="Measure for so long, once the engine has started.",
    )
    is_asked = click.option(
        "--calibrate",
        is_flag=True,
        help="Measure the engine (--engine, --model) on this machine, and keep its rates for the "
        "estimates to come. Takes no DATA.",
    )
    return is_asked(seconds(command))


def calibrate_now(config: RunConfig, *, seconds: float, shape: str | None, as_json: bool) -> int:
    """Calibrate, and print what was found; returns the exit status.

    Raises:
        ConfigError: Something was given to be estimated, or the engine cannot be measured.

    """
    if config.data or shape is not None:
        msg = "--calibrate measures an engine, and was given something to estimate"
        raise ConfigError(msg, hint="leave DATA and --shape out; estimate it afterwards")
    from judgefast.pipeline.calibrate import calibrate  # noqa: PLC0415 - heavy
    from judgefast.reports.as_json import to_json  # noqa: PLC0415 - as above
    from judgefast.reports.calibration_text import render_calibration  # noqa: PLC0415 - as above
    from judgefast.reports.console import look_of  # noqa: PLC0415 - as above

    found = calibrate(config, seconds=seconds, say=say)
    text = to_json(found) if as_json else render_calibration(found, look_of(sys.stdout))
    put(text.rstrip("\n"))
    return 0
