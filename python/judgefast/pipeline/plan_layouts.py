"""The same rows planned by every layout that a rubric allows: what each would compute.

Nothing is changed. A layout is a field of the rubric, a part of `prompt_hash`, and only an edit of
the rubric makes another one the layout of a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.pipeline.dry_run import Nowhere
from judgefast.pipeline.judge import Judge
from judgefast.pipeline.plan import plan_run
from judgefast.pipeline.survey import Survey
from judgefast.prompts.layouts import allowed_layouts
from judgefast.prompts.plan import PromptPlan
from judgefast.reports.plan_report import LayoutCost

if TYPE_CHECKING:
    from pathlib import Path

    from judgefast.batches.cache import CacheSettings
    from judgefast.config import RunConfig


def compare_layouts(
    judge: Judge, config: RunConfig, rows: Path, settings: CacheSettings
) -> list[LayoutCost]:
    """Plan the same rows by each layout, the cheapest first.

    Args:
        judge: Who judges, by the rubric as it stands.
        config: The options of the run.
        rows: Folder that holds `rows/`.
        settings: The cache to simulate.

    """
    engine, found = judge.engine, []
    for name, rubric in allowed_layouts(judge.rubric):
        other = Judge(rubric, engine, PromptPlan(rubric, engine.model, engine.capabilities))
        survey = Survey(settings, keeps_sample=False)
        plan_run(Nowhere(), rows, other, config, _say_nothing, watch=survey)
        cost = LayoutCost(
            layout=name,
            in_force=name == judge.rubric.template.layout,
            requests=survey.requests,
            prompt_tokens=survey.prompt_tokens,
            computed_tokens=survey.computed_tokens,
            prompt_hash=other.prompts.prompt_hash,
        )
        found.append(cost)
    return sorted(found, key=lambda one: (one.computed_tokens, not one.in_force))


def _say_nothing(words: str) -> None:
    del words
