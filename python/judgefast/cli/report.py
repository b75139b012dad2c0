"""`judgefast report`: a run's report again, without an engine."""

from __future__ import annotations

from typing import Any

import click

from judgefast.cli.output import print_report
from judgefast.codes import INTERVALS, ONE_FAILED


@click.command()
@click.argument("directory", type=click.Path())
@click.option("--rubric", help="Read the same completions by this rubric; it must ask the same.")
@click.option("--rule", help="How verdicts become an outcome (docs/outcomes.md).")
@click.option(
    "--one-failed",
    type=click.Choice(ONE_FAILED),
    help="What a pair with one unread order comes to.",
)
@click.option("--lenient", is_flag=True, default=None, help="Read broken JSON too; marked.")
@click.option("--baseline", help="Model that every comparison is against.")
@click.option("--slice", "slices", multiple=True, help="Estimate by this field of meta.")
@click.option("--level", type=float, help="Confidence level.")
@click.option(
    "--interval",
    type=click.Choice(INTERVALS),
    help="Interval of large runs (docs/statistics.md).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def report(directory: str, *, rubric: str | None, as_json: bool, **changes: Any) -> int:  # noqa: ANN401 - flags
    """Print the report of the run in DIRECTORY, read anew from its journal.

    Example: judgefast report runs/today --rule average --json

    Exit status: 0 all judged, 2 no such run, 3 incomplete.
    """
    from pathlib import Path  # noqa: PLC0415 - with the pipeline

    from judgefast.pipeline.results import read_run, report_of, why_incomplete  # noqa: PLC0415 - heavy

    given = {name: value for name, value in changes.items() if value not in (None, ())}
    found = report_of(read_run(Path(directory), rubric=rubric, to_report=True, **given))
    print_report(found, as_json=as_json)
    return 3 if why_incomplete(found.results.counts) else 0
