"""Best of four by slot of the right answer (themis-judge-reliability, exp01)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from judgefast.codes import Status
from judgefast.pipeline.results import estimates_of

from .replays import replay, rows_of

if TYPE_CHECKING:
    from pathlib import Path

RUBRIC = """
name = "fourway"
mode = "choice"
one_failed = "single"

[[aspects]]
name = "quality"
criterion = "As the source asked."

[template]
system = "As the source asked."
[[template.blocks]]
text = \"\"\"
[Question]
{question}
[Answers]
{answers}
Which?\"\"\"

[verdict]
name = "label"
labels = [
  { text = "A", choice = 0 },
  { text = "B", choice = 1 },
  { text = "C", choice = 2 },
  { text = "D", choice = 3 },
]

[decoding]
max_tokens = 8
"""


def test_accuracy_by_slot_comes_out_as_published(shared: Path, tmp_path: Path) -> None:
    """Each arrangement is an item: the source tells where the right answer stood, not the others.

    It asked each arrangement once, so the reversed order of each fails here, which `single` allows.
    Its interval of the spread comes from a bootstrap and is not ours.
    """
    rubric = tmp_path / "fourway.toml"
    rubric.write_text(RUBRIC)
    recorded = [
        {
            "id": f"{number} {row['ordering']}",
            "cluster": f"{row['subset']} {row['item']}",
            "shown": [0, 1, 2, 3],
            "text": row["letter"],
            "gold": row["gold_slot"].lower(),
            "gold_slot": row["gold_slot"],
        }
        for number, row in enumerate(rows_of(shared / "data/swap/fourway_qwen.jsonl"))
    ]
    reading = replay(recorded, rubric, tmp_path / "run", slices=("gold_slot",))
    assert int((reading.verdicts.status == Status.PARSED).sum()) == len(recorded) == 7052
    text = (shared / "data/swap/fourway_expected.json").read_text()
    [expected] = json.loads(text).values()
    found = {each.slice: each.value for each in estimates_of(reading) if each.name == "accuracy"}
    for slot in "ABCD":
        assert found[f"meta.gold_slot={slot}"] == pytest.approx(expected[slot], abs=5e-5)
    assert found["all"] == pytest.approx(expected["mean"], abs=5e-5)
