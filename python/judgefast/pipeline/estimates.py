"""The numbers of a run that has been read: every estimate, and the bias for a position."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from judgefast.codes import Status
from judgefast.pipeline.adaptive_outcomes import adaptive_of, judged_of, requests_of
from judgefast.stats.adaptive_report import adaptive_report
from judgefast.stats.aspect_table import aspect_table
from judgefast.stats.aspects import JudgedAspect
from judgefast.stats.bias import position_bias
from judgefast.stats.correlation import correlations
from judgefast.stats.position_rows import position_rows
from judgefast.stats.replicates import resampling_by
from judgefast.stats.summary import Judgments, measure

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from judgefast.batches.columns import PlanColumns
    from judgefast.pipeline.results import Reading
    from judgefast.prompts.rubric import Rubric
    from judgefast.stats.adaptive_found import AdaptiveReport
    from judgefast.stats.aspect_table import AspectTable
    from judgefast.stats.correlation import Correlation
    from judgefast.stats.estimate import Estimate
    from judgefast.stats.measurement import Measurement
    from judgefast.stats.position import PositionBias
    from judgefast.stats.position_rows import PositionRows
    from judgefast.stats.replicates import Resampling
    from judgefast.verdicts.columns import VerdictColumns


def estimates_of(reading: Reading) -> list[Estimate]:
    """Every number a person may quote."""
    return [one.estimate(reading.config.level) for one in measurements_of(reading)]


def measurements_of(reading: Reading, *, names: Collection[str] | None = None) -> list[Measurement]:
    """The same before a level is chosen; of `names` alone, if some are given."""
    rubric, config = reading.rubric, reading.config
    return measure(
        reading.outcomes,
        reading.items,
        mode=rubric.mode,
        scale=scale_of(rubric),
        slices=config.slices,
        aspects=judged_aspects(rubric),
        baseline=config.baseline,
        judgments=judgments_of(reading),
        resampling=resampling_of(reading),
        names=names,
        adaptive=adaptive_of(reading),
    )


def adaptive_report_of(reading: Reading) -> AdaptiveReport | None:
    """What adaptive orders saved and left out; None where others were asked."""
    adaptive = adaptive_of(reading)
    if adaptive is None or reading.seconds is None:
        return None
    options = reading.directory.manifest.options
    return adaptive_report(
        measurements_of(reading),
        adaptive.take(judged_of(reading)),
        reading.items,
        level=reading.config.level,
        sure=reading.seconds.sure,
        audit=options["audit"],
        repeats=int(options.get("repeats", 1)),
        requests=requests_of(reading),
    )


def judged_aspects(rubric: Rubric) -> list[JudgedAspect]:
    """What statistics need to know of the aspects of a rubric; only scores have a scale."""
    return [
        JudgedAspect(each.name, each.weight, (each.scale.low, each.scale.high))
        if each.scale is not None and rubric.mode == "scalar"
        else JudgedAspect(each.name, each.weight)
        for each in rubric.aspects
    ]


def scale_of(rubric: Rubric) -> tuple[float, float]:
    """Lowest and highest value of an outcome of any aspect."""
    scales = [aspect.scale for aspect in judged_aspects(rubric)]
    return min(low for low, _ in scales), max(high for _, high in scales)


def judgments_of(reading: Reading) -> Judgments:
    """The planned judgments, and what became of each; without those that were not needed."""
    columns, status = reading.plan.columns, reading.verdicts.status
    asked = status != Status.DECIDED
    if asked.all():
        return Judgments(columns.item, status, columns.aspect)
    return Judgments(columns.item[asked], status[asked], columns.aspect[asked])


def correlations_of(reading: Reading) -> list[Correlation]:
    """How each two aspects go together; nothing where there is one."""
    names = [aspect.name for aspect in reading.rubric.aspects]
    return correlations(reading.outcomes, reading.items, names, mode=reading.rubric.mode)


def aspects_of(reading: Reading, estimates: Sequence[Estimate]) -> AspectTable | None:
    """The table of aspects, made from the estimates of a run; None where there is one aspect."""
    aspects = judged_aspects(reading.rubric)
    if len(aspects) <= 1:
        return None
    level = reading.config.level
    related = [one.estimate(level) for one in correlations_of(reading)]
    return aspect_table(estimates, related, aspects, mode=reading.rubric.mode, level=level)


def bias_of(reading: Reading) -> PositionBias | None:
    """Position bias, where two answers were shown together."""
    if reading.rubric.mode != "pairwise":
        return None
    plan, verdicts = _shown_by_chance(reading)
    bias = position_bias(
        plan,
        verdicts,
        reading.items,
        level=reading.config.level,
        label_choices=_label_choices(reading),
        resampling=resampling_of(reading),
        aspects=[aspect.name for aspect in reading.rubric.aspects],
    )
    return bias if reading.seconds is None else replace(bias, of_audit=True)


def _shown_by_chance(reading: Reading) -> tuple[PlanColumns, VerdictColumns]:
    """What position bias is measured on: all; of adaptive orders the audit alone.

    What else was asked in both orders left a doubt: there a place tells more than elsewhere.
    """
    plan, verdicts = reading.plan.columns, reading.verdicts
    if reading.seconds is None:
        return plan, verdicts
    rows = np.flatnonzero(reading.seconds.is_audited)
    return plan.whole().take(rows), verdicts.take(rows)


def position_rows_of(reading: Reading) -> PositionRows | None:
    """What each comparison says of position, where two answers were shown together."""
    if reading.rubric.mode != "pairwise":
        return None
    plan, verdicts = _shown_by_chance(reading)
    return position_rows(plan, verdicts, label_choices=_label_choices(reading))


def resampling_of(reading: Reading) -> Resampling | None:
    """How the clusters of a run are drawn again."""
    return resampling_by(reading.config.interval, reading.config.seed)


def _label_choices(reading: Reading) -> list[object] | None:
    labels = reading.rubric.verdict.labels
    return [label.choice for label in labels] if reading.probabilities else None
