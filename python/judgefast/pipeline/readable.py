"""Whether what will be judged can be read as the options say: asked before anything is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from judgefast.batches.plan import plan_requests
from judgefast.datasets.columns import load_item_columns
from judgefast.datasets.rows import batch_of
from judgefast.errors import DataError
from judgefast.outcomes.reconcile import reconcile
from judgefast.pipeline.results import baseline_answers
from judgefast.stats.slices import known_field
from judgefast.verdicts.table import VerdictTable

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.config import RunConfig
    from judgefast.datasets.summary import ReadSummary
    from judgefast.pipeline.judge import Judge


def check_answers(summary: ReadSummary, judge: Judge) -> None:
    """Check that there is something to compare, where the rubric compares.

    Raises:
        DataError: Rows have one answer each.

    """
    rubric = judge.rubric
    if rubric.mode not in {"pairwise", "choice"} or summary.mode != "single":
        return
    msg = f"the rubric `{rubric.name}` compares answers, but each row has one"
    hint = "name a rubric of mode scalar or binary, or give `answer_a` and `answer_b`"
    raise DataError(msg, hint=hint)


def check_reading(config: RunConfig, judge: Judge, folder: Path) -> None:
    """Read a run of no judgments, so that no option of reading is refused after the judging.

    Args:
        config: The options of the run.
        judge: Who judges.
        folder: Folder that holds the `rows/` of the run.

    Raises:
        ConfigError: No answer is by the baseline, or no row has a field to slice by.
        RubricError: The mode has no such rule.

    """
    rubric = judge.rubric
    plan = plan_requests(
        batch_of([]),
        mode=rubric.mode,
        orders=config.orders,
        repeats=config.repeats,
        seed=config.seed,
        judge=judge.name,
        prompt_hash=judge.prompts.prompt_hash,
        aspects=judge.aspects,
    )
    probabilities = judge.prompts.decoding.probabilities
    reconcile(
        plan,
        VerdictTable(plan.request_id, rubric.verdict, planned=np.zeros(0, np.uint8)).verdicts(),
        mode=rubric.mode,
        rule=rubric.rule_in_force(probabilities=probabilities),  # type: ignore[arg-type]
        one_failed=rubric.one_failed,
        format=rubric.verdict,
        baseline=None if config.baseline is None else np.zeros(0, np.int64),
    )
    if config.baseline is not None or config.slices:
        items = load_item_columns(folder)
        baseline_answers(items, config.baseline)
        for field in config.slices:
            known_field(field, items.meta)
