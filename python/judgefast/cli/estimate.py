"""`judgefast estimate`: GPU-hours and money of a run, before anything is rented."""

from __future__ import annotations

import sys
from typing import Any

import click

from judgefast.cli.calibrate import calibrate_now, calibrate_options
from judgefast.cli.cost_options import cost_options, cost_wishes, wishes_of
from judgefast.cli.options import config_of, run_options
from judgefast.cli.output import put, say


@click.command()
@click.argument("data", nargs=-1, type=click.Path())
@run_options
@cost_options
@calibrate_options
@click.option("--explain", is_flag=True, help="Print the arithmetic, line by line.")
@click.option("--json", "as_json", is_flag=True, help="Print the estimate as JSON.")
def estimate(  # noqa: PLR0913 - flags
    data: tuple[str, ...],
    *,
    shape: str | None,
    explain: bool,
    calibrate: bool,
    calibrate_seconds: float,
    as_json: bool,
    **given: Any,  # noqa: ANN401 - flags
) -> int:
    """Say what judging DATA would cost (docs/costs.md). No model, GPU or engine is needed.

    Takes every flag of `judgefast run`. MODEL is a name of `judgefast models`, or a folder, by
    whose tokenizer prompts are counted exactly. `--gpu H200:2` says where.

    Example: judgefast estimate --shape questions=10000,answer=1000,rubric=500,out=500
    --orders one --rubric pairwise-reasons --model Qwen2.5-72B-Instruct --gpu H200

    Exit status: 0 estimated, 2 it cannot be.
    """
    named = wishes_of(given)
    config = config_of(given | {"data": data})
    if calibrate:
        return calibrate_now(config, seconds=calibrate_seconds, shape=shape, as_json=as_json)
    from judgefast.pipeline.estimate import asked  # noqa: PLC0415 - heavy
    from judgefast.reports.as_json import to_json  # noqa: PLC0415 - as above
    from judgefast.reports.console import look_of  # noqa: PLC0415 - as above
    from judgefast.reports.estimate_text import render_estimate  # noqa: PLC0415 - as above

    found = asked(config, cost_wishes(named, config), shape=shape, say=say)
    made = found.estimate()
    text = to_json(made) if as_json else render_estimate(made, look_of(sys.stdout), explain=explain)
    put(text.rstrip("\n"))
    return 0
