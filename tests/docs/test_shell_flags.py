"""The table of flags in `docs/shell.md` has each flag of `judgefast run`, once."""

from __future__ import annotations

import re
from pathlib import Path

import click

from judgefast.cli.app import app

PAGE = Path(__file__).resolve().parents[2] / "docs" / "shell.md"


def test_the_page_names_every_flag_of_run() -> None:
    table = PAGE.read_text("utf-8").split("| flag of `run` | for |")[1].split("\n\n")[0]
    cells = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    shown = re.findall(r"--[a-z-]+", " ".join(cells))
    command = app.get_command(click.Context(app), "run")
    assert command is not None
    flags = [name for each in command.params for name in each.opts if name.startswith("--")]
    assert sorted(shown) == sorted(flags)
