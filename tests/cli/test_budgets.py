"""What a run prints that its budget stops, whole, and how one goes on with it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cli.test_commands import REPLAY, steady

if TYPE_CHECKING:
    from collections.abc import Callable

SNAPSHOT = Path(__file__).parent / "snapshots" / "budget.txt"
RUN = ["run", "pairs.jsonl", *REPLAY, "--out", "r", "--budget", "41judgments", "--price", "3.60"]


def still(seen: str) -> str:
    """Leave out what was spent in time, too."""
    return re.sub(r"[0-9.e-]+ GPU-hours, \$[0-9.e-]+", "... GPU-hours, $...", steady(seen))


def test_a_run_that_its_budget_stops_says_so_and_how_to_go_on(
    judgefast: Callable[..., str],
) -> None:
    seen = still(judgefast(*RUN))
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        SNAPSHOT.write_text(seen, encoding="utf-8")
    assert seen == SNAPSHOT.read_text(encoding="utf-8")
    again = judgefast("resume", "r")
    assert again.startswith("exit 3\n")
    assert again.split("--- stderr\n")[1] == seen.split("--- stderr\n")[1], "the same words"
    go_on = seen.splitlines()[-1].removeprefix("go on with: judgefast ").split()
    assert judgefast(*go_on).startswith("exit 0\n")


def test_a_wrong_or_too_small_budget_judges_nothing(judgefast: Callable[..., str]) -> None:
    wrong = [*RUN, "--budget", "5hours"]
    assert judgefast(*wrong).startswith(
        "exit 2\n--- stdout\n--- stderr\nerror: the budget `5hours` cannot be read: `hours` is no "
        "unit of a budget; the nearest is `gpu-hours`\n\nhint: as in --budget 5usd"
    )
    assert judgefast(*RUN, "--budget", "1judgment") == (
        "exit 2\n--- stdout\n--- stderr\nerror: the budget of 1 judgment buys no judgment: the "
        "first item takes 2 judgments\n\nhint: nothing was judged; give --budget 2judgments at "
        "least\n"
    )


def test_plan_and_dry_run_take_the_flags(judgefast: Callable[..., str]) -> None:
    dry = judgefast(*RUN, "--dry-run")
    assert "\nstops within: 41judgments\n" in dry
    refused = judgefast("plan", *RUN[1:], "--budget", "x")
    assert refused.startswith("exit 2\n--- stdout\n--- stderr\nerror: the budget `x` cannot be")
