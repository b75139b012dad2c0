"""Whether options fit the data, said before anything is asked and not after it was paid for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.batches.columns import no_plan
from judgefast.codes import Status
from judgefast.datasets.columns import load_item_columns
from judgefast.errors import DataError
from judgefast.outcomes.reconcile import reconcile
from judgefast.pipeline.estimates import judged_aspects
from judgefast.pipeline.own_family import answers_by_model, refuse_own
from judgefast.pipeline.reconciled import baseline_answers
from judgefast.stats.summary import Judgments, summarise
from judgefast.verdicts.read import empty

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.config import RunConfig
    from judgefast.datasets.columns import ItemColumns
    from judgefast.pipeline.judge import Judge


def check_answers(judge: Judge, *, is_single: bool) -> None:
    """Check that there is something to compare, where the rubric compares.

    Args:
        judge: Who would judge.
        is_single: Whether each row has one answer.

    Raises:
        DataError: Rows have one answer each.

    """
    rubric = judge.rubric
    if rubric.mode not in {"pairwise", "choice"} or not is_single:
        return
    msg = f"the rubric `{rubric.name}` compares answers, but each row has one"
    hint = "name a rubric of mode scalar or binary, or give `answer_a` and `answer_b`"
    raise DataError(msg, hint=hint)


def check_fit(folder: Path, config: RunConfig, judge: Judge) -> ItemColumns:
    """Read no judgments by the options that a report will read all of them by.

    Whatever a report would refuse of them is refused here, by the same code.

    Args:
        folder: Folder that holds `rows/`.
        config: The options of the run.
        judge: Who would judge.

    Returns:
        The items, which are read for it.

    Raises:
        ConfigError: No item has the baseline, or no row the field of a slice; or the mode compares
            no two answers; or the judge is of a candidate's family.
        RubricError: The rule does not apply to the mode.

    """
    rubric, items, plan = judge.rubric, load_item_columns(folder), no_plan()
    labels = max(len(form.labels) for form in rubric.verdicts)
    verdicts = empty(0, labels, Status.INTERRUPTED)
    outcomes = reconcile(
        plan,
        verdicts,
        mode=rubric.mode,
        rule=judge.prompts.rule,  # type: ignore[arg-type]  # the rubric has checked it
        one_failed=rubric.one_failed,
        format=rubric.verdicts,
        baseline=baseline_answers(items, config.baseline),
    )
    summarise(
        outcomes,
        items,
        mode=rubric.mode,
        level=config.level,
        slices=config.slices,
        aspects=judged_aspects(rubric),
        baseline=config.baseline,
        judgments=Judgments(plan.item, np.zeros(0, np.uint8)),
    )
    refuse_own(config, judge.engine.model.name, answers_by_model(items))
    return items
