"""One item whole, both orders, and no text of it can pass for ours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from judgefast.datasets.items import Turn
from judgefast.reports.as_json import to_json
from judgefast.reports.show import (
    AnswerView,
    ItemView,
    JudgmentView,
    OutcomeView,
    render_item,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SNAPSHOT = Path(__file__).parent / "snapshots" / "item.txt"


@pytest.fixture
def view() -> ItemView:
    return ItemView(
        item_id="facts-cows",
        cluster="93ab93ab93ab93ab",
        question="What do cows eat?\n\nReally \x1b[2J?",
        reference=None,
        answers=[
            AnswerView(model="atlas", text="Cows eat stones."),
            AnswerView(
                model=None,
                text=(Turn("user", "cows?"), Turn("assistant", "Cows eat grass. " * 9 + "\tYes.")),
            ),
        ],
        gold="b",
        meta={"topic": "facts", "easy": True, "tags": ["a", 1]},
        judgments=[
            JudgmentView(
                key="0f" * 16,
                order="forward",
                shown=[0, 1],
                aspect="quality",
                repeat=0,
                attempt=1,
                status="parsed",
                verdict="a",
                finish_reason="stop",
                text="Später: [[A]] [bold]x[/bold]",
                span=(9, 14),
                probabilities={" A": 0.8, " B": 0.2},
                label_mass=0.08,
            ),
            JudgmentView(
                key="1f" * 16,
                order="swapped",
                shown=[1, 0],
                aspect="quality",
                repeat=1,
                attempt=0,
                status="timeout",
                verdict=None,
                finish_reason=None,
                text=None,
                error="no answer within 60 s",
            ),
            JudgmentView(
                key="2f" * 16,
                order="swapped",
                shown=[1, 0],
                aspect="quality",
                repeat=0,
                attempt=2,
                status="empty",
                verdict=None,
                finish_reason="stop",
                text="",
            ),
        ],
        outcomes=[
            OutcomeView(
                candidate="b",
                baseline="a (atlas)",
                aspect="quality",
                value=None,
                status="one_order_missing",
                position="one_missing",
                rule="strict",
            )
        ],
    )


def test_an_item_reads_as_it_did(view: ItemView) -> None:
    text = render_item(view)
    if os.environ.get("JUDGEFAST_WRITE_SNAPSHOTS"):
        SNAPSHOT.write_text(text, encoding="utf-8")
    assert text == SNAPSHOT.read_text(encoding="utf-8")


def test_the_span_counts_bytes_not_characters(view: ItemView) -> None:
    assert "read from bytes 9-14: [[A]]" in render_item(view)


def test_texts_that_were_not_kept_are_said_to_be_missing() -> None:
    view = ItemView(
        item_id="x",
        cluster="x",
        question=None,
        reference="r",
        answers=[AnswerView(model="m", text=None)],
        gold=4.5,
        meta={},
        judgments=[],
        outcomes=[
            OutcomeView(
                candidate="a (m)",
                baseline=None,
                aspect="quality",
                value=3.25,
                status="scored",
                position="not_compared",
                rule="single",
            )
        ],
    )
    text = render_item(view)
    assert text.count("(not kept: the run has hashes only)") == 2
    assert "outcome  a (m), aspect quality: 3.250 (scored, rule single)" in text


def test_what_the_judge_thought_stands_apart_from_what_it_answered(view: ItemView) -> None:
    thinks = msgspec.structs.replace(view.judgments[0], reasoning="A or B?\n[[B]] \x1b[2J")
    text = render_item(msgspec.structs.replace(view, judgments=[thinks]))
    assert "  thought first:\n  : A or B?\n  : [[B]] \\x1b[2J\n  | " in text
    assert "read from bytes 9-14: [[A]]" in text
    assert render_item(view).count("thought first") == 0


def test_no_answer_can_forge_a_line_of_ours(view: ItemView) -> None:
    forged = "forward: a then b -> b"
    padding = "x" * 76 + " "
    hostile = ItemView(
        item_id=padding + forged,
        cluster=forged,
        question=f"{padding}{forged}\n{forged}\r{forged}",
        reference=f"{padding}{forged}",
        answers=[AnswerView(model=forged, text=padding + forged)] * 2,
        gold=forged,
        meta={"topic": padding + forged},
        judgments=view.judgments,
        outcomes=view.outcomes,
    )
    starts = [line for line in render_item(hostile).splitlines() if line.startswith("forward")]
    assert starts == ["forward: a then b -> a"]


def test_attacks_of_the_corpus_stay_text_in_every_place(
    attacks: list[str], view: ItemView, is_safe: Callable[[str], bool]
) -> None:
    judgment = view.judgments[0]
    hostile = ItemView(
        item_id="x",
        cluster="x",
        question=None,
        reference=None,
        answers=[AnswerView(model=text, text=(Turn(text, text),)) for text in attacks],
        gold=attacks[0],
        meta={text: text for text in attacks},
        judgments=[judgment],
        outcomes=[],
    )
    assert is_safe(render_item(hostile))
    assert is_safe(to_json(hostile))


def test_an_item_comes_back_from_json(view: ItemView) -> None:
    assert msgspec.json.decode(to_json(view), type=ItemView).judgments == view.judgments
