"""`judgefast gate`: a run held to rules."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from judgefast.cli.options import across_option, read_rules
from judgefast.cli.output import put, say


@click.command()
@click.argument("directory", type=click.Path())
@click.option("--baseline", type=click.Path(), help="Run that `drop(...)` is measured from.")
@click.option("--rule", "rules", multiple=True, help="Such as 'win_rate.low >= 0.48'; repeatable.")
@click.option(
    "--rules",
    "rules_file",
    type=click.Path(path_type=Path),
    help="File with one rule a line; # begins a comment.",
)
@click.option("--level", type=float, help="Confidence level of all rules [default: the run's].")
@click.option(
    "--max-unreadable",
    type=float,
    help="Share unparsed or failed above which the gate fails [default: the run's].",
)
@across_option
@click.option("--json", "as_json", is_flag=True, help="Print the decisions as JSON.")
def gate(  # noqa: PLR0913 - flags
    directory: str,
    *,
    baseline: str | None,
    rules: tuple[str, ...],
    rules_file: Path | None,
    level: float | None,
    max_unreadable: float | None,
    across: tuple[str, ...],
    as_json: bool,
) -> int:
    """Hold the run in DIRECTORY to rules about its estimates (docs/gate.md).

    Example: judgefast gate runs/today --baseline runs/yesterday --rule 'drop(accuracy) <= 0.02'

    Exit status: 0 all passed, 1 a rule failed, 2 a rule cannot be read or no such run, 3
    inconclusive.
    """
    from judgefast.reports.as_json import to_json  # noqa: PLC0415 - heavy, as below
    from judgefast.reports.console import look_of  # noqa: PLC0415 - on first use
    from judgefast.reports.gate import render_gate  # noqa: PLC0415 - on first use
    from judgefast.runs import Run  # noqa: PLC0415 - on first use

    found = Run.open(directory).gate(
        [*rules, *(read_rules(rules_file) if rules_file else ())],
        baseline=None if baseline is None else Run.open(baseline),
        level=level,
        max_unreadable=max_unreadable,
        across=across,
    )
    text = to_json(found) if as_json else render_gate(found, look_of(sys.stdout))
    put(text.rstrip("\n"))
    if baseline is not None and not any(one.is_drop for one in found.rules):
        say("no rule is about the baseline: `drop(NAME)` would be")
    return found.status
