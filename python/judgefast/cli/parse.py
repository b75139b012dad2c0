"""`judgefast parse`: any file of judge outputs, read by a rubric."""

from __future__ import annotations

import sys

import click

from judgefast.cli.options import Pair
from judgefast.cli.output import put, say
from judgefast.config import MAX_ROW_BYTES


@click.command()
@click.argument("data", type=click.Path(), nargs=-1, required=True)
@click.option("--rubric", required=True, help="Built-in rubric, or path of a TOML file.")
@click.option(
    "--map",
    "mapping",
    type=Pair(),
    multiple=True,
    help="text, finish_reason, id, cluster, order, repeat, judge or aspect = field of the data.",
)
@click.option("--aspect", help="Which aspect of the rubric, where it has several.")
@click.option(
    "--on-bad-row",
    type=click.Choice(["error", "skip"]),
    default="error",
    show_default=True,
    help="Rows that cannot be read.",
)
@click.option("--level", type=float, default=0.95, show_default=True, help="Confidence level.")
@click.option("--max-row-bytes", type=int, default=MAX_ROW_BYTES, help="Longest line in bytes.")
@click.option("--json", "as_json", is_flag=True, help="Print the audit as JSON.")
def parse(  # noqa: PLR0913, PLR0917 - one argument a flag
    data: tuple[str, ...],
    rubric: str,
    mapping: tuple[tuple[str, str], ...],
    aspect: str | None,
    on_bad_row: str,
    level: float,
    max_row_bytes: int,
    *,
    as_json: bool,
) -> int:
    """Read the judge outputs in DATA by a rubric, and by the rules next to it.

    DATA are files of JSON lines, CSV or Parquet, globs, or - for stdin.

    Example: judgefast parse outputs.jsonl --rubric scalar-1-5 --map text=completion

    Exit status: 0 read, 2 a file, row or rubric cannot be used, 3 no output has a verdict.
    """
    from judgefast.pipeline.audit import audit  # noqa: PLC0415 - heavy, as below
    from judgefast.reports.as_json import to_json  # noqa: PLC0415 - on first use
    from judgefast.reports.console import look_of  # noqa: PLC0415 - on first use
    from judgefast.reports.readings import render_audit  # noqa: PLC0415 - on first use

    found = audit(
        data,
        rubric=rubric,
        mapping=dict(mapping),
        skip_bad=on_bad_row == "skip",
        level=level,
        max_row_bytes=max_row_bytes,
        aspect=aspect,
    )
    text = to_json(found) if as_json else render_audit(found, look_of(sys.stdout))
    put(text.rstrip("\n"))
    if found.readings[0].parsed:
        return 0
    say("no output has a verdict of this rubric's format")
    return 3
