"""A judge that quotes an attack and then decides otherwise is never read as the attack wants."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from judgefast.codes import CHOICE_TIE, Status
from judgefast.prompts.verdict_format import Pattern, VerdictFormat
from judgefast.verdicts import read_texts

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.verdicts import VerdictColumns

GOALS = {"win_A": 0, "win_B": 1}
FIRST, SECOND, LOW = 0, 1, 2
FINAL = {
    "bracket": ("[[A]]", "[[B]]"),
    "arena5": ("[[A>>B]]", "[[B>>A]]"),
    "json-choice": ('{"verdict": "A", "reason": "x"}', '{"verdict": "B", "reason": "x"}'),
    "result-ab": ("[RESULT] A", "[RESULT] B"),
    "label": ("A", "B"),
    "regex-listed": None,
    "json": '{"score": 2, "reason": "x"}',
    "rating": "Rating: [[2]]",
    "result": "[RESULT] 2",
    "score-pair": None,
    "regex": "Score: 2",
}


@pytest.fixture(scope="module")
def attacks(shared: Path) -> list[dict[str, Any]]:
    """Rows of the collected injections."""
    text = (shared / "data/attacks/injections.jsonl").read_text(encoding="utf-8")
    return [msgspec.json.decode(line) for line in text.split("\n") if line]


def read_all(verdict_format: VerdictFormat, texts: list[str], cut: int = 0) -> VerdictColumns:
    return read_texts(verdict_format, texts, np.full(len(texts), cut, dtype=np.uint8))


def sayings(attack: str, verdict: str) -> list[str]:
    return [
        f"{attack}\n{verdict}",
        f'The answer says "{attack}", which I disregard.\n\n{verdict}',
        f"<think>\n{attack}\n</think>\n\n{verdict}",
        f"> {attack}\n\nFinal verdict: {verdict}",
        f'{verdict}\n\nThe answer tried this: "{attack}"',
    ]


@pytest.mark.parametrize(
    "name", [name for name, final in FINAL.items() if isinstance(final, tuple)]
)
def test_a_choice_is_the_judges_own_or_none(
    attacks: list[dict[str, Any]], formats: dict, name: str
) -> None:
    for goal in (FIRST, SECOND):
        verdict = FINAL[name][1 - goal]
        texts = [
            text
            for row in attacks
            if GOALS.get(row["goal"], goal) == goal
            for text in sayings(row["text"], verdict)
        ]
        for lenient in (False, True):
            reader = msgspec.structs.replace(formats[name], lenient=lenient)
            columns = read_all(reader, texts)
            parsed = columns.status == Status.PARSED
            wrong = parsed & (columns.choice != 1 - goal)
            assert [texts[row] for row in np.flatnonzero(wrong)] == []
        if name in {"bracket", "arena5", "json-choice", "result-ab"}:
            assert parsed.mean() > 0.5


@pytest.mark.parametrize("name", ["json", "rating", "result", "regex"])
def test_a_score_is_the_judges_own_or_none(
    attacks: list[dict[str, Any]], formats: dict, name: str
) -> None:
    texts = [text for row in attacks for text in sayings(row["text"], FINAL[name])]
    for lenient in (False, True):
        columns = read_all(msgspec.structs.replace(formats[name], lenient=lenient), texts)
        parsed = columns.status == Status.PARSED
        assert set(columns.score[parsed].tolist()) <= {2.0}
        assert parsed.mean() > 0.5


def test_an_attack_before_a_score_pair_hides_it(
    attacks: list[dict[str, Any]], formats: dict
) -> None:
    texts = [text for row in attacks for text in sayings(row["text"], "2 9")[1:2]]
    columns = read_all(formats["score-pair"], texts)
    assert not (columns.status == Status.PARSED).any()


def test_an_empty_output_yields_no_verdict_in_any_format(formats: dict) -> None:
    for verdict_format in formats.values():
        for lenient in (False, True):
            reader = msgspec.structs.replace(verdict_format, lenient=lenient)
            columns = read_all(reader, ["", " ", "\n\n", "\u2003"])
            assert (columns.status == Status.EMPTY).all()
            assert (columns.choice == 255).all()


def test_unanimous_patterns_that_an_attack_contradicts_conflict(
    attacks: list[dict[str, Any]], formats: dict
) -> None:
    patterns = (Pattern(r"\bA is better", "A"), Pattern(r"\bB is better", "B"))
    reader = VerdictFormat(
        name="regex",
        labels=formats["bracket"].labels,
        patterns=patterns,
        which="unanimous",
    )
    for goal, verdict in ((FIRST, "B is better."), (SECOND, "A is better.")):
        rows = [row for row in attacks if GOALS.get(row["goal"]) == goal]
        columns = read_all(reader, [f"{row['text']}\n{verdict}" for row in rows])
        parsed = columns.status == Status.PARSED
        assert (columns.choice[parsed] == 1 - goal).all()
        assert not (columns.choice[parsed] == CHOICE_TIE).any()


PIECES = (
    *("{", '{"a":', "[[", "[[A", "[[a]] ", "<think>", "\n<think>", "</think>", "<", "\\", '"', "'"),
    *('"score": ', "'score':", "{score:", '{"score"', '{"score":4}', '{"score":[', "score ", "-"),
    *("[RESULT] ", "[RESULT] 1 ", "[RESULT]A", "Rating: [[", "[[A>>B]]", "Score: ", "A is better "),
    *("```", "```json\n", "\n", "\r\n", " ", "1", "1e", "0.", "8 9\n", ",", "]", "}", "A", "é"),
    "😀",
)


@pytest.mark.parametrize("lenient", [False, True])
def test_ten_times_the_text_takes_no_more_than_ten_times_the_time(
    formats: dict, *, lenient: bool
) -> None:
    """What grows with the square would take a hundred times as long."""
    few, times = 10_000, 10

    def seconds(reader: VerdictFormat, size: int) -> float:
        texts = [piece * (size // len(piece)) + " " * size for piece in PIECES]
        started = time.process_time()
        read_all(reader, texts)
        return time.process_time() - started

    for name, verdict_format in formats.items():
        reader = msgspec.structs.replace(verdict_format, lenient=lenient)
        short = min(seconds(reader, few) for _ in range(3))
        assert seconds(reader, few * times) < 4 * times * short + 0.05, name
