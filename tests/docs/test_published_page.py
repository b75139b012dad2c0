"""The table of `docs/published.md` comes out of the replays."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.published.replays import replay, rows_of, write_rubric
from tests.published.test_llmbar import PATTERNS, recorded

from judgefast.pipeline.results import counts_of, estimates_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "published.md"
ROWS = re.findall(
    r"^\| (\w+) \| (\w+) \| ([\d.]+) \| ([\d.]+) \[([\d.]+), ([\d.]+)\] \| (\d+) \|$",
    PAGE.read_text(encoding="utf-8"),
    flags=re.MULTILINE,
)


def test_the_table_has_every_judge_and_prompting() -> None:
    assert [(judge, strategy) for judge, strategy, *_ in ROWS] == sorted(PATTERNS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}-{row[1]}")
def test_a_row_comes_out_of_the_replay(row: tuple[str, ...], shared: Path, tmp_path: Path) -> None:
    judge, strategy, published, *numbers = row
    cells = [
        cell
        for cell in json.loads((shared / "data/pairs/llmbar_expected.json").read_text())
        if (cell["judge"], cell["strategy"]) == (judge, strategy)
    ]
    weighted = sum(cell["accuracy"] * cell["n"] for cell in cells)
    assert f"{weighted / sum(cell['n'] for cell in cells):.1f}" == published
    rows = [
        one
        for one in rows_of(shared / "data/pairs/llmbar_judgments.jsonl")
        if (one["judge"], one["strategy"]) == (judge, strategy)
    ]
    rubric = write_rubric(
        tmp_path / "source.toml", PATTERNS[judge, strategy], which="listed", source_rule=True
    )
    reading = replay(recorded(rows), rubric, tmp_path / "run")
    [found] = [one for one in estimates_of(reading) if (one.name, one.slice) == ("accuracy", "all")]
    assert found.low is not None
    seen = [f"{100 * float(number):.1f}" for number in (found.value, found.low, found.high)]
    assert [*seen, str(sum(counts_of(reading).unparsed.values()))] == numbers
