"""`judgefast show`: one item of a run, whole."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from judgefast.cli.output import put


@click.command()
@click.argument("directory", type=click.Path())
@click.option("--id", "item_id", required=True, help="Id of the item.")
@click.option("--json", "as_json", is_flag=True, help="Print the item as JSON.")
def show(directory: str, *, item_id: str, as_json: bool) -> int:
    """Show one item of the run, or of all judges, in DIRECTORY: texts, verdicts, both orders.

    Example: judgefast show runs/today --id facts-cows

    Exit status: 0 shown, 2 no such run or item.
    """
    from judgefast.panels import PANEL, Panel  # noqa: PLC0415 - on first use
    from judgefast.reports.as_json import to_json  # noqa: PLC0415 - heavy, as below
    from judgefast.reports.console import look_of  # noqa: PLC0415 - on first use
    from judgefast.reports.panel_view import render_panel_item  # noqa: PLC0415 - on first use
    from judgefast.reports.show import render_item  # noqa: PLC0415 - on first use
    from judgefast.runs import Run  # noqa: PLC0415 - on first use

    if (Path(directory) / PANEL).is_file():
        item = Panel.open(directory).show(item_id)
        text = to_json(item) if as_json else render_panel_item(item, look_of(sys.stdout))
        put(text.rstrip("\n"))
        return 0
    view = Run.open(directory).show(item_id)
    text = to_json(view) if as_json else render_item(view, look_of(sys.stdout))
    put(text.rstrip("\n"))
    return 0
