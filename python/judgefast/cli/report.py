"""`judgefast report`: a run's report again, without an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from judgefast.cli.judges import alpha_option, disagreements_option, report_panel, status_of
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
@disagreements_option
@alpha_option
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def report(
    directory: str,
    *,
    rubric: str | None,
    disagreements: Path | None,
    as_json: bool,
    **changes: Any,  # noqa: ANN401 - flags
) -> int:
    """Print the report of the run, or of the judges, in DIRECTORY, read anew from its journal.

    Example: judgefast report runs/today --rule average --json

    Exit status: 0 all judged, 2 no such run, 3 incomplete.
    """
    from judgefast.errors import ConfigError  # noqa: PLC0415 - light, but not at the start
    from judgefast.pipeline.panel_directory import is_panel  # noqa: PLC0415 - heavy
    from judgefast.pipeline.results import read_run, report_of, why_incomplete  # noqa: PLC0415 - heavy

    given = {name: value for name, value in changes.items() if value not in (None, ())}
    if is_panel(Path(directory)):
        return _of_panel(Path(directory), rubric, disagreements, given, as_json=as_json)
    of_several = {"--disagreements": disagreements is not None, "--alpha": "alpha" in given}
    for flag in (name for name, is_given in of_several.items() if is_given):
        msg = f"{flag} is for several judges, and `{directory}` holds one"
        raise ConfigError(msg, hint="join runs: judgefast agree RUN RUN")
    found = report_of(read_run(Path(directory), rubric=rubric, to_report=True, **given))
    print_report(found, as_json=as_json)
    return 3 if why_incomplete(found.results.counts) else 0


def _of_panel(
    directory: Path,
    rubric: str | None,
    disagreements: Path | None,
    given: dict[str, Any],
    *,
    as_json: bool,
) -> int:
    """Print the report of several judges."""
    from judgefast.errors import ConfigError  # noqa: PLC0415 - light, but not at the start
    from judgefast.pipeline.panel_read import read_judges  # noqa: PLC0415 - heavy

    if rubric is not None:
        msg = f"`{directory}` is a panel: one rubric is not read into all of its judges"
        raise ConfigError(msg, hint=f"read one of them by it: `{directory / 'judges'}/NAME`")
    reading = read_judges(directory, **given)
    return status_of(report_panel(reading, disagreements, as_json=as_json))
