"""A text is encoded once, however many prompts of a batch it is in, and memory has a bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tests.prompts.asking import rows_of

from judgefast.datasets.items import Answer, Item
from judgefast.prompts import PromptPlan, load_rubric
from judgefast.prompts.memo import PieceMemo
from judgefast.prompts.pieces import Piece
from judgefast.prompts.segments import Segment

if TYPE_CHECKING:
    import pytest

    from judgefast.prompts.decoding import Capabilities
    from judgefast.prompts.model import JudgeModel

ROWS = 512
"""A batch."""


def test_each_text_of_a_batch_is_encoded_once_however_many_prompts_show_it(
    smollm2: JudgeModel, ids_engine: Capabilities, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert smollm2.tokenizer is not None
    plan = PromptPlan(load_rubric("pairwise"), smollm2, ids_engine)
    seen: list[str] = []
    seal = smollm2.tokenizer.seal
    monkeypatch.setattr(smollm2.tokenizer, "seal", lambda text: seen.append(text) or seal(text))
    items = [
        # Two in five of the texts come again, the next time after all the others.
        Item(
            item_id=str(row),
            cluster=str(row),
            question=f"What is {row % 100}?",
            answers=(Answer(f"It is {row}."), Answer(f"Of {row % 50} nothing is known.")),
            reference="A number. \n",
        )
        for row in range(ROWS)
    ]
    asked = rows_of([(row, shown, 0) for row in range(ROWS) for shown in ((0, 1), (1, 0))])
    plan.segments_of(items, asked, 0)
    for item in items:
        plan.render(item, (0, 1))
    assert len(seen) == len(set(seen)) == ROWS + 100 + 50 + 1


def test_no_more_is_kept_than_was_said() -> None:
    made: list[str] = []

    def make(text: str) -> Piece:
        made.append(text)
        return Piece(Segment(text, trusted=False), np.zeros(len(text), np.int32))

    memo = PieceMemo(make, kept_bytes=100_000)
    for number in range(500):
        memo("always")
        assert memo(str(number)).segment.text == str(number)
        kept = {**memo._old, **memo._young}
        assert sum(400 + 6 * len(text) for text in kept) <= 100_000
    assert made.count("always") == 1, "what is asked for again and again stays"
    memo(str(499))
    assert made.count("499") == 1
    memo("0")
    assert made.count("0") == 2, "what was not is made again"
    long = "x" * 100_000
    assert memo(long) is memo(long), "longer than all that is kept, and in work"
