"""What a command says: data to stdout, words to stderr, each escaped for where it goes."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

import click

from judgefast.errors import ConfigError
from judgefast.reports.inert import block, line

if TYPE_CHECKING:
    from typing import TextIO

    from judgefast.pipeline.finished import Finished
    from judgefast.reports.report import Report

_INTERRUPTED = 130

EXCERPT = 200
"""Longest excerpt of a completion on stderr. Characters."""

_RETRIED = {"engine_error", "timeout"}
"""What `--retry failed` asks again; what is too long stays too long."""

_NOT_AS_ASKED = {"unsupported", "invalid"}
"""What an engine cannot be asked, or not as it was: another attempt alone changes nothing."""


def say(words: str) -> None:
    """Tell a person something, on stderr. What nobody can hear ends no run."""
    try:
        click.echo("\n".join(block(words)), err=True)
    except OSError:
        _close(sys.stderr)


def put(data: str, *, newline: bool = True) -> None:
    """Write data to stdout. A reader who has gone changes nothing: the status stays the command's.

    Raises:
        ConfigError: stdout takes nothing, on a full disk say.

    """
    try:
        click.echo(data, nl=newline)
    except BrokenPipeError:
        _close(sys.stdout)
    except OSError as error:
        _close(sys.stdout)
        msg = f"cannot write to stdout: {error.strerror}"
        raise ConfigError(msg, hint="send it elsewhere; no run is harmed") from None


def _close(stream: TextIO) -> None:
    """Send what is still written to a stream nowhere, so that the interpreter can end in peace."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def print_report(report: Report, *, as_json: bool) -> None:
    """Write a report to stdout."""
    from judgefast.reports.as_json import to_json  # noqa: PLC0415 - one of the two is needed
    from judgefast.reports.console import look_of  # noqa: PLC0415 - as above
    from judgefast.reports.text import render  # noqa: PLC0415 - as above

    text = to_json(report) if as_json else render(report, look_of(sys.stdout))
    put(text.rstrip("\n"))


def finish(finished: Finished, *, as_json: bool) -> int:
    """Print what came of a start, and how to go on; returns its exit status."""
    if finished.report is not None:
        print_report(finished.report, as_json=as_json)
    path = shlex.quote(str(finished.path))
    if finished.status == 0:
        return 0
    if finished.planned:
        say(f"{finished.why}: {finished.done:,} of {finished.planned:,} judgments are done")
    else:
        say(f"{finished.why}: nothing was judged by this start, and nothing is lost")
    if finished.hint:
        say(f"hint: {finished.hint}")
    for example in finished.examples:
        say(f"  - {line(example, EXCERPT)}")
    for words in _advice(finished, path):
        say(words)
    return finished.status


def _advice(finished: Finished, path: str) -> list[str]:
    """How to go on with a run that has not come to its end."""
    if not (finished.path / "manifest.json").is_file():
        return ["start the same command again"]
    if finished.go_on:
        return [f"go on with: {finished.go_on}"]
    if finished.status == _INTERRUPTED or finished.left:
        return [f"go on with: judgefast resume {path}"]
    failed = finished.report.results.counts.failed.keys() if finished.report else set()
    again = f"judgefast resume {path} --retry failed"
    if _RETRIED & failed:
        return [f"no attempts are left; ask again with: {again}"]
    if _NOT_AS_ASKED & failed:
        return [f"the engine does not answer what it was asked; once that has changed: {again}"]
    return []
