"""Examples of the project, and judge outputs for them as a replay takes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PAIRS = EXAMPLES / "pairs.jsonl"

Row = dict[str, Any]


def pairs() -> list[Row]:
    return [json.loads(line) for line in PAIRS.read_text("utf-8").splitlines()]


def letter_of(row: Row, order: str) -> str:
    """The letter that a judge writes who agrees with gold."""
    letters = {"a": "A", "b": "B", "tie": "C"}
    mirrored = {"a": "B", "b": "A", "tie": "C"}
    return (letters if order == "ab" else mirrored)[row["gold"]]


def reasoned(row: Row, order: str) -> str:
    """What a judge says who agrees with gold, in the form of the rubric `pairwise-reasons`."""
    verdict = {"verdict": letter_of(row, order), "reason": f"{row['id']} in {order}: « é »"}
    return "Sure. " + json.dumps(verdict, ensure_ascii=False)


def always_first(row: Row, order: str) -> str:
    """A judge who prefers the first answer whatever it says."""
    del row, order
    return '{"verdict": "A", "reason": "it comes first"}'


def record(
    rows: Iterable[Row], say: Callable[[Row, str], str | None] = reasoned, **more: object
) -> list[Row]:
    """Recorded outputs for both orders; None: nothing was recorded."""
    return [
        {"id": row["id"], "order": order, "text": text} | more
        for row in rows
        for order in ("ab", "ba")
        if (text := say(row, order)) is not None
    ]


def replayed(name: str, said: list[Row]) -> dict[str, Any]:
    """A judge of a panel, who said this."""
    return {"name": name, "engine": "replay", "recorded": said}


def answered_once(number: int) -> list[Row]:
    """Questions with an answer each."""
    return [{"id": f"i{at}", "question": f"q{at}", "answer": "x"} for at in range(number)]


def write_lines(path: Path, rows: Iterable[Row]) -> Path:
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")
    return path
