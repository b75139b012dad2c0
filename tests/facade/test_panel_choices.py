"""Panels of a best-of-n: a judge has one verdict on an item, however many answers it has."""

from __future__ import annotations

from statistics import correlation
from typing import TYPE_CHECKING, Any

import pytest
from tests.best_of_three import RUBRIC
from tests.recorded import replayed

import judgefast

if TYPE_CHECKING:
    from pathlib import Path

CHOSEN = {"one": "abcabcaaab", "two": "abbabcacac", "three": "abcabbaacb"}


def _judge(name: str, letters: str, swapped: str | None = None) -> dict[str, Any]:
    """Names the same answer in both orders, unless `swapped` has that of the second."""
    said = []
    for at, (letter, other) in enumerate(zip(letters, swapped or letters, strict=True)):
        said += [
            {"id": f"i{at}", "shown": [0, 1, 2], "text": "XYZ"["abc".index(letter)]},
            {"id": f"i{at}", "shown": [2, 1, 0], "text": "XYZ"[2 - "abc".index(other)]},
        ]
    return replayed(name, said)


def _rows(folder: Path, many: int = 10) -> list[dict[str, Any]]:
    """Items of three answers, the first of which is best; and the rubric beside them."""
    (folder / "best.toml").write_text(RUBRIC)
    return [
        {
            "id": f"i{at}",
            "question": f"Q{at}?",
            "answers": [{"model": model, "text": model} for model in "klm"],
            "gold": "a",
        }
        for at in range(many)
    ]


def test_judges_agree_where_they_name_the_same_answer(tmp_path: Path) -> None:
    rows = _rows(tmp_path)
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
    (majority,) = report.together  # places of answers have no mean
    assert majority.name == "majority"
    assert majority.accuracy is not None
    right = []  # where votes are tied each of these answers has its share
    for said in zip(*CHOSEN.values(), strict=True):
        most = max(map(said.count, said))
        best = {letter for letter in said if said.count(letter) == most}
        right.append(("a" in best) / len(best))
    assert majority.accuracy.value == pytest.approx(sum(right) / len(right))
    assert majority.accuracy.outcomes == 10
    assert panel.show("i9").units[0].candidate == "of all answers"


def test_judges_that_contradict_themselves_agree_on_nothing(tmp_path: Path) -> None:
    """Each names two answers, and not the same two; of the last item one names one."""
    judges = [_judge("one", "aaaaa", "bbbba"), _judge("two", "bbbbb", "ccccc")]
    panel = judgefast.run(
        _rows(tmp_path, 5), judges=judges, rubric=tmp_path / "best.toml", out=tmp_path / "p"
    )
    report = panel.report
    assert report.joining.valued_by_all == 5
    assert (report.levels.high, report.levels.medium, report.levels.low) == (0, 4, 1)
    assert report.levels.held_back == 4
    assert report.agreement is not None
    [pair] = report.agreement.pairs
    assert (pair.units, pair.missing) == (0, 5)
    several = "names several answers, in its orders or repeats, in"
    for words in (f"one {several} 4 of 5 units", f"two {several} 5 of 5 units"):
        assert any(finding.startswith(words) for finding in report.findings)
    assert report.together[0].undecided == 5
    headline = report.together[0].headline
    assert headline is not None
    assert headline.value == pytest.approx(0.2 * (1 / 2 + 1 / 6) + 0.8 / 3)  # a beside no answer
    for row in panel.table().to_pylist():
        assert (row["majority"], row["tied"], row["two_value"]) == (None, True, None)
        assert row["one_value"] == (0 if row["item_id"] == "i4" else None)
        assert (row["one_status"], row["two_status"]) == ("scored", "scored")
    looked = {row["item_id"]: row for row in panel.disagreements.to_pylist()}
    assert [looked["i4"][f"{name}_verdict"] for name in ("one", "two")] == ["a", "torn"]


def test_whether_a_torn_judge_is_right_is_not_asked_of_its_tie(tmp_path: Path) -> None:
    judges = [_judge("one", "aabaaa", "aabbbb"), _judge("two", "abaabc", "abacca")]
    rows = [row | {"gold": "a" if at < 3 else "tie"} for at, row in enumerate(_rows(tmp_path, 6))]
    panel = judgefast.run(rows, judges=judges, rubric=tmp_path / "best.toml", out=tmp_path / "p")
    assert panel.report.effective is not None
    wrong = [0, 0, 1, 1, 1, 1], [0, 1, 0, 1, 1, 1]
    found = panel.report.effective.pairs["one, two"]
    assert found == pytest.approx(correlation(*wrong))


def test_the_worth_of_judges_is_by_the_answer_that_is_best_whichever_it_is(
    tmp_path: Path,
) -> None:
    best, one, two = "cbacba", "ccaccb", "cbbcca"
    rows = [row | {"gold": gold} for row, gold in zip(_rows(tmp_path, 6), best, strict=True)]
    panel = judgefast.run(
        rows,
        judges=[_judge("one", one), _judge("two", two)],
        rubric=tmp_path / "best.toml",
        out=tmp_path / "p",
    )
    wrong = [[float(a != b) for a, b in zip(best, said, strict=True)] for said in (one, two)]
    assert panel.report.effective is not None
    assert panel.report.effective.pairs["one, two"] == pytest.approx(correlation(*wrong))
