"""`judgefast estimate` asked for a decision: its flags, its JSON, how it ends."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from judgefast.cli.app import app
from judgefast.errors import ConfigError

SNAPSHOT = Path(__file__).parent / "snapshots" / "decisions.txt"
SHAPE = "questions=1000,answer=500,rubric=400,out=60"
ESTIMATE = ["estimate", "--shape", SHAPE, "--rubric", "pairwise-reasons", "--price", "2"]
ON = ["--model", "Qwen2.5-7B-Instruct", "--gpu", "H200"]


def judgefast(*more: str) -> Result:
    return CliRunner().invoke(app, [*ESTIMATE, *more], standalone_mode=False)


def refused(*more: str) -> ConfigError:
    found = judgefast(*more).exception
    assert isinstance(found, ConfigError), found
    return found


def as_json(*more: str) -> Any:
    return json.loads(judgefast(*ON, "--json", *more).stdout)


@pytest.mark.parametrize(
    ("times", "status", "said"),
    [(20.0, 0, "It fits in"), (0.01, 1, "It does not fit in"), (1.001, 3, "It likely fits in")],
)
def test_the_exit_status_of_a_deadline_is_that_of_a_gate(
    times: float, status: int, said: str
) -> None:
    seconds = times * as_json()["seconds"]["likely"]
    done = judgefast(*ON, "--deadline", f"{seconds:.3f}s")
    assert done.return_value == status
    title, answer, *_ = done.stdout.splitlines()
    assert title == "Deadline"
    assert answer.startswith(said)


def without_figures(seen: str) -> str:
    """Leave out what hangs on the catalogue of the day, and how it is laid out."""
    parts = re.sub(r"\d[\d,.]*", "#", seen).split("\n\n")
    return "\n".join(" ".join(part.split()) for part in parts)


def test_each_answer_comes_before_the_estimate() -> None:
    power = ["--power", "0.05", "--rate", "0.8"]
    seen = judgefast(
        *ON, "--deadline", "1s", "--budget", "1usd", "--budget", "100judgments", *power
    )
    decisions, estimate, _ = seen.stdout.partition("Estimate  ")
    assert estimate
    shown = without_figures(decisions)
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        SNAPSHOT.write_text(shown, encoding="utf-8")
    assert shown == SNAPSHOT.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ("0.1usd", r"\$0.10 at .* buys 0 items \(0 to .*One item takes \$0\.\d+ \("),
        ("0.00001usd", r"\$0.00001 at .*One item takes \$0\.\d+ \("),
        ("0.001gpu-hours", r"0.001 GPU-hours likely .*One item takes 0\.\d+ GPU-hours \("),
        ("1judgments", r"1 judgment likely buys 0 items\. One item takes 2 judgments\."),
        ("1999judgments", r"buys 999 items, .*That is 99\.9 % of all 1,000"),
    ],
)
def test_a_budget_that_buys_nothing_says_what_one_item_takes_and_one_that_lacks_one_is_not_all(
    budget: str, said: str
) -> None:
    seen = judgefast(*ON, "--budget", budget).stdout.partition("Estimate  ")[0]
    assert re.search(said, " ".join(seen.split()))


def test_json_has_the_estimate_and_its_decisions() -> None:
    plain = as_json()
    assert "decisions" not in plain
    more = as_json("--budget", "5usd", "--power", "0.05", "--rate", "0.8", "--deadline", "8h")
    decisions = more.pop("decisions")
    assert more == plain
    assert decisions["deadline"]["fit"] == "fits"
    assert decisions["power"]["questions"] == 1091
    assert decisions["budgets"][0]["budget"] == "$5.00"
    assert decisions["alternatives"] is None


def test_gpus_is_the_number_of_gpu() -> None:
    assert as_json("--gpus", "2") == json.loads(judgefast(*ON[:-1], "H200:2", "--json").stdout)


@pytest.mark.parametrize(
    ("flags", "said", "hint"),
    [
        ([*ON, "--rate", "0.8"], "--rate is about --power", "add --power 0.02"),
        ([*ON, "--sd", "0.8"], "--sd is about --power", "add --power 0.02"),
        ([*ON, "--one-sided"], "--one-sided is about --power", "add --power 0.02"),
        ([*ON, "--against", "runs/a"], "--against is about --power", "add --power 0.02"),
        ([*ON, "--power", "0.02"], "hangs on how much questions vary", "--pilot RUN"),
        ([*ON[:2], "--gpus", "2"], "--gpus 2, but of which kind?", "--gpu H200 --gpus 2"),
        ([*ON[:-1], "H200:2", "--gpus", "3"], "--gpus 3, but --gpu H200:2", "leave one of"),
        ([*ON, "--gpus", "0"], "--gpus is 0; it must be at least 1", "leave it out"),
        ([*ON, "--deadline", "soon"], "`soon` is no duration", "8h, 90m"),
        ([*ON, "--budget", "5"], "5", "usd"),
    ],
)
def test_what_is_missing_or_wrong_is_said_with_an_example(
    flags: list[str], said: str, hint: str
) -> None:
    found = refused(*flags)
    assert said in str(found)
    assert hint in str(found.hint)


def test_one_side_more_power_and_the_level_reach_the_sample() -> None:
    power = ["--power", "0.05", "--rate", "0.8", "--correlation", "0.5"]
    two, one, sure, surer = (
        as_json(*power, *more)["decisions"]["power"]["questions"]
        for more in ([], ["--one-sided"], ["--power-at", "0.95"], ["--level", "0.9999"])
    )
    assert one < two < sure < surer
