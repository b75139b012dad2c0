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
mode = "{mode}"

[[aspects]]
name = "quality"
criterion = "As the source asked."
{scale}

[template]
system = "As the source asked."
[[template.blocks]]
text = \"\"\"
[Question]
{{question}}
{answers}
[End]\"\"\"

[verdict]
{verdict}

[decoding]
max_tokens = 512
"""
ANSWERS = {
    "pairwise": "[A]\n{answer_1}\n[B]\n{answer_2}",
    "choice": "[Answers]\n{answers}",
    "scalar": "[Answer]\n{answer}",
}
CHOICES = """
name = "regex"
labels = [
  { text = "A", choice = "first" },
  { text = "B", choice = "second" },
  { text = "C", choice = "tie" },
]
"""


def write_rubric(
    path: Path, mode: str, verdict: str, *, scale: tuple[float, float] | None = None
) -> Path:
    """A rubric with this `[verdict]`; only how it reads matters to a replay."""
    ends = f"[aspects.scale]\nlow = {scale[0]}\nhigh = {scale[1]}\ninteger = false" if scale else ""
    text = RUBRIC.format(
        name=path.stem, mode=mode, scale=ends, answers=ANSWERS[mode], verdict=verdict
    )
    path.write_text(text, encoding="utf-8")
    return path


def patterns_rubric(
    path: Path, patterns: Sequence[tuple[str, str]], *, which: str, source_rule: bool
) -> Path:
    """A pairwise rubric that reads A, B or C (a tie) by (pattern, verdict)."""
    written = ", ".join(
        f"{{ regex = '{regex}', verdict = '{verdict}' }}" for regex, verdict in patterns
    )
    rule = f'which = "{which}"\nsource_rule = {str(source_rule).lower()}'
    return write_rubric(path, "pairwise", f"{CHOICES}{rule}\npatterns = [{written}]")


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
