"""The group of commands, by name."""

from __future__ import annotations

from importlib import import_module
from typing import ClassVar

import click

from judgefast.cli.groups import SuggestingGroup


class LazyGroup(SuggestingGroup):
    """A group whose commands are imported when they are named."""

    COMMANDS: ClassVar[dict[str, str]] = {
        "agree": "Print where the judges of finished runs agree.",
        "bench": "Measure a workload on an engine: judgments, tokens, hours, money.",
        "compare": "Print what separates two runs, item by item.",
        "embedded": "Fetch the weights of the embedded engine.",
        "engines": "List what can judge here, and what to install for the rest.",
        "estimate": "Say what a run would cost, before anything is rented.",
        "export": "Write one wide row per outcome to a file.",
        "gate": "Pass or fail a run by rules about its estimates.",
        "gpus": "List what is known of accelerators.",
        "models": "List judge models, their sizes, and where they fit.",
        "parse": "Read any file of judge outputs by a rubric.",
        "plan": "Say what a run would ask and compute, before it is paid.",
        "prices": "Show what a GPU-hour and a token cost, with dates.",
        "replay": "Read a run's outputs by another parse rule, without an engine.",
        "report": "Print a run's report again, without an engine.",
        "resume": "Go on with a run that was interrupted.",
        "rubrics": "List the built-in rubrics, or print one to start from.",
        "run": "Judge answers and report.",
        "serve-judge": "Start a judge behind an HTTP server, by vLLM.",
        "show": "Show one item whole: texts, verdicts, both orders.",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        del ctx
        return sorted(self.COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command called `cmd_name`."""
        del ctx
        if cmd_name not in self.COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        return getattr(import_module(f"judgefast.cli.{name}"), name)  # type: ignore[no-any-return]  # a command, by the table above

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List commands from the table, so that `--help` imports none of them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(sorted(self.COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="judgefast", prog_name="judgefast")
def app() -> None:
    """Judge model answers in bulk, with intervals.

    Example: judgefast run answers.jsonl --rubric pairwise --engine embedded --out runs/today
    """
