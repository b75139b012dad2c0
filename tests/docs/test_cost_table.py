"""The README's answer to "What will it cost" is what the command says today."""

from __future__ import annotations

from benches.cost_table import COMMAND, GUIDE_HOURS, GUIDE_PRICE, JUDGE, MADE, README, SHAPE, made


def test_the_readme_says_what_the_estimate_does() -> None:
    [shown] = MADE.findall(README.read_text("utf-8"))
    assert shown == made(), "run `python benches/cost_table.py --write`"


def test_its_command_is_the_work_of_the_table() -> None:
    assert f"--shape {SHAPE} " in COMMAND
    assert f"--model {JUDGE} " in COMMAND


def test_the_guides_figures_are_the_guides() -> None:
    assert (GUIDE_HOURS, round(GUIDE_HOURS * GUIDE_PRICE, 2)) == (6.9, 8.21)
