"""Speed: judgments over the time that they took, and never over the time of others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import judgefast
from tests.recorded import pairs, record

if TYPE_CHECKING:
    from pathlib import Path


def test_a_launch_that_told_no_time_is_left_out_of_the_speed(tmp_path: Path) -> None:
    recorded = [row | {"prompt_tokens": 10} for row in record(pairs())]
    for given in (recorded[:20], recorded):
        judgefast.run(
            pairs(), rubric="pairwise-reasons", engine="replay", recorded=given, out=tmp_path / "r"
        )
    launches = {
        json.loads(path.read_text())["started"]: path
        for path in (tmp_path / "r/launches").iterdir()
    }
    first, second = (json.loads(path.read_text()) for _, path in sorted(launches.items()))
    whole = judgefast.Run.open(tmp_path / "r").report.operations
    both = first["seconds"]["judge"] + second["seconds"]["judge"]
    assert whole.judgments_per_second == pytest.approx(72 / both)
    assert whole.notes == []

    killed = min(launches)
    del first["seconds"]
    launches[killed].write_text(json.dumps(first))
    found = judgefast.Run.open(tmp_path / "r").report.operations
    assert found.judgments_per_second == pytest.approx(52 / second["seconds"]["judge"])
    assert found.tokens_per_second == pytest.approx(520 / second["seconds"]["judge"])
    assert found.tokens.prompt == 720
    assert "leave out 20 judgments of launches that were killed" in found.notes[0]
