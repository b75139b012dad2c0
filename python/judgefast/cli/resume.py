"""`judgefast resume`: the rest of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from judgefast.cli.judges import finish_panel
from judgefast.cli.options import budget_options
from judgefast.cli.output import finish, say


@click.command()
@click.argument("directory", type=click.Path())
@click.option("--max-attempts", type=int, help="Attempts at a request over all starts.")
@click.option(
    "--retry",
    type=click.Choice(["failed", "unparsed", "truncated"]),
    multiple=True,
    help="Ask these again.",
)
@click.option("--max-unreadable", type=float, help="Unreadable share at which a run stops.")
@click.option("--request-seconds", type=float, help="Longest wait for one answer.")
@budget_options
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def resume(directory: str, *, as_json: bool, **changes: Any) -> int:  # noqa: ANN401 - flags
    """Go on with the run, or the judges, in DIRECTORY, by the options that it was started with.

    Example: judgefast resume runs/today --retry failed

    Exit status: 0 done, 2 nothing judged, 3 incomplete, 130 interrupted (resumable).
    """
    from judgefast.pipeline.panel import resume_panel  # noqa: PLC0415 - heavy
    from judgefast.pipeline.panel_directory import is_panel  # noqa: PLC0415 - heavy
    from judgefast.pipeline.run import resume as resume_run  # noqa: PLC0415 - heavy
    from judgefast.stopping import Stop  # noqa: PLC0415 - with the pipeline

    given = {name: value for name, value in changes.items() if value not in (None, ())}
    if is_panel(Path(directory)):
        with Stop().on_signals() as stop:
            ended = resume_panel(Path(directory), stop=stop, say=say, **given)
        return finish_panel(ended, disagreements=None, as_json=as_json)
    with Stop().on_signals() as stop:
        finished = resume_run(directory, stop=stop, say=say, **given)
    return finish(finished, as_json=as_json)
