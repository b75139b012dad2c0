"""The means of WildBench, from the scores that its judge gave."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from judgefast.pipeline.results import estimates_of

from . import wildbench
from .replays import replay, rows_of

if TYPE_CHECKING:
    from pathlib import Path


def test_the_mean_of_every_model_comes_out_to_the_last_digit(shared: Path, tmp_path: Path) -> None:
    recorded = wildbench.recorded(rows_of(shared / "data/scalar/wildbench_scores.jsonl"))
    reading = replay(recorded, wildbench.rubric(tmp_path / "scalar.toml"), tmp_path / "run")
    expected = json.loads((shared / "data/scalar/wildbench_expected.json").read_text())["models"]
    found = {
        each.slice.removeprefix("model="): each
        for each in estimates_of(reading)
        if each.name == "mean" and each.slice.startswith("model=")
    }
    assert found.keys() == expected.keys()
    for model, figures in expected.items():
        assert found[model].value == figures["score"]
        assert found[model].outcomes == figures["total"]
