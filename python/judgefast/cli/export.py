"""`judgefast export`: a table of a run as a file."""

from __future__ import annotations

from pathlib import Path

import click

from judgefast.cli.output import put, say

OF_SEVERAL = ("panel", "disagreements")
"""Tables of the directory of several judges; others are those of one of its runs."""


@click.command()
@click.argument("directory", type=click.Path())
@click.option(
    "--to",
    "path",
    type=click.Path(),
    required=True,
    help="File to write; it ends in .parquet, .csv or .jsonl.",
)
@click.option(
    "--table",
    default="judgments",
    show_default=True,
    help="judgments (one wide row per outcome), verdicts, outcomes, estimates, items, "
    "completions, requests or asks; of several judges panel or disagreements.",
)
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="Say what was written as JSON.")
def export(directory: str, *, path: str, table: str, overwrite: bool, as_json: bool) -> int:
    """Write a table of the run in DIRECTORY to a file. Cells of CSV never start a formula.

    Example: judgefast export runs/today --to judgments.csv

    Exit status: 0 written, 2 no such run or table, or the file is there already.
    """
    from judgefast.panels import PANEL, Panel  # noqa: PLC0415 - heavy
    from judgefast.runs import Run  # noqa: PLC0415 - heavy

    is_panel = table in OF_SEVERAL and (Path(directory) / PANEL).is_file()
    opened = Panel.open(directory) if is_panel else Run.open(directory)
    rows = opened.export(path, table=table, overwrite=overwrite)
    if as_json:
        import json  # noqa: PLC0415 - only here

        put(json.dumps({"path": path, "table": table, "rows": rows}))
    else:
        say(f"{rows:,} rows of {table} are in {path}")
    return 0
