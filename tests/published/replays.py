"""Replays of published judge outputs through the whole pipeline."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from judgefast.codes import CHOICE_TIE, Status
from judgefast.config import RunConfig
from judgefast.pipeline.results import Reading, read_run
from judgefast.pipeline.run import Finished, run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

RUBRIC = """
name = "{name}"
mode = "pairwise"

[[aspects]]
name = "quality"
criterion = "As the source asked."

[template]
system = "As the source asked."
[[template.blocks]]
text = \"\"\"
[Question]
{{question}}
[A]
{{answer_1}}
[B]
{{answer_2}}
[End]\"\"\"

[verdict]
name = "regex"
which = "{which}"
source_rule = {source_rule}
labels = [
  {{ text = "A", choice = "first" }},
  {{ text = "B", choice = "second" }},
  {{ text = "C", choice = "tie" }},
]
patterns = [{patterns}]

[decoding]
max_tokens = 512
"""


def write_rubric(
    path: Path, patterns: Sequence[tuple[str, str]], *, which: str, source_rule: bool
) -> Path:
    """A pairwise rubric that reads verdicts by patterns; only how it reads matters to a replay."""
    written = ", ".join(
        f"{{ regex = '{regex}', verdict = '{verdict}' }}" for regex, verdict in patterns
    )
    path.write_text(
        RUBRIC.format(
            name=path.stem,
            which=which,
            source_rule=str(source_rule).lower(),
            patterns=written,
        )
    )
    return path


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def replay(recorded: list[dict[str, Any]], rubric: Path, out: Path, **options: Any) -> Reading:
    """Run recorded rows alone, and read what came of it."""
    config = RunConfig(rubric=str(rubric), engine="replay", out=str(out), **options)
    finished = run(config, recorded=recorded, show_progress=False)
    assert isinstance(finished, Finished)
    assert finished.report is not None
    finished.report.results.counts.check()
    return read_run(out)


def verdicts_of(reading: Reading) -> dict[tuple[str, bool, int], str | None]:
    """(item id, swapped, repeat) -> what the judge said, mapped back to the answers `a` and `b`."""
    plan, verdicts = reading.plan.columns, reading.verdicts
    ids = reading.items.item_id.to_pylist()
    said: dict[tuple[str, bool, int], str | None] = {}
    for row, item in enumerate(plan.item.tolist()):
        choice = int(verdicts.choice[row])
        verdict = None
        if verdicts.status[row] == Status.PARSED:
            shown = plan.shown_in(row)
            verdict = "tie" if choice == CHOICE_TIE else "ab"[shown[choice]]
        said[ids[item], bool(plan.swapped[row]), int(plan.repeat[row])] = verdict
    return said
