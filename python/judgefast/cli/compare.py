"""`judgefast compare`: what separates two runs."""

from __future__ import annotations

import sys

import click

from judgefast.cli.options import across_option
from judgefast.cli.output import put


@click.command()
@click.argument("directory", metavar="A", type=click.Path())
@click.argument("other", metavar="B", type=click.Path())
@click.option("--slice", "slices", multiple=True, help="Compare by this field of meta too.")
@click.option("--level", type=float, help="Confidence level [default: that of A].")
@across_option
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def compare(  # noqa: PLR0913 - flags
    directory: str,
    other: str,
    *,
    slices: tuple[str, ...],
    level: float | None,
    across: tuple[str, ...],
    as_json: bool,
) -> int:
    """Print how much higher each estimate is in run A than in run B, item by item.

    Example: judgefast compare runs/today runs/yesterday --slice topic

    Exit status: 0 compared, 2 not comparable, 3 compared but a run is incomplete.
    """
    from judgefast.reports.as_json import to_json  # noqa: PLC0415 - heavy, as below
    from judgefast.reports.comparison import render_comparison  # noqa: PLC0415 - on first use
    from judgefast.reports.console import look_of  # noqa: PLC0415 - on first use
    from judgefast.runs import Run  # noqa: PLC0415 - on first use

    found = Run.open(directory).compare(
        Run.open(other), slices=slices or None, level=level, across=across
    )
    text = to_json(found) if as_json else render_comparison(found, look_of(sys.stdout))
    put(text.rstrip("\n"))
    return 0 if found.is_complete else 3
