"""A newcomer's first panel: the embedded model and a decision server, in one command."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engines.decisions.servers import serve_sparrow
from tests.recorded import EXAMPLES

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

SNAPSHOT = Path(__file__).parent / "snapshots" / "newcomer.txt"

pytestmark = [pytest.mark.slow, pytest.mark.embedded]


def test_one_command_one_table_and_a_file_to_look_at(
    judgefast_command: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """Look at the table before `JUDGEFAST_WRITE_SNAPSHOTS=1` writes it anew: figures are `#`."""
    with serve_sparrow() as url:
        process = judgefast_command(
            *("run", EXAMPLES / "answers.jsonl", "--rubric", "binary", "--out", "first"),
            *("--judge", "name=small,engine=embedded"),
            *("--judge", f"name=server,engine=decisions,base_url={url}"),
        )
        stdout, stderr = process.communicate(timeout=280)
    assert process.returncode == 0, stderr
    table, agreement, rest = stdout.partition("\nAgreement ")
    seen = re.sub(r"[+-]?\d[\d,.]*", "#", table + agreement)
    seen = re.sub(r" {2,}", "  ", seen)
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        SNAPSHOT.write_text(seen, encoding="utf-8")
    assert seen == SNAPSHOT.read_text(encoding="utf-8")
    assert "small, server " in rest
    levels = re.search(r"levels +(\d+) high, (\d+) medium, (\d+) low", rest)
    assert levels is not None
    high, medium, low = map(int, levels.groups())
    assert high + medium + low == 32
    listed = (tmp_path / "first/disagreements.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in listed]
    assert [row["level"] for row in rows] == ["low"] * low + ["medium"] * medium
    for row in rows:
        assert row["question"]
        assert row["candidate_answer"]
        for judge in ("small", "server"):
            assert row[f"{judge}_verdict"] is not None
            assert 0 <= row[f"{judge}_confidence"] <= 1
    again = judgefast_command("report", "first", "--json")
    report = json.loads(again.communicate(timeout=60)[0])
    cpu = {row["name"]: row["cost"]["cpu_seconds_per_1000"] for row in report["judges"]}
    assert cpu["small"] > 0
    assert cpu["server"] is None  # it is not ours to measure
    assert {row["name"]: row["engine"] for row in report["judges"]} == {
        "small": "embedded",
        "server": "decisions",
    }
