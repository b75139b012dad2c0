"""Several judges of the same units, and what their sources published of their agreement.

- PandaLM (Wang et al. 2023, arXiv:2306.05087): three people and PandaLM-7B on 999 pairs of answers.
- newsroom and recipe (of JUDGE-BENCH, Bavaresco et al. 2024, arXiv:2406.18403): people's ratings.
- rag9 (asukul/RAG-Eval-LLM-Judge): nine models score the relevance of 10 passages for each of 57
  questions from 0 to 3, some without a score.
"""

from __future__ import annotations

import json
import math
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.stats.ratings import Ratings

from .replays import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PANDALM = (0.0, 1.0, 2.0)
"""Tie, the first answer, the second."""


def expected(shared: Path, name: str) -> Any:
    """What the source published, or what other programs make of it."""
    path = shared / "data" / "agreement" / f"{name}_expected.json"
    return json.loads(path.read_text("utf-8"))


def pandalm(shared: Path) -> Ratings:
    """Three annotators, and PandaLM-7B."""
    rows = rows_of(shared / "data/agreement/pandalm_labels.jsonl")
    return _ratings(
        [[*row["annotators"], row["pandalm_7b"]] for row in rows],
        ["1", "2", "3", "PandaLM-7B"],
        scale="nominal",
        categories=PANDALM,
        names=("tie", "first", "second"),
    )


def against_gold(given: Sequence[float], gold: Sequence[float]) -> dict[str, float]:
    """Figures of a judge as papers print them, every unit with a value and gold.

    Macro averages as in Opitz and Burst 2019, arXiv:1911.03347: F1 of each category, averaged.
    """
    both = [*zip(given, gold, strict=True)]
    precisions, recalls, f1s = [], [], []
    for category in {*given, *gold}:
        right = both.count((category, category))
        said = sum(one == category for one in given)
        due = sum(one == category for one in gold)
        precisions.append(right / max(said, 1))
        recalls.append(right / max(due, 1))
        f1s.append(2 * right / (said + due))
    return {
        "accuracy": fmean(one == other for one, other in both),
        "macro_precision": fmean(precisions),
        "macro_recall": fmean(recalls),
        "macro_f1": fmean(f1s),
    }


def rated(shared: Path, source: str, metric: str, most: int) -> Ratings:
    """People's ratings of one metric of `newsroom` or `recipe`, from 1 to `most`."""
    rows = rows_of(shared / f"data/agreement/{source}_ratings.jsonl")
    given = [row["ratings"] for row in rows if row["metric"] == metric]
    people = max(map(len, given))
    return _ratings(
        [[*one, *[None] * (people - len(one))] for one in given],
        [str(person) for person in range(people)],
        scale="ordinal",
        categories=tuple(map(float, range(1, most + 1))),
    )


def rag9(shared: Path) -> Ratings:
    """Nine models; a null is no score. The passages of a question, `q1/…`, are a cluster."""
    rows = rows_of(shared / "data/agreement/rag9_scores.jsonl")
    judges = list(rows[0]["scores"])
    ratings = _ratings(
        [[row["scores"][judge] for judge in judges] for row in rows],
        judges,
        scale="ordinal",
        categories=(0.0, 1.0, 2.0, 3.0),
    )
    questions = [int(row["item"].partition("/")[0].removeprefix("q")) for row in rows]
    return ratings._replace(clusters=np.array(questions, np.uint64))


def _ratings(rows: list[list[Any]], judges: list[str], **of_scale: Any) -> Ratings:
    values = [[math.nan if one is None else float(one) for one in row] for row in rows]
    return Ratings(np.array(values), np.arange(len(rows), dtype=np.uint64), judges, **of_scale)
