"""10,000 seeded texts, format by distractor by verdict; the truth is known by construction."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from judgefast.codes import CHOICE_NONE, CHOICE_TIE, Status
from judgefast.verdicts import read_texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.prompts.verdict_format import VerdictFormat

SEED = 20261126
TEXTS = 10_000

PROSE = (
    "Both answers address the question. The first cites [1] and [2], the second gives 3 reasons.",
    "Step 1: look at the facts. Step 2: 12 of 15 claims hold (80 %), see f(x) = {x | x > 0}.",
    "Élan, 测试, \U0001f600 and e\u0301: all fine.",
    'It says "score well, 10/10" but that is only its own claim.',
    "Use `dict = {'a': 1}` here; [link](http://example.org/a[0][1]).",
    "A and B differ in tone. Assistant A is friendlier, 4/5 or even 4.5/5.",
)
UNREAD = {Status.CONFLICTING, Status.MALFORMED, Status.TRUNCATED, Status.NO_VERDICT}


class Made(NamedTuple):
    """A text and what must come out."""

    name: str
    text: str
    cut: bool
    status: set[Status]
    choice: int = CHOICE_NONE
    score: float | None = None


class Writer:
    """Writes one verdict in the words of one format."""

    def __init__(self, rng: random.Random, name: str) -> None:
        self.rng = rng
        self.name = name

    def values(self) -> list[str | int]:
        """Verdicts that the format has."""
        if self.name in {"json", "rating"}:
            return list(range(1, 11))
        if self.name == "result":
            return list(range(1, 6))
        return ["A>>B", "A>B", "A=B", "B>A", "B>>A"] if self.name == "arena5" else ["A", "B", "C"]

    def write(self, value: str | int) -> str:
        """Write a verdict with its delimiters."""
        if self.name in {"json", "json-choice"}:
            fields = [("score" if self.name == "json" else "verdict", value)]
            reason = ("reason", self.rng.choice(PROSE))
            fields.insert(self.rng.randrange(2), reason)
            ascii_only = self.rng.random() < 0.5
            indent = self.rng.choice([None, 2])
            text = json.dumps(dict(fields), ensure_ascii=ascii_only, indent=indent)
            return f"```json\n{text}\n```" if self.rng.random() < 0.3 else text
        if self.name == "result":
            return f"[RESULT] {value}"
        if self.name == "label":
            return str(value)
        if self.name == "arena5" and self.rng.random() < 0.3:
            value = str(value)[::-1].translate(str.maketrans("<>", "><"))
        return f"[[{value}]]"

    def expect(self, value: str | int) -> dict[str, float]:
        """Say what the columns must hold."""
        if isinstance(value, int):
            return {"score": value}
        if value in {"C", "A=B"}:
            return {"choice": CHOICE_TIE}
        return {"choice": 0 if value in {"A", "A>B", "A>>B"} else 1}


def plain(writer: Writer, value: str | int, _other: str | int) -> Made:
    before = "" if writer.name == "label" else writer.rng.choice(["", *PROSE])
    after = (
        "" if writer.name in {"label", "result"} else writer.rng.choice(["", "\n", ".", " Done."])
    )
    text = f"{before}\n{writer.write(value)}{after}"
    return Made(writer.name, text, cut=False, status={Status.PARSED}, **writer.expect(value))


def after_reasoning(writer: Writer, value: str | int, other: str | int) -> Made:
    text = f"<think>\nPerhaps {writer.write(other)}?\n</think>\n\n{writer.write(value)}"
    return Made(writer.name, text, cut=False, status={Status.PARSED}, **writer.expect(value))


def said_twice(writer: Writer, value: str | int, _other: str | int) -> Made:
    text = f"{writer.write(value)}\nso again\n{writer.write(value)}"
    if writer.name == "label":
        return Made(writer.name, text, cut=False, status={Status.NO_VERDICT})
    return Made(writer.name, text, cut=False, status={Status.PARSED}, **writer.expect(value))


def example_first(writer: Writer, value: str | int, other: str | int) -> Made:
    text = f"An example is {writer.write(other)}.\nMine:\n{writer.write(value)}"
    status = Status.NO_VERDICT if writer.name == "label" else Status.CONFLICTING
    return Made(writer.name, text, cut=False, status={status})


def none_at_all(writer: Writer, _value: str | int, _other: str | int) -> Made:
    text = "\n".join(writer.rng.sample(PROSE, writer.rng.randint(1, 3)))
    return Made(writer.name, text, cut=False, status={Status.NO_VERDICT})


def refused(writer: Writer, _value: str | int, _other: str | int) -> Made:
    opening = writer.rng.choice(["I'm sorry, but", "I cannot do this:", "As an AI model,"])
    text = f"{opening} there are 3 issues with [1] and 2 with [[link]]."
    return Made(writer.name, text, cut=False, status={Status.REFUSED})


def off_the_scale(writer: Writer, _value: str | int, _other: str | int) -> Made:
    value: str | int = writer.rng.choice([0, 11, 42, -3]) if writer.name != "json-choice" else "Z"
    status = Status.OUT_OF_RANGE
    if not isinstance(writer.values()[0], int):
        value, status = "Z", Status.NO_VERDICT
    return Made(writer.name, writer.write(value), cut=False, status={status})


def cut_short(writer: Writer, value: str | int, _other: str | int) -> Made:
    """Cut anywhere: what is read, if anything, is the whole verdict."""
    whole = f"{writer.rng.choice(['', *PROSE])}\n{writer.write(value)}"
    text = whole[: writer.rng.randint(1, len(whole) - 1)]
    status = {Status.TRUNCATED, Status.PARSED}
    return Made(writer.name, text, cut=True, status=status, **writer.expect(value))


def cut_in_the_number(writer: Writer, _value: str | int, _other: str | int) -> Made:
    ends = {
        "json": '{"score": 1',
        "json-choice": '{"verdict": "A',
        "rating": "Rating: [[1",
        "result": "Good. [RESULT] 1",
        "label": "A",
        "bracket": "Final: [[A",
        "arena5": "Final: [[A>",
    }
    text = f"{writer.rng.choice(PROSE)}\n{ends[writer.name]}"
    return Made(writer.name, text, cut=True, status={Status.TRUNCATED})


KINDS: tuple[Callable[[Writer, str | int, str | int], Made], ...] = (
    plain,
    after_reasoning,
    said_twice,
    example_first,
    none_at_all,
    refused,
    off_the_scale,
    cut_short,
    cut_in_the_number,
)
NAMES = ("json", "json-choice", "rating", "result", "label", "bracket", "arena5")


def made_texts() -> list[Made]:
    """Make the texts, every format with every distractor in turn."""
    rng = random.Random(SEED)  # noqa: S311 - test data
    made = []
    for row in range(TEXTS):
        writer = Writer(rng, NAMES[row % len(NAMES)])
        value, other = rng.sample(writer.values(), 2)
        made.append(KINDS[row // len(NAMES) % len(KINDS)](writer, value, other))
    return made


def test_every_text_comes_out_as_it_was_made(formats: dict[str, VerdictFormat]) -> None:
    made = made_texts()
    for name in NAMES:
        rows = [row for row in made if row.name == name]
        cut = np.array([row.cut for row in rows], dtype=np.uint8)
        columns = read_texts(formats[name], [row.text for row in rows], cut)
        for at, row in enumerate(rows):
            status = Status(columns.status[at])
            assert status in row.status, (row, status)
            if status is not Status.PARSED:
                continue
            assert columns.choice[at] == row.choice, row
            assert row.score is None or columns.score[at] == row.score, row


def test_the_mix_has_every_status_that_a_text_can_have(formats: dict[str, VerdictFormat]) -> None:
    made = made_texts()
    rows = [row for row in made if row.name == "json"]
    cut = np.array([row.cut for row in rows], dtype=np.uint8)
    columns = read_texts(formats["json"], [row.text for row in rows], cut)
    shares = np.bincount(columns.status, minlength=8) / len(rows)
    assert shares[Status.PARSED] > 0.3
    assert (shares[[2, 3, 4, 5, 6]] > 0.05).all()
