"""One item of a run, as `show` has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import judgefast
from judgefast.errors import ConfigError
from judgefast.reports.show import render_item
from tests.engines.scripted import ScriptedEngine, failed
from tests.recorded import Row, pairs, reasoned, record

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.reports.show import ItemView


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> judgefast.Run:
    def say(row: Row, order: str) -> str | None:
        if row["id"] == "facts-cows":
            return "Both have merits." if order == "ab" else None
        return reasoned(row, order)

    return judgefast.run(
        pairs(),
        rubric="pairwise-reasons",
        engine="replay",
        recorded=record(pairs(), say),
        out=tmp_path_factory.mktemp("runs") / "pairs",
    )


def judgments(view: ItemView) -> list[tuple[str, list[int], str, str | None]]:
    return [(each.order, each.shown, each.status, each.verdict) for each in view.judgments]


def test_both_orders_are_shown_in_the_items_own_orientation(run: judgefast.Run) -> None:
    view = run.show("facts-months")
    row = pairs()[0]
    assert judgments(view) == [
        ("forward", [0, 1], "parsed", "b"),
        ("swapped", [1, 0], "parsed", "b"),
    ]
    assert [each.text for each in view.judgments] == [reasoned(row, "ab"), reasoned(row, "ba")]
    assert [(each.model, each.text) for each in view.answers] == [
        ("atlas", row["answer_a"]),
        ("beacon", row["answer_b"]),
    ]
    assert (view.question, view.gold, view.meta) == (row["question"], "b", row["meta"])
    (outcome,) = view.outcomes
    assert (outcome.candidate, outcome.baseline) == ("b (beacon)", "a (atlas)")
    assert (outcome.value, outcome.status, outcome.position) == (1.0, "scored", "agree")
    start, end = view.judgments[0].span or (0, 0)
    assert reasoned(row, "ab").encode()[start:end] == b'"B"'


def test_what_was_not_read_says_why(run: judgefast.Run) -> None:
    view = run.show("facts-cows")
    assert judgments(view) == [
        ("forward", [0, 1], "no_verdict", None),
        ("swapped", [1, 0], "engine_error", None),
    ]
    forward, swapped = view.judgments
    assert (forward.text, forward.error, forward.span) == ("Both have merits.", None, None)
    assert swapped.text is None
    assert swapped.error is not None
    assert (swapped.attempt, swapped.finish_reason) == (1, "error")
    assert view.outcomes[0].value is None
    assert "swapped: b then a -> no verdict (engine_error)" in render_item(view)


def test_the_last_failure_is_shown(tmp_path: Path) -> None:
    for words in ("first", "second", "third"):
        engine = ScriptedEngine(lambda request, words=words: failed(request, words), takes="key")
        run = judgefast.run(
            pairs()[:2], rubric="pairwise-reasons", engine=engine, out=tmp_path / "r"
        )
    judgments = run.show("facts-months").judgments
    assert [(each.attempt, each.error) for each in judgments] == [(3, "third")] * 2


def test_probabilities_stand_under_their_labels(tmp_path: Path) -> None:
    rows = [{"id": "x", "question": "Q?", "answer": "A"}]
    recorded = [{"id": "x", "text": "", "logprobs": [-0.5, -1.5]}]
    run = judgefast.run(
        rows, rubric="few-shot-quality", engine="replay", recorded=recorded, out=tmp_path / "r"
    )
    (judgment,) = run.show("x").judgments
    assert sum(judgment.probabilities.values()) == pytest.approx(1)
    labels = judgefast.load_rubric("few-shot-quality").verdict.labels
    assert list(judgment.probabilities) == [label.text for label in labels]
    assert judgment.verdict == labels[0].text.strip()
    assert (judgment.order, judgment.shown) == ("", [0])


@pytest.mark.parametrize(
    ("item_id", "hint"),
    [
        ("facts-month", "did you mean `facts-months` or "),
        ("facts-e", "did you mean "),
        ("zzz", "its ids look like "),
    ],
)
def test_an_unknown_id_gets_the_nearest(run: judgefast.Run, item_id: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=f"has no item `{item_id}`") as error:
        run.show(item_id)
    assert error.value.hint is not None
    assert error.value.hint.startswith(hint)
