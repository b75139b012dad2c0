"""WildBench means and Vicuna totals, from the scores that their judges gave."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from judgefast.codes import CHOICE_TIE, Status
from judgefast.pipeline.results import estimates_of

from .replays import replay, rows_of

if TYPE_CHECKING:
    from pathlib import Path

SCALAR = """
name = "wildbench"
mode = "scalar"

[[aspects]]
name = "quality"
criterion = "As the source asked."
[aspects.scale]
low = 1
high = 10

[template]
system = "As the source asked."
[[template.blocks]]
text = \"\"\"
[Question]
{question}
[Answers]
{answer}
[End]\"\"\"

[verdict]
name = "json"
field = "score"

[decoding]
max_tokens = 512
"""

PAIR = """
name = "vicuna"
mode = "pairwise"

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
{answer_1}
[and]
{answer_2}
[End]\"\"\"

[verdict]
name = "score-pair"
low = 0
high = 10
integer = false

[decoding]
max_tokens = 512
"""


def test_wildbench_means_come_out_as_published(shared: Path, tmp_path: Path) -> None:
    rubric = tmp_path / "scalar.toml"
    rubric.write_text(SCALAR)
    recorded = [
        {
            "id": f"{row['model']} {row['session_id']}",
            "cluster": row["session_id"],
            "model": row["model"],
            "score": row["score"],
        }
        for row in rows_of(shared / "data/scalar/wildbench_scores.jsonl")
        if (row["judge"], row["version"]) == ("gpt-4o-2024-05-13", "v2.0625")
    ]
    reading = replay(recorded, rubric, tmp_path / "run")
    expected = json.loads((shared / "data/scalar/wildbench_expected.json").read_text())["models"]
    found = {
        each.slice.removeprefix("model="): each
        for each in estimates_of(reading)
        if each.name == "mean" and each.slice.startswith("model=")
    }
    assert found.keys() == expected.keys()
    for model, figures in expected.items():
        # The score that the source adjusts is this one; output lengths are not ours to measure.
        assert found[model].value == pytest.approx(figures["score"], abs=1e-9)
        assert found[model].outcomes == figures["total"]


def pair_text(row: dict[str, Any]) -> str:
    """The judge's text; in 12 the numbers are in prose, and in one the source's figure differs."""
    first, _, rest = row["text"].partition("\n")
    scores = " ".join(f"{score:g}" for score in row["scores"])
    return f"{scores}\n{rest if first.replace('.', '').replace(' ', '').isdigit() else first}"


def test_vicuna_totals_and_wins_come_out_as_published(shared: Path, tmp_path: Path) -> None:
    """The source asked one order; the other was not recorded, hence fails, as `single` allows."""
    rubric = tmp_path / "pair.toml"
    rubric.write_text(PAIR)
    rows = rows_of(shared / "data/scalar/vicuna_reviews.jsonl")
    expected = json.loads((shared / "data/scalar/vicuna_expected.json").read_text())
    assert len(expected) == 4
    for number, (file, figures) in enumerate(sorted(expected.items())):
        recorded = [
            {
                "id": str(row["question_id"]),
                "order": "ab",
                "text": pair_text(row),
                "model_a": row["model_1"],
                "model_b": row["model_2"],
            }
            for row in rows
            if row["file"] == file
        ]
        reading = replay(recorded, rubric, tmp_path / str(number), one_failed="single")
        read = reading.verdicts.status == Status.PARSED
        assert int(read.sum()) == len(reading.plan) // 2 == figures["n"]
        wins = Counter(reading.verdicts.choice[read].tolist())
        assert (wins[0], wins[CHOICE_TIE], wins[1]) == (
            figures["wins_1"],
            figures["ties"],
            figures["wins_2"],
        )
        assert float(reading.verdicts.score[read].sum()) == figures["total_1"]
        # The verdict holds the score of the answer shown first; both numbers are in its span.
        ids = reading.items.item_id.to_pylist()
        texts = {row["id"]: row["text"].encode() for row in recorded}
        second = 0.0
        for place in read.nonzero()[0].tolist():
            begin, end = reading.verdicts.span[place].tolist()
            said = texts[ids[int(reading.plan.columns.item[place])]][begin:end]
            second += float(said.split()[1])
        assert second == figures["total_2"]


def test_numbers_in_prose_are_no_verdict_of_ours(shared: Path, tmp_path: Path) -> None:
    rubric = tmp_path / "pair.toml"
    rubric.write_text(PAIR)
    rows = rows_of(shared / "data/scalar/vicuna_reviews.jsonl")
    recorded = [
        {"id": f"{row['file']} {row['question_id']}", "order": "ab", "text": row["text"]}
        for row in rows
    ]
    reading = replay(recorded, rubric, tmp_path / "run", one_failed="single")
    counts = Counter(Status(code).label for code in reading.verdicts.status.tolist())
    assert counts == {"parsed": 308, "no_verdict": 12, "engine_error": 320}
