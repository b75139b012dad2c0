"""The same rows planned by every layout that a rubric allows: what each would compute.

Nothing is changed. A layout is a field of the rubric, a part of `prompt_hash`, and only an edit of
the rubric makes another one the layout of a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from judgefast.pipeline.cached import cache_of
from judgefast.pipeline.dry_run import Nowhere
from judgefast.pipeline.judge import Judge, prompts_of, rubric_in_force
from judgefast.pipeline.plan import plan_run
from judgefast.pipeline.survey import Survey
from judgefast.prompts.layouts import allowed_layouts
from judgefast.reports.plan_report import LayoutCost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from judgefast.config import RunConfig
    from judgefast.pipeline.cached import CacheWishes
    from judgefast.prompts.rubric import Asking, Rubric


def compare_layouts(
    judge: Judge, config: RunConfig, rows: Path, wishes: CacheWishes
) -> list[LayoutCost]:
    """Plan the same rows by each layout, the cheapest first.

    Args:
        judge: Who judges, by the rubric as it stands; an engine that takes token ids.
        config: The options of the run.
        rows: Folder that holds `rows/`.
        wishes: Of the cache.

    """
    found: list[LayoutCost] = []
    for name, read in _layouts(judge.rubric):
        rubric = rubric_in_force(config, read)
        other = Judge(rubric, judge.engine, prompts_of(config, rubric, judge.engine))
        if any(one.prompt_hash == other.prompts.prompt_hash for one in found):
            continue  # another name for the same prompts
        cache = cache_of(other, wishes)
        survey = Survey(None if cache is None else cache.settings, keeps_sample=False)
        plan_run(Nowhere(), rows, other, config, _say_nothing, survey, wishes)
        cost = LayoutCost(
            layout=name,
            aspects=rubric.template.aspects,
            in_force=rubric.template == judge.rubric.template,
            requests=survey.requests,
            prompt_tokens=survey.prompt_tokens,
            computed_tokens=survey.computed_tokens,
            prompt_hash=other.prompts.prompt_hash,
        )
        found.append(cost)
    return sorted(found, key=lambda one: (one.computed_tokens, not one.in_force))


def _layouts(rubric: Rubric) -> Iterator[tuple[str, Rubric]]:
    """What the rubric allows, that in force first; of several aspects one by one and together."""
    otherwise: Asking = "one-by-one" if rubric.together else "together"
    others = dict(allowed_layouts(rubric, otherwise)) if len(rubric.aspects) > 1 else {}
    allowed = dict(allowed_layouts(rubric))
    for name in sorted(allowed | others, key=lambda name: name != rubric.template.layout):
        if name in allowed:
            yield name, allowed[name]
        if name in others:
            yield name, others[name]


def _say_nothing(words: str) -> None:
    del words
