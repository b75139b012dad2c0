"""The 36 cells of LLMBar (Zeng et al. 2023, arXiv:2310.07641), from its own judge outputs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .llmbar import PATTERNS, cells, recorded, strict_patterns
from .replays import patterns_rubric, replay, rows_of, verdicts_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("judge", "strategy"), sorted(PATTERNS))
def test_the_cells_come_out_as_published(
    judge: str, strategy: str, shared: Path, tmp_path: Path
) -> None:
    rows = [
        row
        for row in rows_of(shared / "data/pairs/llmbar_judgments.jsonl")
        if (row["judge"], row["strategy"]) == (judge, strategy)
    ]
    rubric = patterns_rubric(
        tmp_path / "source.toml", PATTERNS[judge, strategy], which="listed", source_rule=True
    )
    reading = replay(recorded(rows), rubric, tmp_path / "run")
    found = cells(rows, verdicts_of(reading))
    expected = [
        cell
        for cell in json.loads((shared / "data/pairs/llmbar_expected.json").read_text())
        if (cell["judge"], cell["strategy"]) == (judge, strategy)
    ]
    assert len(expected) == 4
    for cell in expected:
        for figure, value in found[cell["subset"]].items():
            assert value == pytest.approx(cell[figure], abs=1e-9), (cell["subset"], figure)


def test_our_strict_rule_reads_no_verdict_out_of_the_wrong_name(
    shared: Path, tmp_path: Path
) -> None:
    """82 texts of PaLM2/CoT begin with one answer and call only the other one better."""
    rows = [
        row
        for row in rows_of(shared / "data/pairs/llmbar_judgments.jsonl")
        if (row["judge"], row["strategy"]) == ("PaLM2", "CoT")
    ]
    strict = patterns_rubric(
        tmp_path / "strict.toml",
        strict_patterns("PaLM2", "CoT"),
        which="unanimous",
        source_rule=False,
    )
    reading = replay(recorded(rows), strict, tmp_path / "run")
    said = verdicts_of(reading)
    source = {
        (row["id"], order == "ba", 0): row[f"winner_{order}"]
        for row in rows
        for order in ("ab", "ba")
    }
    refused = [key for key, verdict in said.items() if verdict is None and source[key]]
    other = [
        key for key, verdict in said.items() if verdict and verdict != str(source[key]).lower()
    ]
    assert len(refused) == 83  # and one that calls both of them better
    assert not other
