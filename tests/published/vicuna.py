"""The reviews of the Vicuna blog (Chiang et al. 2023): two scores for each pair of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from judgefast.codes import Status
from judgefast.pipeline.results import estimates_of

from .replays import write_rubric

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.pipeline.results import Reading

VICUNA = "vicuna-13b"
SIDES = (1, 2)
NUMBER = r"(\d+(?:\.\d+)?)"
PLAIN = r"\d+(?:\.\d+)?"
FIRST_LINE = {1: rf"\A{NUMBER} {PLAIN}(?:\n|\z)", 2: rf"\A{PLAIN} {NUMBER}(?:\n|\z)"}
"""Where the source's prompt wants the scores, and its program reads them."""
IN_PROSE = {
    side: (rf"\nAssistant {side}: {NUMBER}", rf"Assistant {side}: [^\n]*score is {NUMBER}")
    for side in SIDES
}
"""Where they stand in the other twelve, which the source's program left to a person."""


def other(row: dict[str, Any]) -> str:
    """The model beside Vicuna, which names the file."""
    return str(row["model_1"])


def recorded_scores(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The published figures, a row for each answer."""
    return [
        _item(row)
        | {"shown": [side - 1], "score": row["scores"][side - 1]}
        | {"model_a": row["model_1"], "model_b": row["model_2"]}
        for row in rows
        for side in SIDES
    ]


def recorded_pairs(rows: list[dict[str, Any]], *, texts: bool) -> list[dict[str, Any]]:
    """A row for each review, with its text or the published figures; only one order was asked."""
    said = ("text", "text") if texts else ("score", "scores")
    return [
        _item(row)
        | {"order": "ab", said[0]: row[said[1]]}
        | {"model_a": row["model_1"], "model_b": row["model_2"]}
        for row in rows
    ]


def recorded_texts(rows: list[dict[str, Any]], side: int) -> list[dict[str, Any]]:
    """The reviews, as what was said of one of the two answers."""
    return [_item(row) | {"text": row["text"], "model": row[f"model_{side}"]} for row in rows]


def scores_rubric(path: Path) -> Path:
    return write_rubric(path, "scalar", 'name = "json"\nfield = "score"', scale=(0, 10))


def pair_rubric(path: Path) -> Path:
    return write_rubric(path, "pairwise", 'name = "score-pair"\nlow = 0\nhigh = 10')


def texts_rubric(path: Path, side: int, *, source_rule: bool) -> Path:
    """Read one side's score: where the source looks and in prose, or strictly where it belongs."""
    patterns = (FIRST_LINE[side], *IN_PROSE[side]) if source_rule else (FIRST_LINE[side],)
    listed = ", ".join(f"{{ regex = '{pattern}' }}" for pattern in patterns)
    rule = "true" if source_rule else "false"
    verdict = f'name = "regex"\nwhich = "listed"\nsource_rule = {rule}\npatterns = [{listed}]'
    return write_rubric(path, "scalar", verdict, scale=(0, 10))


def totals(reading: Reading) -> dict[tuple[str, str], float]:
    """(other model, scored model) -> the sum of the scores, from the means of the report."""
    found = {}
    for each in estimates_of(reading):
        model, _, beside = each.slice.partition(" meta.beside=")
        if each.name == "mean" and beside and each.value is not None:
            found[beside, model.removeprefix("model=")] = each.value * each.outcomes
    return found


def scores_by_review(reading: Reading) -> dict[tuple[str, str], float | None]:
    """(other model, question) -> the score that was read of one side."""
    verdicts = reading.verdicts
    found = {}
    names = reading.items.item_id.to_pylist()
    for row, item in enumerate(reading.plan.columns.item.tolist()):
        beside, question = names[item].split(" ")
        is_read = verdicts.status[row] == Status.PARSED
        found[beside, question] = float(verdicts.score[row]) if is_read else None
    return found


def _item(row: dict[str, Any]) -> dict[str, Any]:
    question = str(row["question_id"])
    return {
        "id": f"{other(row)} {question}",
        "cluster": question,
        "meta": {"beside": other(row), "question": question},
    }
