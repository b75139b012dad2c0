"""What `--on-empty lose` decides without the judge: an empty answer loses to one that is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from judgefast.codes import CHOICE_NONE, CHOICE_TIE, Status
from judgefast.datasets.rows import iter_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from judgefast.pipeline.plan import RunPlan
    from judgefast.prompts.rubric import Rubric
    from judgefast.prompts.verdict_format import VerdictFormat
    from judgefast.verdicts.columns import VerdictColumns


def decide_empty(
    empty: Sequence[Sequence[bool]], plan: RunPlan, verdicts: VerdictColumns, rubric: Rubric
) -> VerdictColumns:
    """Give judgments that were not needed the verdict that they stand for.

    Two answers: the one that is not empty is chosen, or a tie where both are. One answer: the
    lowest score. Several: the first that is not empty cannot be known to be best, so there is none.

    Args:
        empty: For each item, in run order, whether each of its answers loses unseen; may be empty
            where no judgment was decided so.
        plan: What was planned.
        verdicts: What was read, row for row of the plan.
        rubric: For mode and scale.

    """
    rows = np.flatnonzero(plan.rendered.decided == Status.NOT_NEEDED)
    if not len(rows):
        return verdicts
    status, choice = verdicts.status.copy(), verdicts.choice.copy()
    score, strength = verdicts.score.copy(), verdicts.strength.copy()
    lowest = [_lowest(form) for form in rubric.verdicts]
    for row in rows.tolist():
        shown = plan.columns.shown_in(row)
        is_empty = [empty[int(plan.columns.item[row])][answer] for answer in shown]
        if rubric.mode == "pairwise":
            choice[row] = CHOICE_TIE if all(is_empty) else is_empty.index(False)
            strength[row] = {0: 1.0, 1: 0.0}.get(int(choice[row]), 0.5)
        elif rubric.mode in ("scalar", "binary"):
            choice[row] = CHOICE_NONE
            score[row] = lowest[plan.columns.aspect[row]]
        else:
            continue
        status[row] = Status.PARSED
    return verdicts._replace(status=status, choice=choice, score=score, strength=strength)


def empty_answers(folder: Path) -> list[list[bool]]:
    """Read the flags of `decide_empty` from the rows of a run."""
    flags: list[list[bool]] = []
    for batch in iter_rows(folder, ["answers.list.element.empty"]):
        answers: Any = batch.column("answers")
        flags += [[answer["empty"] for answer in row] for row in answers.to_pylist()]
    return flags


def _lowest(form: VerdictFormat) -> float:
    scores: list[float] = [label.score for label in form.labels if label.score is not None]
    if scores:
        return min(scores)
    return form.low if form.low is not None else 0.0
