"""Gold that a rubric cannot use: it is said, of a run and of several judges."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import UNSET

import judgefast
from judgefast import prompts
from judgefast.pipeline.results import read_run, results_of
from judgefast.reports.panel_text import render_panel
from judgefast.reports.unused_gold import UnusedGold, unused_gold_finding
from tests.engines.scripted import ScriptedEngine, answered
from tests.pipeline.judging import judge_rows
from tests.recorded import answered_once, replayed

if TYPE_CHECKING:
    from judgefast.reports.report import Results


def _rows(golds: list[Any]) -> list[dict[str, Any]]:
    rows = answered_once(len(golds))
    return [row | {"gold": gold} for row, gold in zip(rows, golds, strict=True)]


def _judged(out: Path, golds: list[Any], rubric: str = "binary") -> Results:
    word = "1" if rubric == "binary" else "5"
    engine = ScriptedEngine(lambda request: answered(request, word), takes="chat")
    judge_rows(out, _rows(golds), engine=engine, rubric=rubric)
    return results_of(read_run(out))


@pytest.mark.parametrize(
    ("golds", "said"),
    [
        (
            ["great", "poor", "great", None],
            (
                "Gold of 3 items is not used: `great` (2) and `poor` (1) are no labels of this "
                "rubric (`1`, `0`), and so there is no accuracy."
            ),
        ),
        (
            ["1", "0", True, "maybe", 3, 3.0, 0.5],
            (
                "Gold of 4 items is not used: `3` (2), `0.5` (1) and `maybe` (1) are no labels of "
                "this rubric (`1`, `0`)."
            ),
        ),
        (
            [*"abcdefg", 1],
            (
                "Gold of 7 items is not used: `a` (1), `b` (1), `c` (1), `d` (1), `e` (1) and 2 "
                "others are no labels of this rubric (`1`, `0`)."
            ),
        ),
        ([1, 0, "1", True, None], None),
        ([None, None], None),
    ],
)
def test_gold_that_is_no_label_of_the_rubric_is_named(
    golds: list[Any], said: str | None, tmp_path: Path
) -> None:
    results = _judged(tmp_path / "r", golds)
    assert [one for one in results.findings if one.startswith("Gold")] == ([said] if said else [])
    has_accuracy = any(one.name == "accuracy" for one in results.estimates)
    assert has_accuracy == any(gold in {"0", "1", 0, 1} for gold in golds)
    if said is None:
        assert results.unused_gold is UNSET
    else:
        assert isinstance(results.unused_gold, UnusedGold)
        assert f"{results.unused_gold.items} items" in said


def test_the_labels_of_a_rubric_are_words_for_gold(tmp_path: Path) -> None:
    engine = ScriptedEngine(lambda request: answered(request, " good"))
    rows = _rows(["good", "bad", "good"])
    judge_rows(tmp_path / "r", rows, engine=engine, rubric="few-shot-quality")
    results = results_of(read_run(tmp_path / "r"))
    [accuracy] = [one for one in results.estimates if one.name == "accuracy"]
    assert (round(accuracy.value or 0, 3), accuracy.outcomes) == (0.667, 3)


def test_words_that_a_rubric_knows_for_gold_count_as_its_labels(tmp_path: Path) -> None:
    golds = ["good", "bad", "pass", "fail", "yes", "no", "correct", "incorrect", "true", "false"]
    results = _judged(tmp_path / "r", golds)
    [accuracy] = [one for one in results.estimates if one.name == "accuracy"]
    assert (accuracy.value, accuracy.outcomes) == (0.5, 10)
    assert results.unused_gold is UNSET


def test_of_scores_only_words_are_no_gold(tmp_path: Path) -> None:
    results = _judged(tmp_path / "r", ["5", 3, "fine", 9], "scalar-1-5")
    [said] = [one for one in results.findings if one.startswith("Gold")]
    assert said.startswith("Gold of 1 item is not used: `fine` (1) is no label of this rubric (")


def test_a_rubric_that_reads_numbers_says_so_and_one_item_is_one() -> None:
    unused = UnusedGold(items=1, values={"a\x1b[31m": 1}, different=1, labels=[])
    [said] = unused_gold_finding(unused, is_all=False)
    assert said.endswith(" (1) is no label of this rubric (it reads numbers).")
    assert "\x1b" not in said


def test_several_judges_say_it_once_and_name_those_that_cannot_use_it(tmp_path: Path) -> None:
    rows = _rows(["great", "poor"])
    words = "Gold of 2 items is not used: `great` (1) and `poor` (1) are no labels"

    def judge(name: str, *texts: str, rubric: str = "binary") -> dict[str, Any]:
        said = [{"id": row["id"], "text": text} for row, text in zip(rows, texts, strict=True)]
        return replayed(name, said) | {"rubric": rubric}

    first, second = judge("a", "1", "1"), judge("b", "1", "0")
    panel = judgefast.run(rows, judges=[first, second], out=tmp_path / "p")
    assert [one for one in panel.report.findings if one.startswith(words)]
    assert " ".join(render_panel(panel.report).split()).count(words) == 1
    assert all(row.findings[-1].startswith(words) for row in panel.report.judges)
    own = Path(prompts.__file__).parent / "rubrics" / "binary.toml"
    knows = own.read_text("utf-8").replace("\n[gold]\n", "\n[gold]\ngreat = 1\npoor = 0\n")
    (tmp_path / "knows.toml").write_text(knows, "utf-8")
    third = judge("c", "1", "0", rubric=str(tmp_path / "knows.toml"))
    panel = judgefast.run(rows, judges=[first, third], out=tmp_path / "q")
    assert [one for one in panel.report.findings if one.startswith(f"a: {words}")]
    right = [row.accuracy for row in panel.report.judges]
    assert right[0] is None
    assert right[1] is not None
    assert right[1].value == 1.0
