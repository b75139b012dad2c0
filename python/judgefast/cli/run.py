"""`judgefast run`: the main command."""

from __future__ import annotations

from typing import Any

import click

from judgefast.cli.options import config_of, run_options
from judgefast.cli.output import finish, put, say


@click.command()
@click.argument("data", nargs=-1, type=click.Path())
@run_options
@click.option("--dry-run", is_flag=True, help="Say what would be done; judge nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def run(data: tuple[str, ...], *, dry_run: bool, as_json: bool, **given: Any) -> int:  # noqa: ANN401 - flags
    """Judge the answers in DATA and report.

    DATA is one or more files (JSONL, CSV, Parquet, Arrow; .gz, .zst), globs, a folder of Parquet,
    or - for stdin. The same command goes on with a run that was interrupted.

    Example: judgefast run answers.jsonl --rubric pairwise --engine embedded --out runs/today

    Exit status: 0 done, 2 nothing judged, 3 incomplete, 130 interrupted (resumable).
    """
    config = config_of(given | {"data": data})
    from judgefast.pipeline.finished import DryRun  # noqa: PLC0415 - heavy
    from judgefast.pipeline.run import run as run_pipeline  # noqa: PLC0415 - as above
    from judgefast.stopping import Stop  # noqa: PLC0415 - with the pipeline

    with Stop().on_signals() as stop:
        finished = run_pipeline(config, stop=stop, say=say, dry_run=dry_run)
    if isinstance(finished, DryRun):
        return _say_dry(finished, as_json=as_json)
    return finish(finished, as_json=as_json)


def _say_dry(plan: Any, *, as_json: bool) -> int:  # noqa: ANN401 - loaded with the pipeline
    if as_json:
        import json  # noqa: PLC0415 - only here

        put(json.dumps(plan._asdict()))
        return 0
    from judgefast.reports.inert import line  # noqa: PLC0415 - loads with the reports
    from judgefast.reports.words import plural  # noqa: PLC0415 - as above

    tokens = "" if plan.prompt_tokens is None else f", {plan.prompt_tokens:,} prompt tokens"
    saved = f" in {plan.requests:,} requests" if plan.requests < plan.to_ask else ""
    least = "" if plan.least_to_ask is None else f"{plan.least_to_ask:,} to "
    put(
        f"{plural(plan.items, 'item')}, {plural(plan.planned, 'judgment')} planned, "
        f"{plan.done:,} done; {least}{plan.to_ask:,} would be asked{saved} of {line(plan.judge)} "
        f"by {line(plan.engine)}{tokens}"
    )
    if plan.least_to_ask is not None:
        put("the second order: where the first is not sure, and of the audit (--orders adaptive)")
    if plan.too_long:
        many = plural(plan.too_long, "judgment")
        put(f"not asked: {many} too long for the judge's context, which fail unsent")
    if plan.not_needed:
        put(f"not asked: {plural(plan.not_needed, 'judgment')} decided by an empty answer")
    if plan.budget:
        put(f"stops within: {', '.join(plan.budget)}")
    put(f"order of sending: {plan.digest}")
    return 0
