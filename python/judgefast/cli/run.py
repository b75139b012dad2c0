"""`judgefast run`: the main command."""

from __future__ import annotations

from typing import Any

import click

from judgefast.cli.dry_run import say_dry
from judgefast.cli.judges import judge_options, refuse_alone, start_panel
from judgefast.cli.options import options_of, run_options
from judgefast.cli.output import finish, say
from judgefast.config import config_from


@click.command()
@click.argument("data", nargs=-1, type=click.Path())
@run_options
@judge_options
@click.option("--dry-run", is_flag=True, help="Say what would be done; judge nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def run(data: tuple[str, ...], *, dry_run: bool, as_json: bool, **given: Any) -> int:  # noqa: ANN401 - flags
    """Judge the answers in DATA and report.

    DATA is one or more files (JSONL, CSV, Parquet, Arrow; .gz, .zst), globs, a folder of Parquet,
    or - for stdin. The same command goes on with a run that was interrupted.

    Example: judgefast run answers.jsonl --rubric pairwise --engine embedded --out runs/today

    With --judge, given twice or more, several judges judge the same (docs/judges.md).

    Exit status: 0 done, 2 nothing judged, 3 incomplete, 130 interrupted (resumable).
    """
    look_at = given.pop("disagreements")
    where = "command line" if given["judges"] else f"`{given['config_file']}`"
    options = options_of(given | {"data": data})
    judges = options.pop("judges", None)
    if judges is not None:
        return start_panel(
            judges, options, where=where, disagreements=look_at, dry_run=dry_run, as_json=as_json
        )
    refuse_alone(options, look_at)
    config = config_from(options, where="command line")
    from judgefast.pipeline.finished import DryRun  # noqa: PLC0415 - heavy
    from judgefast.pipeline.run import run as run_pipeline  # noqa: PLC0415 - as above
    from judgefast.stopping import Stop  # noqa: PLC0415 - with the pipeline

    with Stop().on_signals() as stop:
        finished = run_pipeline(config, stop=stop, say=say, dry_run=dry_run)
    if isinstance(finished, DryRun):
        return say_dry(finished, as_json=as_json)
    return finish(finished, as_json=as_json)
