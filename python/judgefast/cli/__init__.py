"""The command line: one file a command, each loaded when it is called.

stdout is for data; everything said to a person goes to stderr. Exit status: 0 done or passed; 1 the
gate failed; 2 nothing judged (input, usage, settings, an engine that does not start); 3 incomplete;
70 a bug, with its traceback; 130 interrupted, resumable.
"""

from __future__ import annotations

import signal
import sys

INTERRUPTED = 130


def main() -> None:
    """Run a command; print an expected error as `error:` and `hint:` on stderr and exit with 2."""
    import click  # noqa: PLC0415 - kept out of `import judgefast`

    from judgefast.cli.app import app  # noqa: PLC0415 - on first use
    from judgefast.errors import JudgefastError  # noqa: PLC0415 - on first use

    try:
        status = app.main(prog_name="judgefast", standalone_mode=False)
    except JudgefastError as error:
        _complain(str(error), error.hint)
        status = 2
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        status = 2
    except click.ClickException as error:
        _complain(error.format_message(), _usage_hint(error))
        status = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        status = INTERRUPTED
    except Exception:  # noqa: BLE001 - the last resort: a bug keeps its traceback and its own status
        import traceback  # noqa: PLC0415 - on first use

        traceback.print_exc()
        _complain("this is a bug in judgefast", "report it with the traceback above")
        status = 70
    if status == INTERRUPTED:  # all is said and kept: one more Ctrl-C, in a hurry, changes nothing
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(status if isinstance(status, int) else 0)


def _complain(message: str, hint: str | None) -> None:
    import click  # noqa: PLC0415 - kept out of `import judgefast`

    from judgefast.reports.inert import block  # noqa: PLC0415 - as above

    click.echo("error: " + "\n".join(block(message)), err=True)
    if hint:
        click.echo("\nhint: " + "\n".join(block(hint)), err=True)


def _usage_hint(error: object) -> str | None:
    context = getattr(error, "ctx", None)
    return f"see `{context.command_path} --help`" if context else None
