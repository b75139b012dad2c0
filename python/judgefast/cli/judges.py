"""Several judges on the command line: their flags, their start, their report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from judgefast.cli.output import put, say
from judgefast.codes import ALPHA_SCALES

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.pipeline.disagreements_file import Listed
    from judgefast.pipeline.panel_end import PanelEnd
    from judgefast.pipeline.panel_judges import PanelJudge
    from judgefast.pipeline.panel_read import PanelReading
    from judgefast.reports.panel_report import PanelReport

_INCOMPLETE = 3


def judge_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags of several judges to `command`."""
    flags = [
        click.option(
            "--judge",
            "judges",
            multiple=True,
            metavar="JUDGE",
            help="One of several: an engine, or name=...,engine=...,rubric=...; repeatable.",
        ),
        click.option(
            "--side-by-side", is_flag=True, default=None, help="Start all judges together."
        ),
    ]
    command = alpha_option(disagreements_option(command))
    for flag in reversed(flags):
        command = flag(command)
    return command


def disagreements_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--disagreements` to `command`."""
    return click.option(
        "--disagreements",
        type=click.Path(path_type=Path),
        help="File of all items to look at: .jsonl, .csv or .parquet.",
    )(command)


def alpha_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--alpha` to `command`."""
    return click.option(
        "--alpha",
        type=click.Choice(ALPHA_SCALES),
        help="Level of measurement of alpha [default: what the values are].",
    )(command)


def refuse_alone(options: dict[str, Any], disagreements: Path | None) -> None:
    """Refuse what only several judges have, where there is one.

    Raises:
        ConfigError: `--side-by-side`, `--alpha` or `--disagreements` was given.

    """
    given = {
        "--disagreements": disagreements is not None,
        "--alpha": options.pop("alpha", None) is not None,
        "--side-by-side": options.pop("side_by_side", False),
    }
    for flag in (name for name, is_given in given.items() if is_given):
        from judgefast.errors import ConfigError  # noqa: PLC0415 - light, but not at the start

        msg = f"{flag} is for several judges, and one is named"
        raise ConfigError(msg, hint="name them: --judge A --judge B; or leave the flag out")


def start_panel(  # noqa: PLR0913 - what was asked for
    judges: list[Any],
    options: dict[str, Any],
    *,
    where: str,
    disagreements: Path | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Judge by several judges, and report; returns the exit status.

    Args:
        judges: As `judges_of` takes them.
        options: Those of all, and `side_by_side` and `alpha`.
        where: What names the judges, for errors.
        disagreements: Where the items that a person should look at are listed.
        dry_run: Say what each would do; judge nothing.
        as_json: Whether the report is printed as JSON.

    Raises:
        JudgefastError: Nothing could be judged.

    """
    from judgefast.errors import ConfigError  # noqa: PLC0415 - light, but not at the start
    from judgefast.pipeline.disagreements_file import check_list  # noqa: PLC0415 - heavy
    from judgefast.pipeline.panel import run_panel  # noqa: PLC0415 - heavy
    from judgefast.pipeline.panel_judges import judges_of  # noqa: PLC0415 - heavy
    from judgefast.stopping import Stop  # noqa: PLC0415 - with the pipeline

    side_by_side = bool(options.pop("side_by_side", False))
    alpha = options.pop("alpha", None)
    out = options.pop("out", None)
    if out is None:
        msg = "no directory was named for the judges"
        raise ConfigError(msg, hint="add --out DIR")
    seated = judges_of(judges, options, where=where)
    if dry_run:
        return _dry_runs(seated, Path(out), as_json=as_json)
    if disagreements is not None:
        check_list(disagreements)
    with Stop().on_signals() as stop:
        ended = run_panel(
            seated, Path(out), side_by_side=side_by_side, alpha=alpha, stop=stop, say=say
        )
    return finish_panel(ended, disagreements=disagreements, as_json=as_json)


def _dry_runs(judges: list[PanelJudge], out: Path, *, as_json: bool) -> int:
    """Say what each judge would do, one after the other."""
    import json  # noqa: PLC0415 - for one form of it

    from judgefast.errors import ConfigError  # noqa: PLC0415 - light, but not at the start
    from judgefast.pipeline.finished import DryRun  # noqa: PLC0415 - heavy
    from judgefast.pipeline.panel_directory import run_folder  # noqa: PLC0415 - heavy
    from judgefast.pipeline.run import run as run_one  # noqa: PLC0415 - heavy

    if any("-" in judge.config.data for judge in judges):
        msg = "--dry-run reads the data once for each judge, and stdin can be read once"
        raise ConfigError(msg, hint="save the rows to a file first")
    plans: dict[str, Any] = {}
    for judge in judges:
        config = judge.config.replace(out=str(run_folder(out, judge.name)))
        plan = run_one(config, say=say, dry_run=True)
        assert isinstance(plan, DryRun)  # it was one
        plans[judge.name] = plan._asdict()
        if not as_json:
            from judgefast.cli.dry_run import say_dry  # noqa: PLC0415 - for one form of it

            put(f"{judge.name}:")
            say_dry(plan, as_json=False)
    if as_json:
        put(json.dumps(plans))
    return 0


def finish_panel(ended: PanelEnd, *, disagreements: Path | None, as_json: bool) -> int:
    """Print what came of a start of several judges, and how to go on; returns its exit status."""
    if ended.reading is not None:
        report_panel(ended.reading, disagreements, own=ended.listed, as_json=as_json)
    for judge in ended.judges:
        if judge.error is not None:
            say(f"judge {judge.name} cannot judge: {judge.error}")
        elif judge.finished is None:
            say(f"judge {judge.name}: not started")
        elif judge.finished.status:
            done = f"{judge.finished.done:,} of {judge.finished.planned:,} judgments are done"
            say(f"judge {judge.name}: {judge.finished.why}: {done}")
            if judge.finished.hint:
                say(f"hint: {judge.finished.hint}")
    if ended.status:
        say(f"go on with: judgefast resume {shlex.quote(str(ended.path))}")
    return ended.status


def report_panel(
    reading: PanelReading,
    disagreements: Path | None,
    *,
    own: Listed | None = None,
    as_json: bool,
) -> PanelReport:
    """Write the disagreements as `reported` does, and the report to stdout."""
    from judgefast.pipeline.panel_lists import reported  # noqa: PLC0415 - heavy
    from judgefast.reports.as_json import to_json  # noqa: PLC0415 - one of the two is needed
    from judgefast.reports.console import look_of  # noqa: PLC0415 - as above
    from judgefast.reports.panel_text import render_panel  # noqa: PLC0415 - as above

    found = reported(reading, disagreements, own=own)
    text = to_json(found) if as_json else render_panel(found, look_of(sys.stdout))
    put(text.rstrip("\n"))
    return found


def status_of(report: PanelReport) -> int:
    """Exit status of a report: 0 all judged, 3 incomplete."""
    return _INCOMPLETE if report.incomplete else 0
