"""From rows through plan and rules to estimates, with the real stages in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from judgefast.batches.columns import concat
from judgefast.batches.plan import plan_requests
from judgefast.datasets import ReadOptions, iter_rows, load_item_columns, read_items, snapshot
from judgefast.outcomes.reconcile import reconcile
from judgefast.prompts.verdict_format import VerdictFormat, VerdictLabel
from judgefast.stats import Judgments, findings, position_bias, summarise

from .tables import make_verdicts

if TYPE_CHECKING:
    from pathlib import Path

LABELS = [
    VerdictLabel(text="A", choice="first"),
    VerdictLabel(text="B", choice="second"),
    VerdictLabel(text="C", choice="tie"),
]


@pytest.mark.parametrize("follows", [False, True])
def test_a_replay_of_a_known_judge_gives_the_numbers_worked_out_by_hand(
    tmp_path: Path, *, follows: bool
) -> None:
    """`new` is better in 30 of 40 rows, and stands first in every other row."""
    rows = []
    for number in range(40):
        answers = [("old", f"old {number}"), ("new", f"new {number}")]
        places = answers[:: -1 if number % 2 else 1]
        row = {"id": f"r{number}", "question": f"q{number}"}
        for place, (model, text) in zip("ab", places, strict=True):
            row |= {f"answer_{place}": text, f"model_{place}": model}
        better = "new" if number < 30 else "old"
        row["gold"] = "ab"[[model for model, _ in places].index(better)]
        rows.append(row)
    snapshot(read_items(rows, ReadOptions()), tmp_path, seed=3, limit=None, texts=True)
    items = load_item_columns(tmp_path)
    plan = concat(
        [
            plan_requests(
                batch,
                mode="pairwise",
                orders="both",
                repeats=1,
                seed=3,
                judge="judge",
                prompt_hash="0" * 64,
                aspects=["overall"],
            )
            for batch in iter_rows(tmp_path)
        ]
    )
    shows_better_first = items.gold_choice[plan.item] == plan.first
    choice = np.zeros(80, int) if follows else np.where(shows_better_first, 0, 1)
    verdicts = make_verdicts(choice.tolist())
    outcomes = reconcile(
        plan,
        verdicts,
        mode="pairwise",
        rule="strict",
        one_failed="pair",
        format=VerdictFormat(name="label", labels=LABELS),
    )
    judged = Judgments(plan.item, verdicts.status)
    found = summarise(outcomes, items, mode="pairwise", judgments=judged)
    values = {(one.name, one.slice): one.value for one in found}
    pair = "candidate=old baseline=new"
    assert values == {
        ("win_rate", pair): 0.5 if follows else 0.25,
        ("win_rate", "model=old"): 0.5 if follows else 0.25,
        ("win_rate", "model=new"): 0.5 if follows else 0.75,
        ("tie_rate", pair): 1.0 if follows else 0.0,
        ("accuracy", "all"): 0.5 if follows else 1.0,
        ("unreadable", "all"): 0.0,
    }
    bias = position_bias(plan, verdicts, items, label_choices=[one.choice for one in LABELS])
    kinds = [one.kind for one in findings(bias, found)]
    assert kinds == (["follows_position", "no_winner"] if follows else ["winner"])
