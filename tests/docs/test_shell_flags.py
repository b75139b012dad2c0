"""The tables of flags in `docs/shell.md` have each flag of `run` and of `plan`, once."""

from __future__ import annotations

import re
from pathlib import Path

import click

from judgefast.cli.app import app

OF_SEVERAL = {"--judge", "--side-by-side", "--disagreements", "--alpha"}
PAGE = Path(__file__).resolve().parents[2] / "docs" / "shell.md"


def shown_of(command: str) -> list[str]:
    table = PAGE.read_text("utf-8").split(f"| flag of `{command}` | for |")[1].split("\n\n")[0]
    cells = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    return sorted(re.findall(r"--[a-z-]+", " ".join(cells)))


def flags_of(name: str) -> list[str]:
    command = app.get_command(click.Context(app), name)
    assert command is not None
    return sorted(flag for each in command.params for flag in each.opts if flag.startswith("--"))


def test_the_page_names_every_flag_of_run() -> None:
    assert shown_of("run") == flags_of("run")


def test_estimate_takes_the_flags_of_run_and_those_of_its_own() -> None:
    of_run = set(flags_of("run")) - {"--dry-run", "--no-estimate"} - OF_SEVERAL
    assert of_run - set(flags_of("estimate")) == set()
    assert shown_of("estimate") == sorted(set(flags_of("estimate")) - of_run | {"--json"})


def test_plan_takes_the_flags_of_run_and_those_of_its_own() -> None:
    of_run = set(flags_of("run")) - {"--dry-run"} - OF_SEVERAL
    assert of_run < set(flags_of("plan"))
    assert shown_of("plan") == sorted(set(flags_of("plan")) - of_run)
