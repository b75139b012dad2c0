"""The 36 cells of LLMBar (Zeng et al. 2023, arXiv:2310.07641), from its own judge outputs."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from .replays import replay, rows_of, verdicts_of, write_rubric

if TYPE_CHECKING:
    from pathlib import Path

STARTS = [(r"(?:^|\n) ?Output \(a\)", "A"), (r"(?:^|\n) ?Output \(b\)", "B")]
IS_BETTER = [(r"Output \(a\) is better.", "A"), (r"Output \(b\) is better.", "B")]

PATTERNS = {
    (judge, strategy): IS_BETTER if strategy == "CoT" and judge in {"ChatGPT", "LLaMA2"} else STARTS
    for judge in ("ChatGPT", "LLaMA2", "PaLM2")
    for strategy in ("Vanilla", "CoT", "Metrics_Reference")
}


def recorded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "id": row["id"],
            "order": order,
            "text": row[f"text_{order}"],
            "gold": row["gold"].lower(),
            "meta": {"subset": row["subset"]},
        }
        for row in rows
        for order in ("ab", "ba")
    ]


def kappa(forward: list[str | None], swapped: list[str | None]) -> float:
    """Cohen's kappa of the two orders after the source's own folding: A is 1, all else 0."""
    ones, twos = ([verdict == "a" for verdict in side] for side in (forward, swapped))
    n = len(ones)
    agree = sum(one == two for one, two in zip(ones, twos, strict=True)) / n
    yes = sum(ones) / n * sum(twos) / n
    chance = yes + (1 - sum(ones) / n) * (1 - sum(twos) / n)
    return (agree - chance) / (1 - chance)


def cells(
    rows: list[dict[str, Any]], said: dict[tuple[str, bool, int], str | None]
) -> dict[str, dict[str, float]]:
    """The source's figures, per subset: null is wrong, and null equals null."""
    by_subset = defaultdict(list)
    for row in rows:
        by_subset[row["subset"]].append(row)
    found = {}
    for subset, members in by_subset.items():
        gold = [row["gold"].lower() for row in members]
        forward = [said[row["id"], False, 0] for row in members]
        swapped = [said[row["id"], True, 0] for row in members]
        n = len(members)
        right = [[v == g for v, g in zip(side, gold, strict=True)] for side in (forward, swapped)]
        both = [one and two for one, two in zip(*right, strict=True)]
        found[subset] = {
            "n": n,
            "accuracy_order_ab": 100 * sum(right[0]) / n,
            "accuracy_order_ba": 100 * sum(right[1]) / n,
            "accuracy": 50 * (sum(right[0]) + sum(right[1])) / n,
            "both_correct": 100 * sum(both) / n,
            "agreement": 100 * sum(a == b for a, b in zip(forward, swapped, strict=True)) / n,
            "kappa_agreement": kappa(forward, swapped),
        }
    return found


@pytest.mark.parametrize(("judge", "strategy"), sorted(PATTERNS))
def test_the_cells_come_out_as_published(
    judge: str, strategy: str, shared: Path, tmp_path: Path
) -> None:
    rows = [
        row
        for row in rows_of(shared / "data/pairs/llmbar_judgments.jsonl")
        if (row["judge"], row["strategy"]) == (judge, strategy)
    ]
    rubric = write_rubric(
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
    strict = write_rubric(
        tmp_path / "strict.toml", STARTS + IS_BETTER, which="unanimous", source_rule=False
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
