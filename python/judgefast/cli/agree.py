"""`judgefast agree`: finished runs, joined as a panel of their judges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from judgefast.cli.judges import alpha_option, disagreements_option, report_panel, status_of


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="[NAME=]RUN...")
@disagreements_option
@alpha_option
@click.option("--baseline", help="Model that every comparison is against.")
@click.option("--level", type=float, help="Confidence level [default: that of the first run].")
@click.option(
    "--across",
    type=click.Choice(["data"]),
    multiple=True,
    help="Join runs of different data by the ids they share.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def agree(
    runs: tuple[str, ...],
    *,
    disagreements: Path | None,
    across: tuple[str, ...],
    as_json: bool,
    **changes: Any,  # noqa: ANN401 - flags
) -> int:
    """Print where the judges of two or more finished RUNs agree, and where they do not.

    Example: judgefast agree strict=runs/a lenient=runs/b --disagreements look.csv

    Exit status: 0 joined, 2 runs that cannot be joined, 3 joined but a run is incomplete.
    """
    from judgefast.pipeline.panel_read import read_runs  # noqa: PLC0415 - heavy

    given = {name: value for name, value in changes.items() if value is not None}
    reading = read_runs([_named(run) for run in runs], across=across, **given)
    return status_of(report_panel(reading, disagreements, as_json=as_json))


def _named(run: str) -> tuple[str | None, Path]:
    """A run, and the name of its judge; a folder that is there is no name."""
    name, equals, path = run.partition("=")
    if not equals or Path(run).exists():
        return None, Path(run)
    return name, Path(path)
