"""Two judges of LLMBar (Zeng et al. 2023) compared and gated as whole programs, on real outputs."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.program import program

from .llmbar import recorded, strict_patterns
from .replays import patterns_rubric, rows_of

if TYPE_CHECKING:
    from pathlib import Path

JUDGES = ("ChatGPT", "PaLM2")


def judgefast(*args: str, cwd: Path) -> tuple[int, str, str]:
    line = [*program(), *args]
    done = subprocess.run(
        line, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ}
    )
    return done.returncode, done.stdout, done.stderr


def by_hand(rows: dict[str, list[dict[str, str]]]) -> list[float]:
    """Difference of the judges' mean accuracy over both orders, by item, as a dictionary has it."""
    of_judge = []
    for judge in JUDGES:
        right = {}
        for row in rows[judge]:
            gold = row["gold"]
            votes = [row[f"winner_{order}"] for order in ("ab", "ba")]
            # `average`: each order is worth 1/2, the tie of two that disagree counts one half
            right[row["id"]] = None if None in votes else sum(v == gold for v in votes) / 2
        of_judge.append(right)
    return [
        of_judge[0][one] - of_judge[1][one]
        for one in of_judge[0]
        if of_judge[0][one] is not None and of_judge[1][one] is not None
    ]


@pytest.fixture(scope="module")
def folder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One run of each judge, by the same rubric."""
    folder = tmp_path_factory.mktemp("llmbar")
    rows = rows_of(shared / "data/pairs/llmbar_judgments.jsonl")
    rubric = patterns_rubric(
        folder / "vanilla.toml",
        strict_patterns("ChatGPT", "Vanilla"),
        which="unanimous",
        source_rule=False,
    )
    for judge in JUDGES:
        chosen = [row for row in rows if (row["judge"], row["strategy"]) == (judge, "Vanilla")]
        (folder / f"{judge}.json").write_text(json.dumps(chosen))
        said = [row | {"judge": judge} for row in recorded(chosen)]
        (folder / f"{judge}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in said))
        status, _, stderr = judgefast(
            *("run", "--engine", "replay", "--recorded", f"{judge}.jsonl"),
            *("--rubric", str(rubric), "--out", judge, "--slice", "subset"),
            cwd=folder,
        )
        assert status == 0, stderr
    return folder


def test_two_judges_are_compared_only_where_that_is_said(folder: Path) -> None:
    status, stdout, stderr = judgefast("compare", *JUDGES, cwd=folder)
    assert (status, stdout) == (2, "")
    assert "\n  judge: ChatGPT -> PaLM2\n" in stderr
    assert stderr.endswith("hint: if that is what you compare, say so: --across judge\n")


def test_the_difference_of_two_judges_is_that_of_their_items(folder: Path) -> None:
    status, stdout, _ = judgefast("compare", *JUDGES, "--across", "judge", "--json", cwd=folder)
    assert status == 0
    found = json.loads(stdout)["differences"]
    [accuracy] = [one for one in found if (one["name"], one["slice"]) == ("accuracy", "all")]
    rows = {judge: json.loads((folder / f"{judge}.json").read_text()) for judge in JUDGES}
    expected = by_hand(rows)
    assert accuracy["both"] == len(rows["ChatGPT"])
    assert len(expected) == accuracy["both"] - accuracy["missing"]
    assert accuracy["value"] == pytest.approx(sum(expected) / len(expected))
    of_subsets = [
        one for one in found if one["name"] == "accuracy" and "meta.subset" in one["slice"]
    ]
    assert len(of_subsets) == 4
    assert sum(one["both"] for one in of_subsets) == accuracy["both"]
    assert all(one["simultaneous_low"] < one["low"] for one in of_subsets)


def test_a_change_of_judge_is_gated(folder: Path) -> None:
    line = ["gate", "ChatGPT", "--baseline", "PaLM2", "--across", "judge"]
    status, stdout, stderr = judgefast(*line, "--rule", "drop(accuracy) <= 0.02", cwd=folder)
    assert (status, stderr) == (1, "")
    assert stdout.startswith("fail  2 passed, 1 failed at level 95 %\n")
    back = ["gate", "PaLM2", "--baseline", "ChatGPT", "--across", "judge"]
    rules = ["--rule", "drop(accuracy) <= 0.02", "--rule", "accuracy[meta.subset=Natural] >= 0.7"]
    assert judgefast(*back, *rules, cwd=folder)[0] == 0
