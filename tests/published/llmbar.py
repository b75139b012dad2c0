"""LLMBar (Zeng et al. 2023, arXiv:2310.07641): its judge outputs and its own figures."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

STARTS = [(r"(?:^|\n) ?Output \(a\)", "A"), (r"(?:^|\n) ?Output \(b\)", "B")]
IS_BETTER = [(r"Output \(a\) is better.", "A"), (r"Output \(b\) is better.", "B")]

PATTERNS = {
    (judge, strategy): IS_BETTER if strategy == "CoT" and judge in {"ChatGPT", "LLaMA2"} else STARTS
    for judge in ("ChatGPT", "LLaMA2", "PaLM2")
    for strategy in ("Vanilla", "CoT", "Metrics_Reference")
}


def strict_patterns(judge: str, strategy: str) -> list[tuple[str, str]]:
    """Where the source looks, and every "is better": our strict rule wants all to agree."""
    source = PATTERNS[judge, strategy]
    return source if source is IS_BETTER else source + IS_BETTER


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
