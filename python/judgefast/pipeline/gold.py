"""Gold of lone answers as scores of a rubric, and what of it is none."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from judgefast.reports.unused_gold import MOST_VALUES, UnusedGold, unused_gold_finding

if TYPE_CHECKING:
    from judgefast.datasets.columns import ItemColumns
    from judgefast.pipeline.results import Reading
    from judgefast.prompts.rubric import Rubric

_OF_LONE_ANSWERS = ("binary", "scalar")
"""Modes in which gold of a lone answer counts."""

_PASS = (0.0, 1.0)
"""Gold that `binary` has an accuracy of."""


def with_label_gold(items: ItemColumns, rubric: Rubric) -> ItemColumns:
    """Gold that names a label of the rubric, or is one of its words for gold, becomes its score."""
    if items.gold_label is None:
        return items
    labels = [label for form in reversed(rubric.verdicts) for label in form.labels]
    scores = dict(rubric.gold) | {label.text.strip(): label.score for label in labels}
    of_code = np.array(
        [np.nan if scores.get(name) is None else scores[name] for name in items.gold_label.names]
        + [np.nan],  # code -1: no label
        np.float64,
    )
    gold = np.where(np.isnan(items.gold_score), of_code[items.gold_label.codes], items.gold_score)
    return items._replace(gold_score=gold)


def unused_gold_of(reading: Reading) -> UnusedGold | None:
    """Find gold that the rubric cannot use; None where there is none."""
    items, rubric = reading.items, reading.rubric
    if rubric.mode not in _OF_LONE_ANSWERS:
        return None
    counts: Counter[str] = Counter()
    if items.gold_label is not None:
        codes, names = items.gold_label.codes, items.gold_label.names
        unknown = codes[(codes >= 0) & np.isnan(items.gold_score)]
        numbers = np.bincount(unknown, minlength=len(names)).tolist()
        counts.update({name: n for name, n in zip(names, numbers, strict=True) if n})
    if rubric.mode == "binary":
        score = items.gold_score
        others = score[~np.isnan(score) & ~np.isin(score, _PASS)]
        for value, n in zip(*np.unique(others, return_counts=True), strict=True):
            counts[f"{value:.15g}"] += int(n)
    if not counts:
        return None
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    labels = [label.text.strip() for form in rubric.verdicts for label in form.labels]
    return UnusedGold(
        items=counts.total(),
        values=dict(ordered[:MOST_VALUES]),
        different=len(counts),
        labels=list(dict.fromkeys(labels)),
    )


def unused_gold_words(reading: Reading, unused: UnusedGold | None) -> list[str]:
    """Say what of a run's gold is not used."""
    is_binary = reading.rubric.mode == "binary"
    used = is_binary and bool(np.isin(reading.items.gold_score, _PASS).any())
    return unused_gold_finding(unused, is_all=is_binary and not used)
