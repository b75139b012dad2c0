"""Four questions, one of each kind and a choice twice, that every answer in `answers/` answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from judgefast.batches.request import Request
from judgefast.engines.decisions.asked import Ask
from judgefast.prompts.decoding import Decoding
from judgefast.prompts.questions import Option, Question
from judgefast.prompts.segments import Prompt, Segment

ANSWERS = Path(__file__).parent / "answers"

STATE = {
    "question": "What is the capital of France?",
    "answer_1": "Paris.",
    "answer_2": "Lyon, I think.",
}

_BETTER = Question(
    "overall",
    "choice",
    "Which answer is better?",
    (
        Option("A", "answer_1 is better", 0),
        Option("B", "answer_2 is better", 1),
        Option("C", "the answers are equally good or equally bad", 2),
    ),
)
_GOOD = Question(
    "quality",
    "score",
    "How good is the better answer?",
    (
        Option("1", "useless", 0),
        Option("2", "2", 1),
        Option("3", "usable", 2),
        Option("4", "4", 3),
        Option("5", "excellent", 4),
    ),
)
_RIGHT = Question(
    "right",
    "yes_no",
    "Is answer_1 right?",
    (Option("yes", "yes", 1), Option("no", "no", 0)),
)

ASKS = (
    Ask("q0", _BETTER, (0, 1, 2)),
    Ask("q1", _BETTER, (2, 1, 0)),
    Ask("q2", _GOOD, (0, 1, 2, 3, 4)),
    Ask("q3", _RIGHT, (0, 1)),
)
"""A choice, the same with its options reversed, a score, and yes or no."""


def request(questions: tuple[Question, ...], number: int = 0) -> Request:
    """All of these about the one state, for an engine."""
    segments = tuple(Segment(text, trusted=False, slot=slot) for slot, text in STATE.items())
    return Request(
        request_id=number.to_bytes(16, "big"),
        keys=tuple(bytes([number, place] * 8) for place in range(len(questions))),
        item_id=str(number),
        shown=(0, 1),
        repeat=0,
        judge="m",
        questions=questions,
        prompt=Prompt(segments, None, b"", 0),
        prefix_group=number,
        decoding=Decoding(max_tokens=1, probabilities=True),
        seed=1,
    )


def servers() -> list[str]:
    """Names of the files of answers."""
    return sorted(path.stem for path in ANSWERS.glob("*.json"))


def server(name: str) -> dict[str, Any]:
    """What a file of answers holds."""
    found: dict[str, Any] = json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))
    return found


def body_of(row: dict[str, Any]) -> bytes:
    """A reply's body: text as it came, or JSON as it was written here."""
    body = row["body"]
    return (body if isinstance(body, str) else json.dumps(body)).encode()
