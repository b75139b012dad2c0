"""A disk that takes no more ends a run with what it took, and the next start asks for the rest."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.pipeline.judging import attempts_of, results_json

if TYPE_CHECKING:
    from pathlib import Path

ITEMS = 3000
LIMIT = 300_000
"""Largest file, in bytes: room for rows and plan, not for the journal."""


def judgefast(folder: Path, *words: str, limited: bool) -> subprocess.CompletedProcess[str]:
    def limit() -> None:
        if limited:
            resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))

    return subprocess.run(
        [sys.executable, "-m", "judgefast", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit,
    )


def test_what_a_full_disk_took_is_kept_and_the_rest_is_asked(tmp_path: Path) -> None:
    with (tmp_path / "recorded.jsonl").open("w") as file:
        for item in range(ITEMS):
            for order, letter in (("ab", "A"), ("ba", "B")):
                row = {"id": item, "order": order, "text": f"[[{letter}]]" + " because" * 20}
                file.write(json.dumps(row) + "\n")
    run = ("run", "--engine", "replay", "--recorded", "recorded.jsonl")
    run += ("--rubric", "pairwise-bracket", "--out")

    full = judgefast(tmp_path, *run, "full", limited=True)
    assert full.returncode == 3, full.stderr
    assert full.stdout == ""
    kept = len(attempts_of(tmp_path / "full"))
    assert 0 < kept < 2 * ITEMS
    assert f"{kept:,} completions of this start are kept" in full.stderr
    assert f"{kept:,} of {2 * ITEMS:,} judgments are done" in full.stderr
    assert full.stderr.endswith("go on with: judgefast resume full\n")

    rest = judgefast(tmp_path, "resume", "full", limited=False)
    assert rest.returncode == 0, rest.stderr
    assert len(attempts_of(tmp_path / "full")) == 2 * ITEMS
    assert judgefast(tmp_path, *run, "whole", limited=False).returncode == 0
    assert results_json(tmp_path / "full").replace('"full"', '"whole"') == results_json(
        tmp_path / "whole"
    )
