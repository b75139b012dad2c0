"""What `judgefast plan` prints, whole, and how it ends."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from click.testing import CliRunner
from tests.pipeline.model_folder import write_judge

from judgefast.cli.app import app
from judgefast.reports.plan_report import PlanReport

if TYPE_CHECKING:
    from collections.abc import Callable

SNAPSHOTS = Path(__file__).parent / "snapshots"
PLAN = ["plan", "pairs.jsonl", "--rubric", "pairwise", "--model", "judge"]


@pytest.fixture(autouse=True)
def judge(folder: Path) -> Path:
    """A model folder without weights, beside the data."""
    return write_judge(folder / "judge")


def steady(seen: str) -> str:
    """Leave out what hangs on how a tokenizer's file is written."""
    seen = re.sub(r"judge@[0-9a-f]{16}", "judge@...", seen)
    return re.sub(r"(?m)^(digest +)[0-9a-f]{32}", r"\1...", seen)


def matches(seen: str, name: str) -> bool:
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        path.write_text(steady(seen), encoding="utf-8")
    return steady(seen) == path.read_text(encoding="utf-8")


def test_a_plan_with_layouts_and_lint(judgefast: Callable[..., str]) -> None:
    seen = judgefast(*PLAN, "--layout", "--lint", "--cache-tokens", "4000", "--running", "2")
    assert matches(seen, "plan")


def test_json_is_the_plan_and_nothing_else(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    before = {path.name for path in folder.iterdir()}
    done = CliRunner().invoke(app, [*PLAN, "--json", "--block-tokens", "32"], standalone_mode=False)
    assert done.return_value == 0
    report = msgspec.json.decode(done.stdout, type=PlanReport)
    assert report.requests.requests == 72
    assert report.cache is not None
    assert report.cache.given == ["block_tokens"]
    assert report.lint is None
    assert list(json.loads(done.stdout)) == list(PlanReport.__struct_fields__)
    assert {path.name for path in folder.iterdir()} == before, "a plan leaves nothing behind"


def test_what_cannot_be_planned_is_refused(judgefast: Callable[..., str]) -> None:
    assert judgefast("plan", "--rubric", "pairwise", "--model", "judge") == (
        "exit 2\n--- stdout\n--- stderr\nerror: no data was named\n\n"
        "hint: judgefast plan DATA ..., with DATA a file, glob, folder or -\n"
    )
