"""Panels of a best-of-n: a judge has one verdict on an item, however many answers it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.best_of_three import RUBRIC
from tests.recorded import replayed

import judgefast

if TYPE_CHECKING:
    from pathlib import Path

CHOSEN = {"one": "abcabcaaab", "two": "abbabcacac", "three": "abcabbaacb"}


def _judge(name: str, letters: str) -> dict[str, Any]:
    """Names the same answer in both orders."""
    said = []
    for at, letter in enumerate(letters):
        place = "abc".index(letter)
        said += [
            {"id": f"i{at}", "shown": [0, 1, 2], "text": "XYZ"[place]},
            {"id": f"i{at}", "shown": [2, 1, 0], "text": "XYZ"[2 - place]},
        ]
    return replayed(name, said)


def test_judges_agree_where_they_name_the_same_answer(tmp_path: Path) -> None:
    (tmp_path / "best.toml").write_text(RUBRIC)
    rows = [
        {
            "id": f"i{at}",
            "question": f"Q{at}?",
            "answers": [{"model": model, "text": model} for model in "klm"],
            "gold": "a",
        }
        for at in range(10)
    ]
    panel = judgefast.run(
        rows,
        judges=[_judge(name, letters) for name, letters in CHOSEN.items()],
        rubric=tmp_path / "best.toml",
        out=tmp_path / "p",
    )
    report = panel.report
    assert report.joining.units == report.joining.valued_by_all == 10
    assert report.agreement is not None
    pair = report.agreement.pairs[0]
    assert (pair.a, pair.b, pair.units) == ("one", "two", 10)
    same = [one == two for one, two in zip(CHOSEN["one"], CHOSEN["two"], strict=True)]
    assert pair.percent is not None
    assert pair.percent.value == pytest.approx(sum(same) / 10)
    assert list(pair.base_rates["one"]) == ["a", "b", "c", "tie"]
    unanimous = [len(set(three)) == 1 for three in zip(*CHOSEN.values(), strict=True)]
    assert (report.levels.high, report.levels.low) == (sum(unanimous), 10 - sum(unanimous))
    looked = panel.disagreements.to_pylist()
    assert len({row["item_id"] for row in looked}) == len(looked) == 10 - sum(unanimous)
    for row in looked:
        at = int(row["item_id"][1:])
        assert [row[f"{name}_verdict"] for name in CHOSEN] == [said[at] for said in CHOSEN.values()]
    votes = panel.table().to_pylist()
    for row in votes:
        said = [letters[int(row["item_id"][1:])] for letters in CHOSEN.values()]
        most = max(said, key=said.count)
        assert row["majority"] == ("abc".index(most) if said.count(most) > 1 else None)
    majority, mean = report.together
    assert majority.accuracy is not None
    right = [row["majority"] == 0 for row in votes if row["majority"] is not None]
    assert majority.accuracy.value == pytest.approx(sum(right) / len(right))
    assert mean.headline is None or mean.headline.value is None
    assert panel.show("i9").units[0].candidate == "of all answers"
