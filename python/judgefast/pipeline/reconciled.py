"""Verdicts of a run become its outcomes, by the rule in force and what was decided unasked."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from judgefast.codes import Status
from judgefast.errors import ConfigError
from judgefast.outcomes.reconcile import reconcile
from judgefast.pipeline.empty_answers import decide_empty, empty_answers

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.codes import Rule
    from judgefast.config import RunConfig
    from judgefast.datasets.columns import ItemColumns
    from judgefast.outcomes.columns import OutcomeColumns
    from judgefast.pipeline.plan import RunPlan
    from judgefast.prompts.rubric import Rubric
    from judgefast.verdicts.columns import VerdictColumns


def outcomes_of(  # noqa: PLR0913, PLR0917 - the parts of a reading, in its order
    folder: Path,
    config: RunConfig,
    rubric: Rubric,
    rule: str,
    items: ItemColumns,
    plan: RunPlan,
    verdicts: VerdictColumns,
) -> OutcomeColumns:
    """Reconcile the verdicts of a run.

    Args:
        folder: The run directory.
        config: Options of the run.
        rubric: By which it is read.
        rule: In force: of the rubric, which has checked it.
        items: Of the run.
        plan: Of the run.
        verdicts: Row for row of the plan.

    """
    is_decided = bool((plan.rendered.decided == Status.NOT_NEEDED).any())
    flags = empty_answers(folder) if is_decided else []
    return reconcile(
        plan.columns.whole(),
        decide_empty(flags, plan, verdicts, rubric),
        mode=rubric.mode,
        rule=cast("Rule", rule),
        one_failed=rubric.one_failed,
        format=rubric.verdicts,
        baseline=baseline_answers(items, config.baseline),
    )


def baseline_answers(items: ItemColumns, baseline: str | None) -> np.ndarray[Any, Any] | None:
    """Index of the named model's answer in each item; -1 where it has none.

    Raises:
        ConfigError: No item has an answer of that model.

    """
    if baseline is None:
        return None
    if baseline not in items.models:
        known = ", ".join(items.models) or "none is named"
        close = get_close_matches(baseline, items.models, n=1)
        msg = f"no model `{baseline}` to serve as baseline; known: {known}"
        raise ConfigError(msg, hint=f"did you mean `{close[0]}`?" if close else None)
    is_it = items.model == items.models.index(baseline)
    found: np.ndarray[Any, Any] = np.where(is_it.any(axis=1), is_it.argmax(axis=1), -1)
    return found
