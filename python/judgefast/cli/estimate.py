"""`judgefast estimate`: GPU-hours and money of a run, before anything is rented."""

from __future__ import annotations

import sys
from typing import Any

import click

from judgefast.cli.calibrate import calibrate_now, calibrate_options
from judgefast.cli.cost_options import cost_options, cost_wishes, wishes_of
from judgefast.cli.decide_options import decide_options, decision_flags
from judgefast.cli.options import config_of, run_options
from judgefast.cli.output import put, say


@click.command()
@click.argument("data", nargs=-1, type=click.Path())
@run_options
@cost_options
@calibrate_options
@decide_options
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

    Exit status: 0 estimated, 2 it cannot be; of --deadline 0 it fits, 1 it does not, 3 it may.
    """
    decisive = decision_flags(given)
    named = wishes_of(given)
    config = config_of(given | {"data": data})
    if calibrate:
        return calibrate_now(config, seconds=calibrate_seconds, shape=shape, as_json=as_json)
    from judgefast.costs.decisions import Decided, Decisions  # noqa: PLC0415 - msgspec
    from judgefast.pipeline.decide import decide, decision_wishes  # noqa: PLC0415 - heavy
    from judgefast.pipeline.estimate import asked  # noqa: PLC0415 - as above
    from judgefast.reports.as_json import to_json  # noqa: PLC0415 - as above
    from judgefast.reports.console import look_of  # noqa: PLC0415 - as above
    from judgefast.reports.decisions_text import render_decisions  # noqa: PLC0415 - as above
    from judgefast.reports.estimate_text import render_estimate  # noqa: PLC0415 - as above

    wanted = decision_wishes(decisive, config, pilot=named["pilot"])
    found = asked(config, cost_wishes(named, config), shape=shape, say=say)
    made, decisions = found.estimate(), Decisions()
    if not wanted.are_none:
        decisions = decide(found, wanted)
        made = Decided.of(made, decisions)
    if as_json:
        put(to_json(made).rstrip("\n"))
        return decisions.status
    look = look_of(sys.stdout)
    texts = [render_decisions(decisions, look), render_estimate(made, look, explain=explain)]
    put("\n".join(text for text in texts if text).rstrip("\n"))
    return decisions.status
