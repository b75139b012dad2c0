"""Three judges of LLMBar (Zeng et al. 2023, arXiv:2310.07641) as a panel, beside a plain count."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import judgefast

from .llmbar import PATTERNS, recorded
from .replays import patterns_rubric, rows_of

if TYPE_CHECKING:
    from pathlib import Path

JUDGES = ("ChatGPT", "LLaMA2", "PaLM2")
SIDES = {"A": 0.0, "B": 1.0}


def _value(row: dict[str, Any]) -> float | None:
    """What both orders come to: the answer that won twice, else a tie; None where one is unread."""
    ab, ba = row["winner_ab"], row["winner_ba"]
    if ab is None or ba is None:
        return None
    return SIDES[ab] if ab == ba else 0.5


def _kappa(pairs: list[tuple[float, float]]) -> float:
    n = len(pairs)
    ones, twos = (Counter(side) for side in zip(*pairs, strict=True))
    chance = sum(ones[value] * twos[value] for value in ones) / n**2
    return (sum(one == two for one, two in pairs) / n - chance) / (1 - chance)


def test_three_recorded_judges_agree_as_counted_by_hand(shared: Path, tmp_path: Path) -> None:
    every = [
        row
        for row in rows_of(shared / "data/pairs/llmbar_judgments.jsonl")
        if row["strategy"] == "Vanilla"
    ]
    of_judge = {name: [row for row in every if row["judge"] == name] for name in JUDGES}
    rubric = patterns_rubric(
        tmp_path / "source.toml", PATTERNS["ChatGPT", "Vanilla"], which="listed", source_rule=True
    )
    panel = judgefast.run(
        judges=[
            {"name": name, "engine": "replay", "recorded": recorded(rows)}
            for name, rows in of_judge.items()
        ],
        rubric=rubric,
        out=tmp_path / "panel",
    )
    values = {name: {row["id"]: _value(row) for row in rows} for name, rows in of_judge.items()}
    ids = list(values["ChatGPT"])
    report = panel.report
    assert report.joining.units == report.joining.asked_of_all == len(ids) == 327
    by_all = [one for one in ids if all(values[name][one] is not None for name in JUDGES)]
    assert report.joining.valued_by_all == len(by_all)
    assert report.agreement is not None
    for pair, (a, b) in zip(report.agreement.pairs, combinations(JUDGES, 2), strict=True):
        both = [(values[a][one], values[b][one]) for one in ids]
        known = [(x, y) for x, y in both if x is not None and y is not None]
        assert (pair.a, pair.b, pair.units) == (a, b, len(known))
        assert pair.percent is not None
        assert pair.kappa is not None
        assert pair.percent.value == pytest.approx(sum(x == y for x, y in known) / len(known))
        assert pair.kappa.value == pytest.approx(_kappa(known))
    won: dict[str, float] = {}
    tied = 0
    for one in ids:
        said = [values[name][one] for name in JUDGES]
        (value, count), *others = Counter(v for v in said if v is not None).most_common() or [
            (0, 0)
        ]
        if None not in said and others and others[0][1] == count:
            tied += 1
        elif None not in said or count > len(JUDGES) / 2:  # the silent could not change it
            won[one] = value
    rows = panel.table().to_pylist()
    found = {row["item_id"]: row["majority"] for row in rows if row["majority"] is not None}
    assert found == won
    assert sum(row["tied"] for row in rows) == report.together[0].undecided == tied
    gold = {row["id"]: SIDES[row["gold"]] for row in of_judge["ChatGPT"]}
    of_all = {one: value for one, value in won.items() if one in by_all}
    hits = [1.0 if value == gold[one] else 0.5 * (value == 0.5) for one, value in of_all.items()]
    accuracy = report.together[0].accuracy  # where a judge is silent the others must agree
    assert accuracy is not None
    assert accuracy.value == pytest.approx((sum(hits) + 0.5 * tied) / len(by_all))
    assert report.effective is not None
    for (a, b), pair in zip(combinations(JUDGES, 2), report.effective.pairs.values(), strict=True):
        wrong = [
            (values[a][one] != gold[one], values[b][one] != gold[one])
            for one in ids
            if values[a][one] is not None and values[b][one] is not None
        ]
        assert pair == pytest.approx(np.corrcoef(np.array(wrong, float).T)[0, 1], abs=0.02), (a, b)
    low = {one for one in ids if {0.0, 1.0} <= {values[name][one] for name in JUDGES}}
    assert report.levels.low == len(low)
    assert panel.disagreements["item_id"].to_pylist()[: len(low)] == [
        one for one in panel.disagreements["item_id"].to_pylist() if one in low
    ]
