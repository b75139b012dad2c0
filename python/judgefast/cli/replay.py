"""`judgefast replay`: a run's outputs by another parse rule, without an engine."""

from __future__ import annotations

import sys

import click

from judgefast.cli.output import put, say


@click.command()
@click.argument("directory", type=click.Path())
@click.option("--rubric", required=True, help="Rubric to read by; it must ask the same.")
@click.option("--out", type=click.Path(), help="Make a run directory of the new reading here.")
@click.option("--json", "as_json", is_flag=True, help="Print what changed as JSON.")
def replay(directory: str, *, rubric: str, out: str | None, as_json: bool) -> int:
    """Read every output of the run in DIRECTORY again, by another rubric that asks the same.

    Prints which verdicts change, the headline before and after, and the report by the new rubric.

    Example: judgefast replay runs/today --rubric mended.toml --out runs/today-mended

    Exit status: 0 all judged, 2 no such run, or the rubric asks something else, 3 incomplete.
    """
    from pathlib import Path  # noqa: PLC0415 - with the pipeline

    from judgefast.pipeline.reread import check_new, reread, write_reread  # noqa: PLC0415 - heavy
    from judgefast.pipeline.results import (  # noqa: PLC0415 - heavy
        counts_of,
        report_of,
        why_incomplete,
    )
    from judgefast.reports.as_json import to_json  # noqa: PLC0415 - on first use
    from judgefast.reports.console import look_of  # noqa: PLC0415 - on first use
    from judgefast.reports.readings import render_reread  # noqa: PLC0415 - on first use
    from judgefast.reports.text import render  # noqa: PLC0415 - on first use

    if out is not None:
        check_new(Path(out))
    found, after = reread(Path(directory), rubric)
    if as_json:
        text = to_json(found)
    else:
        look = look_of(sys.stdout)
        report = report_of(after, found.readings[1].estimates)
        text = render_reread(found, look) + "\n" + render(report, look)
    put(text.rstrip("\n"))
    if out is not None:
        write_reread(after, Path(out))
        say(f"the run by {after.rubric.name} is in {out}")
    return 3 if why_incomplete(counts_of(after)) else 0
