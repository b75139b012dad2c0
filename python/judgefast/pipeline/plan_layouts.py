"""The same rows planned by every layout that a rubric allows: what each would compute.

Nothing is changed. A layout is a field of the rubric, a part of `prompt_hash`, and only an edit of
the rubric makes another one the layout of a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from judgefast.pipeline.dry_run import Nowhere
from judgefast.pipeline.judge import Judge
from judgefast.pipeline.plan import plan_run
from judgefast.pipeline.survey import Survey
from judgefast.prompts.layouts import allowed_layouts
from judgefast.prompts.plan import PromptPlan
from judgefast.reports.plan_report import LayoutCost

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from judgefast.batches.cache import CacheSettings
    from judgefast.config import RunConfig
    from judgefast.prompts.rubric import Rubric


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
    engine = judge.engine
    found: list[LayoutCost] = []
    for name, rubric in _layouts(judge.rubric):
        other = Judge(rubric, engine, PromptPlan(rubric, engine.model, engine.capabilities))
        if any(one.prompt_hash == other.prompts.prompt_hash for one in found):
            continue  # another name for the same prompts
        survey = Survey(settings, keeps_sample=False)
        plan_run(Nowhere(), rows, other, config, _say_nothing, watch=survey)
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
    allowed = allowed_layouts(rubric)
    for name, one in sorted(allowed, key=lambda pair: pair[0] != rubric.template.layout):
        yield name, one
        if len(rubric.aspects) > 1 and (other := _otherwise_asked(one)) is not None:
            yield name, other


def _otherwise_asked(rubric: Rubric) -> Rubric | None:
    """Ask its aspects the other way, together or one by one; None where verdicts hold but one."""
    aspects = "one-by-one" if rubric.together else "together"
    if aspects == "together" and rubric.verdict.name != "json":
        return None
    members = ["" if rubric.together else aspect.name for aspect in rubric.aspects]
    return replace(
        rubric,
        template=replace(rubric.template, aspects=aspects),
        verdicts=tuple(
            replace(verdict, member=member)
            for verdict, member in zip(rubric.verdicts, members, strict=True)
        ),
    )


def _say_nothing(words: str) -> None:
    del words
